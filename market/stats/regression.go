package stats

import (
	"math"

	"gonum.org/v1/gonum/mat"

	"github.com/aqsha/aqsha/market"
)

// Regression is a least-squares fit of y on columns of X. Coefficients and Errors begin with the constant's, then come
// those of the columns in their order; Residuals are as long as y.
type Regression struct {
	Coefficients []float64
	Errors       []float64 // classical standard errors
	Residuals    []float64
	RSS          float64
	R2           float64 // about the mean of y

	x       *mat.Dense
	inverse *mat.Dense // (XᵀX)⁻¹
}

// Fit regresses y on a constant and the given columns, by QR. The columns have y's length; n·k² steps. R2 is 1 −
// RSS/TSS about the mean, and no number where y is constant.
func Fit(y []float64, columns ...[]float64) (*Regression, error) {
	n, k := len(y), len(columns)+1
	if n <= k {
		return nil, market.Refuse("too-short", "regression", "%d observations for %d coefficients", n, k)
	}
	x := mat.NewDense(n, k, nil)
	for i := range n {
		x.Set(i, 0, 1)
		for j, c := range columns {
			x.Set(i, j+1, c[i])
		}
	}
	// QR and not the normal equations: these square the condition of regressors that nearly agree.
	var qr mat.QR
	qr.Factorize(x)
	var b mat.VecDense
	if err := qr.SolveVecTo(&b, false, mat.NewVecDense(n, y)); err != nil {
		return nil, market.Refuse("collinear", "regression", "the regressors are collinear: %v", err)
	}
	r := &Regression{x: x, Residuals: make([]float64, n)}
	mean, tss := Mean(y), 0.0
	for i := range n {
		fitted := 0.0
		for j := range k {
			fitted += x.At(i, j) * b.AtVec(j)
		}
		r.Residuals[i] = y[i] - fitted
		r.RSS += r.Residuals[i] * r.Residuals[i]
		tss += (y[i] - mean) * (y[i] - mean)
	}
	r.R2 = 1 - r.RSS/tss
	var triangle, inverseR mat.Dense
	qr.RTo(&triangle)
	if err := inverseR.Inverse(triangle.Slice(0, k, 0, k)); err != nil {
		return nil, market.Refuse("collinear", "regression", "the regressors are collinear: %v", err)
	}
	r.inverse = mat.NewDense(k, k, nil)
	r.inverse.Mul(&inverseR, inverseR.T())
	s2 := r.RSS / float64(n-k)
	for j := range k {
		r.Coefficients = append(r.Coefficients, b.AtVec(j))
		r.Errors = append(r.Errors, math.Sqrt(s2*r.inverse.At(j, j)))
	}
	return r, nil
}

// NeweyWest gives standard errors robust to heteroskedasticity and
// autocorrelation up to lag, with Bartlett weights, no prewhitening and no
// small-sample factor (R: sandwich::NeweyWest(prewhite=FALSE, adjust=FALSE)).
func (r *Regression) NeweyWest(lag int) []float64 {
	n, k := r.x.Dims()
	meat := mat.NewDense(k, k, nil)
	for l := 0; l <= lag; l++ {
		weight := 1 - float64(l)/float64(lag+1)
		for t := l; t < n; t++ {
			uu := weight * r.Residuals[t] * r.Residuals[t-l]
			for i := range k {
				for j := range k {
					v := uu * r.x.At(t, i) * r.x.At(t-l, j)
					meat.Set(i, j, meat.At(i, j)+v)
					if l > 0 { // Γ + Γᵀ
						meat.Set(j, i, meat.At(j, i)+v)
					}
				}
			}
		}
	}
	var v mat.Dense
	v.Mul(r.inverse, meat)
	v.Mul(&v, r.inverse)
	errors := make([]float64, k)
	for j := range k {
		errors[j] = math.Sqrt(v.At(j, j))
	}
	return errors
}
