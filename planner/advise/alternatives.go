package advise

import (
	"context"
	"math"

	"github.com/aqsha/aqsha/planner/finance"
	"github.com/aqsha/aqsha/planner/value"
)

// Distribution sums up outcomes, present values in tenge. VaR5 and CVaR5 are losses, positive where the worst
// twentieth loses: the loss that a twentieth of the futures exceeds, and the mean loss of those.
type Distribution struct {
	Mean            float64 `json:"mean"`
	P5              float64 `json:"p5"`
	P25             float64 `json:"p25"`
	Median          float64 `json:"median"`
	P75             float64 `json:"p75"`
	P95             float64 `json:"p95"`
	VaR5            float64 `json:"var5"`
	CVaR5           float64 `json:"cvar5"`
	LossProbability float64 `json:"loss_probability"`
	Objective       float64 `json:"objective"` // mean − λ·CVaR₅
}

// distributionOf takes quantiles and risks of the same paths; none is fitted.
func distributionOf(o finance.Outcomes, lambda float64) Distribution {
	q := o.Quantiles(0.05, 0.25, 0.5, 0.75, 0.95)
	d := Distribution{Mean: o.Mean(), P5: q[0], P25: q[1], Median: q[2], P75: q[3], P95: q[4],
		LossProbability: o.LossProbability()}
	d.VaR5, d.CVaR5 = o.Risk()
	d.Objective = d.Mean - lambda*d.CVaR5
	return d
}

// Way is one way of going on: a strategy with machines, or money put elsewhere.
type Way string

// The ways that are always compared.
const (
	WayBest   Way = "best"
	WaySecond Way = "second"
	WayAsIs   Way = "as-is"
	WayCoins  Way = "coins"
	WayTenge  Way = "tenge"
)

// spending is the money that a strategy puts into machines, by month at its start; without purchases all capital at
// once.
func spending(w *value.Economy, s Strategy) []float64 {
	out := make([]float64, w.Months)
	total := 0.0
	for _, b := range s.Buy {
		cost := w.Plan.Offers[b.Offer].PriceUSD * w.Dollar[b.Month] * w.Shift.Machines * float64(b.Count)
		out[b.Month] += cost
		total += cost
	}
	if total == 0 {
		out[0] = float64(w.Plan.Capital) / 100
	}
	return out
}

// elsewhere is the farm as it is, and the same money put where it grows by a factor to the plan's end. It is spent
// when the strategy would spend it and comes back in the last month, where its gain is profit like any other.
func elsewhere(ctx context.Context, w *value.Economy, s Strategy,
	growth func(path, month int) float64) (finance.Outcomes, error) {
	spent := spending(w, s)
	base := asIs(w.Plan)
	f, err := w.Monthly(ctx, holdings(w, base), w.CoinsHeld(0), func(i int, cash, profit []float64) {
		last := w.Months - 1
		for m, money := range spent {
			if money == 0 {
				continue
			}
			back := money * growth(i, m)
			cash[m] -= money
			cash[last] += back
			profit[w.Years-1] += back - money
		}
	})
	if err != nil {
		return nil, err
	}
	atStart := make([]float64, w.Months)
	for m, money := range spent {
		atStart[m] = -money
	}
	return w.PresentValues(f, atStart), nil
}

// coins are bought at the month's mean price and sold at the end, each with the cost of a sale.
func coins(ctx context.Context, w *value.Economy, s Strategy) (finance.Outcomes, error) {
	cost := float64(w.Plan.SaleCost) / 1e6
	last := w.Months - 1
	return elsewhere(ctx, w, s, func(i, m int) float64 {
		final := w.Prices.Final[i] * w.Shift.Bitcoin * w.Dollar[last]
		return final * (1 - cost) / (w.Coin[i*w.Months+m] * (1 + cost))
	})
}

// tenge lie in a bank at the plan's deposit rate.
func tenge(ctx context.Context, w *value.Economy, s Strategy) (finance.Outcomes, error) {
	return elsewhere(ctx, w, s, func(_, m int) float64 {
		return math.Pow(1+w.Plan.Deposit.Float(), float64(w.Months-m)/12)
	})
}

// compare gives the outcomes of every way.
func compare(ctx context.Context, w *value.Economy, best Strategy, second *Strategy) (map[Way]finance.Outcomes, error) {
	out := map[Way]finance.Outcomes{}
	// any order: each has its own key
	for way, s := range map[Way]*Strategy{WayBest: &best, WaySecond: second, WayAsIs: ptr(asIs(w.Plan))} {
		if s == nil {
			continue
		}
		o, _, err := outcomes(ctx, w, *s)
		if err != nil {
			return nil, err
		}
		out[way] = o
	}
	var err error
	if out[WayCoins], err = coins(ctx, w, best); err != nil {
		return nil, err
	}
	out[WayTenge], err = tenge(ctx, w, best)
	return out, err
}

func ptr[T any](v T) *T { return &v }

// ways in the order in which ties are decided: what costs least first.
var ways = []Way{WayAsIs, WayTenge, WayCoins, WayBest, WaySecond}

// winner is the way with the best objective.
func winner(all map[Way]finance.Outcomes, lambda float64) Way {
	best, most := WayAsIs, math.Inf(-1)
	for _, way := range ways {
		if o, ok := all[way]; ok {
			if v := distributionOf(o, lambda).Objective; v > most+1e-9*math.Abs(most) || math.IsInf(most, -1) {
				best, most = way, v
			}
		}
	}
	return best
}
