package volatility

import (
	"math"

	"github.com/aqsha/aqsha/market"
	"github.com/aqsha/aqsha/market/stats"
)

// HAR is Corsi's (2009) regression of realised variance on its last day, mean week and mean month, with Newey–West
// errors of 22 lags, in levels and logs: RV_t = b₀ + b₁·RV_{t−1} + b₂·mean(RV, Week) + b₃·mean(RV, Month) + ε_t, over
// the N days that have a whole month before them. Week and Month are in days. Next comes from the levels: a forecast
// from the logs would need a correction, since the exponential of a mean is less than the mean of exponentials.
type HAR struct {
	N       int       `json:"n"`
	Week    int       `json:"week"`
	Month   int       `json:"month"`
	Coef    []float64 `json:"coef"` // b₀, day, week, month
	SE      []float64 `json:"se_nw22"`
	R2      float64   `json:"r2"`
	LogCoef []float64 `json:"log_coef"`
	LogR2   float64   `json:"log_r2"`
	Next    float64   `json:"next"` // variance forecast for the day after
}

// NeweyWestLags of the HAR errors: a trading month.
const NeweyWestLags = 22

// FitHAR fits realised variances rv (ascending days, without holes) with the
// given lengths of week and month: 5 and 22, or 7 and 30 where weekends trade.
func FitHAR(rv []float64, week, month int) (HAR, error) {
	if err := stats.Finite("realised variance", rv, month+30); err != nil {
		return HAR{}, err
	}
	n := len(rv) - month
	regressors := func(t int) [3]float64 {
		return [3]float64{rv[t-1], stats.Mean(rv[t-week : t]), stats.Mean(rv[t-month : t])}
	}
	// The day before the first too: it is what that one is regressed on, and its logarithm is taken.
	if !(rv[month-1] > 0) {
		return HAR{}, market.Refuse("variance-zero", "realised variance",
			"day %d has no variance; its logarithm does not exist", month)
	}
	y, ly := make([]float64, n), make([]float64, n)
	x, lx := [3][]float64{}, [3][]float64{}
	for j := range x {
		x[j], lx[j] = make([]float64, n), make([]float64, n)
	}
	for i := range n {
		if !(rv[month+i] > 0) {
			return HAR{}, market.Refuse("variance-zero", "realised variance",
				"day %d has no variance; its logarithm does not exist", month+i+1)
		}
		y[i], ly[i] = rv[month+i], math.Log(rv[month+i])
		for j, v := range regressors(month + i) {
			x[j][i], lx[j][i] = v, math.Log(v)
		}
	}
	level, err := stats.Fit(y, x[0], x[1], x[2])
	if err != nil {
		return HAR{}, err
	}
	logs, err := stats.Fit(ly, lx[0], lx[1], lx[2])
	if err != nil {
		return HAR{}, err
	}
	h := HAR{N: n, Week: week, Month: month, Coef: level.Coefficients, SE: level.NeweyWest(NeweyWestLags), R2: level.R2,
		LogCoef: logs.Coefficients, LogR2: logs.R2}
	last := regressors(len(rv))
	h.Next = h.Coef[0] + h.Coef[1]*last[0] + h.Coef[2]*last[1] + h.Coef[3]*last[2]
	return h, nil
}
