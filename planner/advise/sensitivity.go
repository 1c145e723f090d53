package advise

import (
	"context"
	"math"

	"github.com/aqsha/aqsha/planner"
	"github.com/aqsha/aqsha/planner/finance"
	"github.com/aqsha/aqsha/planner/paths"
	"github.com/aqsha/aqsha/planner/value"
)

// BreakEven is where the strategy's mean present value is zero; nil when it is nowhere between a twentieth and twenty
// times. The strategy stays what it is: with another price another one may be the best.
type BreakEven struct {
	PowerFactor   *float64 `json:"power_factor"`
	PowerKZT      *float64 `json:"power_kzt_per_kwh"` // the first month's tariff, before VAT and fees
	BitcoinFactor *float64 `json:"bitcoin_factor"`
	BitcoinUSD    *float64 `json:"bitcoin_usd"` // today's price; the network answers
}

// Swing is the mean present value with an input at its two ends.
type Swing struct {
	Input      string  `json:"input"`
	LowFactor  float64 `json:"low_factor"`
	HighFactor float64 `json:"high_factor"`
	Low        float64 `json:"low_kzt"`
	High       float64 `json:"high_kzt"`
}

// Change is where another way becomes better.
type Change struct {
	Input  string  `json:"input"`
	Factor float64 `json:"factor"`
	To     Way     `json:"to"`
}

// inputs that a tornado turns, with their ends.
var inputs = []struct {
	name      string
	low, high float64
	field     func(*value.Shift) *float64
}{
	{"bitcoin", 0.8, 1.2, func(s *value.Shift) *float64 { return &s.Bitcoin }},
	{"power", 0.8, 1.2, func(s *value.Shift) *float64 { return &s.Power }},
	{"difficulty", 0.8, 1.2, func(s *value.Shift) *float64 { return &s.Difficulty }},
	{"machines", 0.8, 1.2, func(s *value.Shift) *float64 { return &s.Machines }},
	{"dollar", 0.9, 1.1, func(s *value.Shift) *float64 { return &s.Dollar }},
	{"uptime", 0.95, 1.03, func(s *value.Shift) *float64 { return &s.Uptime }},
	{"elasticity", 0.5, 1.5, func(s *value.Shift) *float64 { return &s.Elasticity }},
	{"discount", 0.8, 1.2, func(s *value.Shift) *float64 { return &s.Discount }},
	{"levy", 0.5, 2, func(s *value.Shift) *float64 { return &s.Levy }},
}

// Mean present value of a strategy in a shifted world.
func Mean(ctx context.Context, p *planner.Plan, prices *paths.Prices, s Strategy, shift value.Shift) (float64, error) {
	w, err := value.NewEconomy(ctx, p, prices, shift)
	if err != nil {
		return 0, err
	}
	o, _, err := outcomes(ctx, w, s)
	return o.Mean(), err
}

// sensitivities are how the plan's value moves with each input, and how far power and bitcoin may move until it is
// worth nothing. All are on the same futures: a difference is the input's and not the draw's.
func sensitivities(ctx context.Context, p *planner.Plan, prices *paths.Prices, s Strategy,
	base float64) (b BreakEven, tornado []Swing, err error) {
	for _, in := range inputs {
		swing := Swing{Input: in.name, LowFactor: in.low, HighFactor: in.high}
		for _, end := range []struct {
			factor float64
			into   *float64
		}{{in.low, &swing.Low}, {in.high, &swing.High}} {
			shift := value.Same
			*in.field(&shift) = end.factor
			if *end.into, err = Mean(ctx, p, prices, s, shift); err != nil {
				return b, nil, err
			}
		}
		tornado = append(tornado, swing)
	}
	sortSwings(tornado)
	tariff, err := p.Tariff(0)
	if err != nil {
		return b, nil, err
	}
	find := func(set func(*value.Shift, float64)) (*float64, error) {
		return root(base, func(factor float64) (float64, error) {
			shift := value.Same
			set(&shift, factor)
			return Mean(ctx, p, prices, s, shift)
		})
	}
	if b.PowerFactor, err = find(func(s *value.Shift, f float64) { s.Power = f }); err != nil {
		return b, nil, err
	}
	if b.BitcoinFactor, err = find(func(s *value.Shift, f float64) { s.Bitcoin = f }); err != nil {
		return b, nil, err
	}
	// No root in the bracket is said as none, and not as the bracket's end.
	if b.PowerFactor != nil {
		b.PowerKZT = ptr(float64(tariff) / 1e6 / 100 * *b.PowerFactor)
	}
	if b.BitcoinFactor != nil {
		b.BitcoinUSD = ptr(p.PriceUSD * *b.BitcoinFactor)
	}
	return b, tornado, nil
}

