package garch

import (
	"math"

	"github.com/aqsha/aqsha/market"
)

// Package is another program whose habits a fit can follow.
type Package string

// The packages that can be followed.
const (
	FGarch  Package = "fgarch"
	RUGarch Package = "rugarch"
	Arch    Package = "arch"
)

// Like sets initial variance, mean and E|z| as the package does by default,
// keeping model and law. fgarch has no EGARCH and writes GJR as APARCH; the
// recursion is the same and so is the name gamma1.
func (s Spec) Like(p Package) (Spec, error) {
	s.Mean = Constant
	switch p {
	case FGarch:
		if s.Model == EGARCH {
			return s, market.Refuse("convention", "like", "fGarch has no EGARCH")
		}
		s.Initial, s.Free = ThroughRecursion, true
	case RUGarch:
		s.Initial = MeanSquare
	case Arch:
		s.Initial, s.NormalAbs = Backcast, true
	default:
		return s, market.Refuse("convention", "like", "%q is not one of fgarch, rugarch, arch", p)
	}
	return s, nil
}

// Reported is a parameter as another package prints it, with the standard
// error that package prints by default.
type Reported struct {
	Name  string   `json:"name"`
	Value float64  `json:"value"`
	SE    *float64 `json:"se"`
}

var names = map[Package]map[string]string{
	FGarch: {"mu": "mu", "phi": "ar1", "omega": "omega", "alpha": "alpha1", "gamma": "gamma1", "beta": "beta1",
		"xi": "skew", "nu": "shape"},
	RUGarch: {"mu": "mu", "phi": "ar1", "omega": "omega", "alpha": "alpha1", "gamma": "gamma1", "beta": "beta1",
		"xi": "skew", "nu": "shape"},
	Arch: {"mu": "mu", "phi": "y[1]", "omega": "omega", "alpha": "alpha[1]", "gamma": "gamma[1]", "beta": "beta[1]",
		"xi": "lambda", "nu": "nu"},
}

// As prints the fit as the package would: its names, its parametrisation
// (rugarch: mean instead of intercept, EGARCH's sign and size terms exchanged;
// arch: Hansen's λ and η instead of ξ and ν), and its default errors (arch:
// sandwich, the others: Hessian). Errors of transformed parameters follow by
// the delta method.
func (f *Fit) As(p Package) ([]Reported, error) {
	known := names[p]
	if known == nil {
		return nil, market.Refuse("convention", "like", "%q is not one of fgarch, rugarch, arch", p)
	}
	at, k := f.Spec.layout(), len(f.theta)
	values, jacobian := append([]float64(nil), f.theta...), make([]float64, k*k)
	for i := range k {
		jacobian[i*k+i] = 1
	}
	if p == RUGarch && at.phi >= 0 { // μ = c/(1−φ)
		c, phi := values[at.mu], values[at.phi]
		values[at.mu] = c / (1 - phi)
		jacobian[at.mu*k+at.mu], jacobian[at.mu*k+at.phi] = 1/(1-phi), c/((1-phi)*(1-phi))
	}
	if p == Arch && at.xi >= 0 { // ξ² = (1+λ)/(1−λ)
		x := values[at.xi]
		values[at.xi] = (x*x - 1) / (x*x + 1)
		jacobian[at.xi*k+at.xi] = 4 * x / ((x*x + 1) * (x*x + 1))
	}
	covariance, robust := f.covariances()
	if p == Arch {
		covariance = robust
	}
	var out []Reported
	for i, name := range f.Spec.Names() {
		r := Reported{Name: known[name], Value: values[i]}
		if p == RUGarch && f.Spec.Model == EGARCH && (name == "alpha" || name == "gamma") {
			r.Name = known[map[string]string{"alpha": "gamma", "gamma": "alpha"}[name]]
		}
		if p == Arch && name == "nu" && f.Spec.Law == SkewT {
			r.Name = "eta"
		}
		if covariance != nil {
			v := 0.0
			for a := range k {
				for b := range k {
					v += jacobian[i*k+a] * covariance[a*k+b] * jacobian[i*k+b]
				}
			}
			se := math.Sqrt(v)
			r.SE = &se
		}
		out = append(out, r)
	}
	return out, nil
}

func (f *Fit) covariances() (covariance, robust []float64) {
	if f.Convergence.ErrorsNote != "" {
		return nil, nil
	}
	return standardErrors(f.hessian, f.outer, len(f.theta))
}
