package garch

import (
	"math"
	"slices"

	"github.com/aqsha/aqsha/market"
)

// Model is the variance recursion.
type Model string

// The models: h = ω + αε² + βh; h = ω + (α + γ·1[ε<0])ε² + βh;
// ln h = ω + α(|z| − E|z|) + γz + β·ln h.
const (
	GARCH  Model = "garch"
	GJR    Model = "gjr"
	EGARCH Model = "egarch"
)

// Law is the distribution of the standardised errors; all have unit variance.
type Law string

// The laws; SkewT is Fernández and Steel's, standardised, with skewness ξ.
const (
	Normal   Law = "normal"
	StudentT Law = "t"
	SkewT    Law = "skewt"
)

// Mean says what is subtracted from returns.
type Mean string

// The means: nothing; the sample mean, fixed beforehand; a constant fitted
// jointly; r_t = c + φ·r_{t−1} fitted jointly, conditional on the first return.
const (
	Zero     Mean = "zero"
	Demeaned Mean = "demeaned"
	Constant Mean = "constant"
	AR1      Mean = "ar1"
)

// Initial is the variance before the first observation.
type Initial string

// The initial variances: the mean square residual put through the recursion
// (R fGarch); the mean square itself (R rugarch); exponentially weighted
// first 75 squares (Python arch).
const (
	ThroughRecursion Initial = "mci"
	MeanSquare       Initial = "mean"
	Backcast         Initial = "backcast"
)

// Spec is what to estimate. The zero value of a field means its first constant.
type Spec struct {
	Model   Model   `json:"model"`
	Law     Law     `json:"law"`
	Mean    Mean    `json:"mean"`
	Initial Initial `json:"initial"`
	// Free lifts the constraint α + β (+ γ/2) ≤ 1 − 10⁻⁶.
	Free bool `json:"free"`
	// Integrated holds the persistence of GARCH at that limit (IGARCH).
	Integrated bool `json:"integrated,omitempty"`
	// NormalAbs keeps √(2/π) for E|z| in EGARCH whatever the law (Python arch).
	NormalAbs bool `json:"normal_abs,omitempty"`
	// Thorough climbs from every start on the whole series, and EGARCH by the general
	// engine, as it was when reports of the earlier formats were sealed: the last digits are those.
	Thorough bool `json:"-"`
	// Earlier searches and says what it reached as it was when reports of the formats 1 to 6 were sealed.
	Earlier bool `json:"-"`
	// Folds searches EGARCH of mild returns without a region, as reports of format 7 did.
	Folds bool `json:"-"`
}

// complete fills in what was left open and refuses what cannot be fitted together, before any data is looked at: a
// choice that is not known must not become the default.
func (s Spec) complete() (Spec, error) {
	if s.Model == "" {
		s.Model = GARCH
	}
	if s.Law == "" {
		s.Law = Normal
	}
	if s.Mean == "" {
		s.Mean = Demeaned
	}
	if s.Initial == "" {
		s.Initial = ThroughRecursion
	}
	for _, choice := range []struct {
		field, value string
		known        []string
	}{
		{"model", string(s.Model), []string{"garch", "gjr", "egarch"}},
		{"law", string(s.Law), []string{"normal", "t", "skewt"}},
		{"mean", string(s.Mean), []string{"zero", "demeaned", "constant", "ar1"}},
		{"initial", string(s.Initial), []string{"mci", "mean", "backcast"}},
	} {
		// Held at its limit the constraint is the model: the others have another form of it, and a free fit has none.
		if s.Integrated && (s.Model != GARCH || s.Free) {
			return s, market.Refuse("choice", "integrated", "only GARCH, constrained, can be held at its limit")
		}
		if !slices.Contains(choice.known, choice.value) {
			return s, market.Refuse("choice", choice.field, "%q is not one of %v", choice.value, choice.known)
		}
	}
	return s, nil
}

