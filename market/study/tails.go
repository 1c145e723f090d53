package study

import (
	"context"
	"math"

	"github.com/aqsha/aqsha/market/garch"
	"github.com/aqsha/aqsha/market/risk"
	"github.com/aqsha/aqsha/market/stats"
)

// Tails are measures that look at the tail itself: extreme value theory on the
// returns as they are, and, given today's volatility by a GARCH-t, on its
// residuals; and historical simulation of those.
type Tails struct {
	Share    float64        `json:"tail"` // of the observations
	Plain    *risk.Pareto   `json:"returns"`
	Residual *risk.Pareto   `json:"residuals"`
	VolNext  float64        `json:"next_sd"` // percent a period
	Measures []risk.Measure `json:"measures"`
}

// TailShare is the worst tenth, which McNeil and Frey take.
const TailShare = 0.1

// WithTails adds them to the study of the same input; a method that has no
// answer says why.
func (r Risk) WithTails(ctx context.Context, in Input) (Risk, error) {
	p, err := in.prepare()
	if err != nil {
		return r, err
	}
	returns := p.returns.Values
	t := &Tails{Share: TailShare}
	add := func(name string, mean, sd float64, tail *risk.Pareto, err error) {
		m := risk.Measure{Method: name}
		if err == nil {
			var value float64
			var shortfall *float64
			if value, shortfall, err = tail.At(r.P); err == nil {
				value = sd*value - mean
				m.VaR = &value
				if shortfall != nil {
					es := sd**shortfall - mean
					m.ES = &es
				} else {
					m.Refused = "the tail has no mean"
				}
			}
		}
		if err != nil {
			m.Refused = err.Error()
		}
		t.Measures = append(t.Measures, m)
	}
	plain, err := risk.FitTail(returns, TailShare)
	if err == nil {
		t.Plain = &plain
	}
	add("extreme value", 0, 1, &plain, err)
	fit, err := garch.Estimate(ctx, returns, garch.Spec{Law: garch.StudentT})
	if err != nil {
		t.Measures = append(t.Measures, risk.Measure{Method: "extreme value, GARCH", Refused: err.Error()},
			risk.Measure{Method: "filtered historical", Refused: err.Error()})
		r.Tails = t
		return r, nil //nolint:nilerr // told in the measures
	}
	t.VolNext = math.Sqrt(fit.HNext)
	residual, err := risk.FitTail(fit.Residuals, TailShare)
	if err == nil {
		t.Residual = &residual
	}
	add("extreme value, GARCH", fit.Mean, t.VolNext, &residual, err)
	t.Measures = append(t.Measures, filtered(fit, r.P))
	r.Tails = t
	return r, nil
}

// filtered is historical simulation of the residuals at tomorrow's volatility
// (Barone-Adesi, Giannopoulos and Vosper 1999).
func filtered(fit *garch.Fit, p float64) risk.Measure {
	m := risk.Measure{Method: "filtered historical"}
	z := stats.Sorted(fit.Residuals)
	cut := stats.Quantile(z, p)
	sum, n := 0.0, 0
	for _, v := range z {
		if v <= cut {
			sum, n = sum+v, n+1
		}
	}
	if n < 5 {
		m.Refused = "fewer than five residuals in the tail"
		return m
	}
	sd := math.Sqrt(fit.HNext)
	value, shortfall := -(fit.Mean + sd*cut), -(fit.Mean + sd*sum/float64(n))
	m.VaR, m.ES = &value, &shortfall
	return m
}