// sortSwings puts the widest first.
func sortSwings(t []Swing) {
	width := func(s Swing) float64 { return math.Abs(s.High - s.Low) }
	for i := 1; i < len(t); i++ {
		for j := i; j > 0 && width(t[j]) > width(t[j-1]); j-- {
			t[j], t[j-1] = t[j-1], t[j]
		}
	}
}

// root finds the factor nearest to 1, between 1/20 and 20, at which f is zero: on the factor's logarithm a bracket by
// steps away from 1 on both sides, in which a root is narrowed down.
func root(atOne float64, f func(factor float64) (float64, error)) (*float64, error) {
	at := func(x float64) (float64, error) { return f(math.Exp(x)) }
	if atOne == 0 {
		return ptr(1.0), nil
	}
	ends := map[float64]float64{1: atOne, -1: atOne} // by side: f where its last bracket ended
	for step := 1; step <= 6; step++ {
		nearest := math.Inf(1)
		// Both sides of a step: a curve may cross on one side early in it and on the other late.
		for _, sign := range []float64{1, -1} {
			a, b := sign*float64(step-1)*0.5, sign*float64(step)*0.5
			fa := ends[sign]
			fb, err := at(b)
			if err != nil {
				return nil, err
			}
			ends[sign] = fb
			if (fa < 0) == (fb < 0) && fb != 0 {
				continue
			}
			x, err := falsePosition(a, fa, b, fb, math.Abs(atOne), at)
			if err != nil {
				return nil, err
			}
			if math.Abs(x) < math.Abs(nearest) {
				nearest = x
			}
		}
		if !math.IsInf(nearest, 1) {
			return ptr(math.Exp(nearest)), nil
		}
	}
	return nil, nil
}

// falsePosition narrows a root between a and b down, where f has two signs. The end that stays is halved (the Illinois
// variant, Dowell and Jarratt 1971), so that a curved function does not hold one end fast.
func falsePosition(a, fa, b, fb, atOne float64, f func(x float64) (float64, error)) (float64, error) {
	scale := max(math.Abs(fa), math.Abs(fb), atOne)
	for range 80 {
		if math.Abs(fb) <= 1e-9*scale {
			break
		}
		x := b - fb*(b-a)/(fb-fa)
		fx, err := f(x)
		if err != nil {
			return 0, err
		}
		if (fx < 0) != (fb < 0) {
			a, fa = b, fb
		} else {
			fa /= 2
		}
		b, fb = x, fx
	}
	return b, nil
}

// changes looks for the nearest factors of the main inputs at which another way is better.
// A thousand paths do, unless the advice is so close that they would give another.
func changes(ctx context.Context, p *planner.Plan, all *paths.Prices, best Strategy, second *Strategy,
	advice Way) ([]Change, error) {
	var out []Change
	prices := few(all)
	now, err := wayAt(ctx, p, prices, best, second, value.Same)
	if err != nil {
		return nil, err
	}
	if now != advice {
		prices = all
	}
	for _, in := range inputs[:4] {
		for _, direction := range [][]float64{{0.9, 0.8, 0.7, 0.6, 0.5}, {1.1, 1.2, 1.35, 1.5, 1.75, 2}} {
			at := func(factor float64) (Way, error) {
				shift := value.Same
				*in.field(&shift) = factor
				return wayAt(ctx, p, prices, best, second, shift)
			}
			holds := 1.0
			// Steps outward and then six halvings: the nearest change is found as long as it is wider than a step;
			// one that comes and goes between two steps may be missed.
			for _, factor := range direction {
				way, err := at(factor)
				if err != nil {
					return nil, err
				}
				if way == advice {
					holds = factor
					continue
				}
				for range 6 {
					middle := (holds + factor) / 2
					if way2, err := at(middle); err != nil {
						return nil, err
					} else if way2 == advice {
						holds = middle
					} else {
						factor, way = middle, way2
					}
				}
				out = append(out, Change{in.name, factor, way})
				break
			}
		}
	}
	return out, nil
}

