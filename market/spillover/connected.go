package spillover

import (
	"math"

	"gonum.org/v1/gonum/mat"

	"github.com/aqsha/aqsha/market"
	"github.com/aqsha/aqsha/market/stats"
)

// Limits of a system of markets.
const (
	MaxMarkets = 20
	MaxLags    = 20
	MaxAhead   = 100
)

// Connected is who moves whom. Table[i][j] is the share (of 1) of the variance of
// i's forecast error, so many steps ahead, that shocks to j make.
type Connected struct {
	Names []string    `json:"names"`
	Lags  int         `json:"lags"`
	Ahead int         `json:"ahead"`
	N     int         `json:"n"`
	Table [][]float64 `json:"table"`
	From  []float64   `json:"from"` // others, percent of its own variance
	To    []float64   `json:"to"`   // others
	Net   []float64   `json:"net"`  // to − from
	Total float64     `json:"total"`
}

// Connectedness fits a vector autoregression to columns of equal length and
// decomposes the variance of its forecast errors in the generalised way of
// Pesaran and Shin (1998), which no order of the columns changes, each row
// scaled to one. Lags 0 takes the number, up to 7, that the Bayesian criterion
// prefers on the same days.
func Connectedness(names []string, columns [][]float64, lags, ahead int) (Connected, error) {
	if len(columns) < 2 || len(columns) > MaxMarkets || len(names) != len(columns) {
		return Connected{}, market.Refuse("spillover", "series", "%d series; want 2 to %d", len(columns), MaxMarkets)
	}
	if lags < 0 || lags > MaxLags || ahead < 1 || ahead > MaxAhead {
		return Connected{}, market.Refuse("spillover", "lags", "%d lags, %d steps ahead; want up to %d and %d", lags,
			ahead,
			MaxLags, MaxAhead)
	}
	n := len(columns[0])
	for i, c := range columns {
		if err := stats.Finite(names[i], c, 0); err != nil {
			return Connected{}, err
		}
		if len(c) != n {
			return Connected{}, market.Refuse("spillover", names[i], "has %d observations, %s has %d", len(c), names[0],
				n)
		}
	}
	most := max(lags, 1)
	if lags == 0 {
		most = 7
	}
	// Ten observations a coefficient, for the largest number of lags that may be chosen: all numbers are tried on the
	// same days.
	if n < most+10*(1+len(columns)*most) {
		return Connected{}, market.Refuse("too-short", "series",
			"%d common observations; %d series with %d lags need %d", n,
			len(columns), most, most+10*(1+len(columns)*most))
	}
	if lags == 0 {
		var err error
		if lags, err = preferred(columns, most); err != nil {
			return Connected{}, err
		}
	}
	v, err := fitVAR(columns, lags, 0)
	if err != nil {
		return Connected{}, err
	}
	out := Connected{Names: names, Lags: lags, Ahead: ahead, N: n - lags, Table: v.decompose(ahead)}
	k := len(columns)
	out.From, out.To, out.Net = make([]float64, k), make([]float64, k), make([]float64, k)
	for i := range k {
		for j := range k {
			if i != j {
				share := 100 * out.Table[i][j]
				out.From[i] += share
				out.To[j] += share
				out.Total += share / float64(k)
			}
		}
	}
	for i := range k {
		out.Net[i] = out.To[i] - out.From[i]
	}
	return out, nil
}

// preferred is the number of lags with the least criterion, all fitted to the same observations: ln|Σ| + k(kp + 1)·ln
// n/n, Σ the residuals' covariance divided by n and not by the degrees of freedom.
func preferred(columns [][]float64, most int) (int, error) {
	best, lags := math.Inf(1), 1
	for p := 1; p <= most; p++ {
		v, err := fitVAR(columns, p, most-p)
		if err != nil {
			return 0, err
		}
		k := len(columns)
		n := float64(len(columns[0]) - most)
		var ml mat.Dense
		ml.Scale(float64(v.df)/n, v.sigma)
		determinant, sign := mat.LogDet(&ml)
		if bic := determinant + math.Log(n)/n*float64(k*(k*p+1)); sign > 0 && bic < best {
			best, lags = bic, p
		}
	}
	return lags, nil
}

