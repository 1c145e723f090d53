package garch

import (
	"encoding/json"
	"math"

	"github.com/aqsha/aqsha/words"
)

// Parameter with its standard errors; nil where they do not exist.
type Parameter struct {
	Name      string   `json:"name"`
	Value     float64  `json:"value"`
	SEHessian *float64 `json:"se_hessian"`
	SERobust  *float64 `json:"se_robust"`
}

// Start is one run of the optimiser, told honestly.
type Start struct {
	From       []float64 `json:"from"` // in units of the mean square
	LogLik     float64   `json:"log_lik"`
	Iterations int       `json:"iterations"`
	Converged  bool      `json:"converged"`
	Joined     int       `json:"joined"` // 1-based earlier start into whose basin it ran; 0: none
}

// MarshalJSON writes null for the likelihood of a start that had none: JSON has no infinity.
func (s Start) MarshalJSON() ([]byte, error) {
	out := struct {
		From       []float64 `json:"from"`
		LogLik     *float64  `json:"log_lik"`
		Iterations int       `json:"iterations"`
		Converged  bool      `json:"converged"`
		Joined     int       `json:"joined"`
	}{From: s.From, Iterations: s.Iterations, Converged: s.Converged, Joined: s.Joined}
	if !math.IsInf(s.LogLik, 0) && !math.IsNaN(s.LogLik) {
		out.LogLik = &s.LogLik
	}
	return json.Marshal(out)
}

// Convergence is how the optimum was reached.
type Convergence struct {
	Converged    bool     `json:"converged"`
	Decrement    *float64 `json:"decrement"`         // gᵀ(−H)⁻¹g in the free directions where last measured, or null
	GradientNorm *float64 `json:"gradient_norm"`     // largest |∂ℓ/∂θ·θ|; null where a constraint binds
	Stopped      string   `json:"stopped,omitempty"` // why the best climb ended where it did not converge
	Boundary     []string `json:"boundary"`          // constraints that bind
	Starts       []Start  `json:"starts"`
	Won          int      `json:"won"` // 1-based
	ErrorsNote   string   `json:"errors_note,omitempty"`
	// Of EGARCH where ln h may not forget where it began: the highest reached outside the region where it does, when
	// the fit is the region's top; the highest reached inside, when the region has no top.
	Outside *Reached `json:"outside,omitempty"`
	Inside  *Reached `json:"inside,omitempty"`
}

// Fit is an estimated model. Variances are in the square of the returns' unit.
type Fit struct {
	Spec        Spec        `json:"spec"`
	N           int         `json:"n"`
	Mean        float64     `json:"mean"` // subtracted beforehand; 0 unless demeaned
	Parameters  []Parameter `json:"parameters"`
	LogLik      float64     `json:"log_lik"`
	AIC         float64     `json:"aic"`
	BIC         float64     `json:"bic"`
	Persistence float64     `json:"persistence"`
	Stationary  bool        `json:"stationary"`
	UncondVar   *float64    `json:"unconditional_variance"` // null when not stationary
	HalfLife    *float64    `json:"half_life_days"`
	HFirst      float64     `json:"h_first"`
	HLast       float64     `json:"h_last"`
	HNext       float64     `json:"h_next"`
	Convergence Convergence `json:"convergence"`
	Warnings    []string    `json:"warnings,omitempty"`

	// Variances and Residuals (standardised) of each observation that counts.
	Variances []float64 `json:"-"`
	Residuals []float64 `json:"-"`

	theta   []float64
	hessian []float64
	outer   []float64
	warned  []words.Said // Warnings, for any language
	lastRaw float64      // last return, for AR(1) forecasts
}

// Theta is the parameter vector in the order of Spec.Names.
func (f *Fit) Theta() []float64 { return append([]float64(nil), f.theta...) }

// Value of a parameter by name; NaN if the model has none.
func (f *Fit) Value(name string) float64 {
	for _, p := range f.Parameters {
		if p.Name == name {
			return p.Value
		}
	}
	return math.NaN()
}

// errors inverts the negative Hessian and builds both kinds of standard error.
// It returns nil slices when the Hessian is not negative definite.
func standardErrors(hessian, outer []float64, k int) (covariance, robust []float64) {
	m := make([]float64, k*k)
	scale := make([]float64, k)
	for i := range k { // unit diagonal first: parameters differ by orders of magnitude
		if !(hessian[i*k+i] < 0) {
			return nil, nil
		}
		scale[i] = 1 / math.Sqrt(-hessian[i*k+i])
	}
	for i := range k {
		for j := range k {
			m[i*k+j] = -hessian[i*k+j] * scale[i] * scale[j]
		}
	}
	if !cholesky(m, k) {
		return nil, nil
	}
	v := make([]float64, k*k)
	column := make([]float64, k)
	for j := range k {
		clear(column)
		column[j] = 1
		solveCholesky(m, k, column)
		for i := range k {
			v[i*k+j] = column[i] * scale[i] * scale[j]
		}
	}
	return v, sandwich(v, outer, k)
}

// sandwich is V·B·V.
func sandwich(v, b []float64, k int) []float64 { return multiply(multiply(v, b, k), v, k) }

// multiply is the product of two k×k matrices, row by row.
func multiply(a, b []float64, k int) []float64 {
	out := make([]float64, k*k)
	for i := range k {
		for j := range k {
			for x := range k {
				out[i*k+j] += a[i*k+x] * b[x*k+j]
			}
		}
	}
	return out
}