// wayAt is the best way in a shifted world.
func wayAt(ctx context.Context, p *planner.Plan, prices *paths.Prices, best Strategy, second *Strategy,
	shift value.Shift) (Way, error) {
	w, err := value.NewEconomy(ctx, p, prices, shift)
	if err != nil {
		return "", err
	}
	all, err := compare(ctx, w, best, second)
	if err != nil {
		return "", err
	}
	return winner(all, p.Lambda), nil
}

// few keeps the first thousand paths.
func few(prices *paths.Prices) *paths.Prices {
	n := min(1000, prices.Paths)
	return &paths.Prices{Paths: n, Months: prices.Months, Mean: prices.Mean[:n*prices.Months], Final: prices.Final[:n]}
}

// MonthRow is the strategy's money in a month, means over paths in tenge, with fans.
type MonthRow struct {
	Month     string    `json:"month"`
	Income    float64   `json:"income_kzt"`
	Power     float64   `json:"power_kzt"`
	Tax       float64   `json:"tax_kzt"`
	Cash      float64   `json:"cash_kzt"`
	Total     float64   `json:"total_kzt"`     // cash so far
	TotalFan  []float64 `json:"total_fan"`     // 5, 25, 50, 75, 95 %
	PriceFan  []float64 `json:"price_usd"`     // of a bitcoin
	HashFan   []float64 `json:"hashprice_usd"` // for a TH/s and day
	EntryCost float64   `json:"entry_usd"`
}

// monthRows sums the strategy's money up by month, over all paths, in tenge. Values of a path lie together (path ×
// months + month); the running totals are by path, so that their fans are of whole futures.
func monthRows(w *value.Economy, f *value.Monthly) []MonthRow {
	rows := make([]MonthRow, w.Months)
	sums := make(finance.Outcomes, w.Paths)
	column := make(finance.Outcomes, w.Paths)
	network := w.Plan.Network
	mean := func(values []float64, m int) float64 {
		total := 0.0
		for i := range w.Paths {
			total += values[i*w.Months+m]
		}
		return total / float64(w.Paths)
	}
	fan := func(values []float64, m int) []float64 {
		for i := range column {
			column[i] = values[i*w.Months+m]
		}
		return column.Quantiles(0.05, 0.25, 0.5, 0.75, 0.95)
	}
	for m := range rows {
		for i := range sums {
			// By path: quantiles of the total are of whole futures, and not sums of the months' quantiles.
			sums[i] += f.Cash[i*w.Months+m]
		}
		entry, _ := network.Entry(m)
		rows[m] = MonthRow{Month: w.Plan.Month(m).String(), Income: mean(f.Income, m), Power: mean(f.Power, m),
			Tax: mean(f.Tax, m), Cash: mean(f.Cash, m),
			Total: sums.Mean(), TotalFan: sums.Quantiles(0.05, 0.25, 0.5, 0.75, 0.95), PriceFan: fan(w.Prices.Mean, m),
			HashFan: fan(w.Hashprices, m), EntryCost: entry}
	}
	return rows
}

func roundTiyn(tenge float64) int64 { return int64(math.Round(tenge * 100)) }

// annual turns a monthly rate into a year's.
func annual(monthly float64) float64 { return math.Pow(1+monthly, 12) - 1 }