// layout says where each parameter stands in the vector; −1: absent.
type layout struct {
	mu, phi, omega, alpha, gamma, beta, xi, nu int
	size                                       int
}

// layout is the place of each parameter in a vector; −1 for those that the model does not have.
func (s Spec) layout() layout {
	l := layout{-1, -1, -1, -1, -1, -1, -1, -1, 0}
	next := func(at *int, when bool) {
		if when {
			*at = l.size
			l.size++
		}
	}
	next(&l.mu, s.Mean == Constant || s.Mean == AR1)
	next(&l.phi, s.Mean == AR1)
	next(&l.omega, true)
	next(&l.alpha, true)
	next(&l.gamma, s.Model != GARCH)
	next(&l.beta, true)
	next(&l.xi, s.Law == SkewT)
	next(&l.nu, s.Law != Normal)
	return l
}

// Names of the parameters in order.
func (s Spec) Names() []string {
	l := s.layout()
	names := make([]string, l.size)
	for at, name := range map[int]string{l.mu: "mu", l.phi: "phi", l.omega: "omega", l.alpha: "alpha", l.gamma: "gamma",
		l.beta: "beta", l.xi: "xi", l.nu: "nu"} {
		if at >= 0 {
			names[at] = name
		}
	}
	return names
}

// persistence is how much of a shock to variance is left a day later.
func (s Spec) persistence(p []float64) float64 {
	l := s.layout()
	switch s.Model {
	case GJR:
		return p[l.alpha] + p[l.gamma]/2 + p[l.beta]
	case EGARCH:
		return p[l.beta]
	}
	return p[l.alpha] + p[l.beta]
}

// Bounds stated to the user: what the optimiser keeps to.
const (
	stationaryLimit = 1 - 1e-6
	freeBeta        = 0.99999
	leastNu         = 2.01
	maxNu           = 500.0
	leastOmega      = 1e-9 // of the mean square
)

// constraints are rows a·θ ≤ b in units of the mean square (see scaled).
func (s Spec) constraints() []constraint {
	l := s.layout()
	var rows []constraint
	bound := func(name string, at int, low, high float64) {
		if at < 0 {
			return
		}
		a := make([]float64, l.size)
		a[at] = -1
		rows = append(rows, constraint{name + " at its least", a, -low})
		if !math.IsInf(high, 1) {
			a = make([]float64, l.size)
			a[at] = 1
			rows = append(rows, constraint{name + " at its most", a, high})
		}
	}
	bound("phi", l.phi, -0.9999, 0.9999)
	bound("xi", l.xi, 0.05, 20)
	bound("nu", l.nu, leastNu, maxNu)
	if s.Model == EGARCH {
		bound("beta", l.beta, -0.99999, 0.99999)
		bound("alpha", l.alpha, -3, 5)
		bound("gamma", l.gamma, -3, 3)
		return rows
	}
	bound("omega", l.omega, leastOmega, math.Inf(1))
	bound("alpha", l.alpha, 0, 10)
	// β alone stays below 1 even where persistence is free: at 1 the variance forgets nothing, and its first value,
	// which is chosen, would be in all others.
	bound("beta", l.beta, 0, freeBeta)
	if s.Model == GJR {
		a := make([]float64, l.size)
		a[l.alpha], a[l.gamma] = -1, -1
		rows = append(rows, constraint{"alpha + gamma at zero", a, 0})
	}
	if s.Integrated && s.Model == GARCH {
		a := make([]float64, l.size)
		a[l.alpha], a[l.beta] = -1, -1
		rows = append(rows, constraint{"persistence held", a, -stationaryLimit})
	}
	if !s.Free {
		a := make([]float64, l.size)
		a[l.alpha], a[l.beta] = 1, 1
		if s.Model == GJR {
			a[l.gamma] = 0.5
		}
		rows = append(rows, constraint{"persistence at its most", a, stationaryLimit})
	}
	return rows
}