// autoregression is y_t = c + Σ A_l y_{t−l} + e_t, e with covariance sigma.
type autoregression struct {
	a     []*mat.Dense
	sigma *mat.Dense
	df    int
}

// fitVAR by least squares, equation by equation, without the first skip observations. As every equation has the same
// regressors, nothing is gained by fitting them together.
func fitVAR(columns [][]float64, lags, skip int) (*autoregression, error) {
	k, first := len(columns), lags+skip
	n := len(columns[0]) - first
	var regressors [][]float64
	for l := 1; l <= lags; l++ {
		for _, c := range columns {
			regressors = append(regressors, c[first-l:len(c)-l])
		}
	}
	v := &autoregression{sigma: mat.NewDense(k, k, nil), df: n - k*lags - 1}
	for range lags {
		v.a = append(v.a, mat.NewDense(k, k, nil))
	}
	residuals := make([][]float64, k)
	for i, c := range columns {
		fit, err := stats.Fit(c[first:], regressors...)
		if err != nil {
			return nil, err
		}
		residuals[i] = fit.Residuals
		for l := range lags {
			for j := range k {
				v.a[l].Set(i, j, fit.Coefficients[1+l*k+j])
			}
		}
	}
	for i := range k {
		for j := range k {
			sum := 0.0
			for t := range n {
				sum += residuals[i][t] * residuals[j][t]
			}
			v.sigma.Set(i, j, sum/float64(v.df))
		}
	}
	for i := range k {
		for j := range i {
			// Two series that are one have a covariance without an inverse; caught here it is named, and not a matrix
			// that failed.
			if !(math.Abs(v.sigma.At(i, j)) < (1-1e-10)*math.Sqrt(v.sigma.At(i, i)*v.sigma.At(j, j))) {
				return nil, market.Refuse("collinear", "series", "series %d and %d are the same, or one stands still",
					j+1, i+1)
			}
		}
	}
	return v, nil
}

// decompose gives the generalised shares of variance, rows scaled to one. With Ψ_0 = I and Ψ_h = Σ_l A_l·Ψ_{h−l}, θ_ij
// = σ_jj⁻¹·Σ_h (e_iᵀΨ_hΣe_j)²/Σ_h e_iᵀΨ_hΣΨ_hᵀe_i. Shocks that go together are counted to each of them, so that a row
// need not add up to one before it is scaled.
func (v *autoregression) decompose(ahead int) [][]float64 {
	k, _ := v.sigma.Dims()
	psi := []*mat.Dense{mat.NewDense(k, k, nil)} // of the moving-average form
	for i := range k {
		psi[0].Set(i, i, 1)
	}
	shocked, whole := mat.NewDense(k, k, nil), make([]float64, k)
	for h := range ahead {
		if h > 0 {
			next := mat.NewDense(k, k, nil)
			for l := 1; l <= min(h, len(v.a)); l++ {
				var product mat.Dense
				product.Mul(v.a[l-1], psi[h-l])
				next.Add(next, &product)
			}
			psi = append(psi, next)
		}
		var moved, variance mat.Dense
		moved.Mul(psi[h], v.sigma)
		variance.Mul(&moved, psi[h].T())
		for i := range k {
			whole[i] += variance.At(i, i)
			for j := range k {
				x := moved.At(i, j)
				shocked.Set(i, j, shocked.At(i, j)+x*x/v.sigma.At(j, j))
			}
		}
	}
	out := make([][]float64, k)
	for i := range k {
		out[i] = make([]float64, k)
		sum := 0.0
		for j := range k {
			out[i][j] = shocked.At(i, j) / whole[i]
			sum += out[i][j]
		}
		for j := range k {
			out[i][j] /= sum
		}
	}
	return out
}
