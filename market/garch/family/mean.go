package family

import (
	"fmt"
	"math"

	"github.com/aqsha/aqsha/market"
	"github.com/aqsha/aqsha/market/stats"
)

// Mean is linear: the fitted mean is the sum of its columns times as many
// coefficients. Columns that are lags of the returns make an autoregression.
type Mean struct {
	Names   []string
	Columns [][]float64
	Skip    int // returns at the front that only serve as lags
}

// MeanOf builds a mean of the returns: "zero", "constant", "ar" with so many
// lags, or "har" (the means of the last day, 5 and 22 days; Corsi 2009), and the
// returns that are left to be fitted. Regressors are columns as long as the
// returns, each dated as its return.
func MeanOf(kind string, lags int, returns []float64, names []string,
	regressors [][]float64) (m Mean, y []float64, err error) {
	switch kind {
	case "zero":
	case "constant":
		lags = 0
	case "ar":
		if lags < 1 || lags > 20 {
			return m, nil, market.Refuse("order", "lags", "%d lags of the mean; 1 to 20", lags)
		}
	case "har":
		lags = 22
	default:
		return m, nil, market.Refuse("choice", "mean", "%q is not one of zero, constant, ar, har", kind)
	}
	if kind == "zero" {
		lags = 0
	}
	if len(returns) < lags+leastN {
		return m, nil, market.Refuse("too-short", "returns", "%d returns; the mean needs %d", len(returns), lags+leastN)
	}
	// The first returns have no past to be explained by and are left out of the fit, the same for every model that is
	// compared.
	m.Skip, y = lags, returns[lags:]
	add := func(name string, f func(t int) float64) {
		column := make([]float64, len(y))
		for t := range column {
			column[t] = f(t + lags)
		}
		m.Names, m.Columns = append(m.Names, name), append(m.Columns, column)
	}
	if kind != "zero" {
		add("mu", func(int) float64 { return 1 })
	}
	switch kind {
	case "ar":
		for i := 1; i <= lags; i++ {
			add(fmt.Sprintf("phi%d", i), func(t int) float64 { return returns[t-i] })
		}
	case "har":
		for _, days := range []int{1, 5, 22} {
			add(fmt.Sprintf("har%d", days), func(t int) float64 { return stats.Mean(returns[t-days : t]) })
		}
	}
	for i, r := range regressors {
		if len(r) != len(returns) {
			return m, nil, market.Refuse("mean", names[i], "%d values beside %d returns", len(r), len(returns))
		}
		add(names[i], func(t int) float64 { return r[t] })
	}
	return m, y, nil
}

// start is the least-squares fit, and the root mean square of its residuals.
func (m Mean) start(y []float64) (coefficients []float64, scale float64, err error) {
	e := append([]float64(nil), y...)
	if len(m.Columns) > 0 {
		fit, err := leastSquares(y, m.Columns)
		if err != nil {
			return nil, 0, err
		}
		coefficients = fit
		for t := range e {
			for j, c := range m.Columns {
				e[t] -= coefficients[j] * c[t]
			}
		}
	}
	square := 0.0
	for _, v := range e {
		square += v * v
	}
	scale = math.Sqrt(square / float64(len(e)))
	if !(scale > 1e-12*(1+math.Abs(stats.Mean(y)))) {
		return nil, 0, market.Refuse("constant", "returns", "the series is constant: there is no variance to model")
	}
	return coefficients, scale, nil
}

// leastSquares solves without a constant of its own: the columns may have one.
func leastSquares(y []float64, columns [][]float64) ([]float64, error) {
	if columns[0][0] == 1 && stats.Variance(columns[0]) == 0 { // it is the constant
		fit, err := stats.Fit(y, columns[1:]...)
		if err != nil {
			return nil, err
		}
		return fit.Coefficients, nil
	}
	fit, err := stats.Fit(y, columns...)
	if err != nil {
		return nil, err
	}
	return fit.Coefficients[1:], nil
}

// scaled columns have unit mean square, so that a step means the same in each;
// units are what they were divided by.
func (m Mean) scaled() (columns [][]float64, units []float64) {
	for _, c := range m.Columns {
		square := 0.0
		for _, v := range c {
			square += v * v
		}
		unit := math.Sqrt(square / float64(len(c)))
		if unit == 0 {
			unit = 1
		}
		out := make([]float64, len(c))
		for t, v := range c {
			out[t] = v / unit
		}
		columns, units = append(columns, out), append(units, unit)
	}
	return columns, units
}
