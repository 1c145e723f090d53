package advise

import (
	"context"
	"math"

	"github.com/aqsha/aqsha/params"
	"github.com/aqsha/aqsha/planner"
	"github.com/aqsha/aqsha/planner/decide"
	"github.com/aqsha/aqsha/planner/finance"
	"github.com/aqsha/aqsha/planner/value"
)

// Purchase is machines bought at a date. Offer and Month are places in the plan's lists of offers and months; Cost is
// all machines together, in tenge of the month of purchase.
type Purchase struct {
	Offer int           `json:"-"`
	Month int           `json:"-"`
	Model string        `json:"model"`
	When  planner.Month `json:"-"`
	Date  string        `json:"month"`
	Count int           `json:"count"`
	Cost  float64       `json:"cost_kzt"`
}

// Retirement is machines switched off for good.
type Retirement struct {
	Fleet int    `json:"-"`
	Month int    `json:"-"` // plan.Never: they stay
	Model string `json:"model"`
	Date  string `json:"month"` // "never"
	Count int    `json:"count"`
}

// Strategy is a decision of each kind.
type Strategy struct {
	Buy    []Purchase   `json:"buy"`
	Retire []Retirement `json:"retire"`
	Hold   params.PPM   `json:"hold_ppm"` // of the coins that need not be sold
}

// same says whether two strategies do the same in kind: which models are bought, what is retired when, what is held.
// Offers are a set of 64 bits, of which maxOffers leaves most unused.
func (s Strategy) same(o Strategy) bool {
	models := func(s Strategy) (set uint64) {
		for _, b := range s.Buy {
			set |= 1 << b.Offer
		}
		return set
	}
	if s.Hold != o.Hold || models(s) != models(o) || len(s.Retire) != len(o.Retire) {
		return false
	}
	for i := range s.Retire {
		if s.Retire[i].Month != o.Retire[i].Month {
			return false
		}
	}
	return true
}

// asIs changes nothing.
func asIs(p *planner.Plan) Strategy {
	var s Strategy
	for i, f := range p.Fleet {
		s.Retire = append(s.Retire, Retirement{i, planner.Never, f.Class.Name, "never", f.Class.Count})
	}
	return s
}

// grid is the decision problem of one share held, and how to read its choices.
type grid struct {
	*decide.Problem
	economy *value.Economy
	hold    params.PPM
	fleet   int
	buys    []Purchase // of each purchase group: offer and month
}

// newGrid values every machine that may be had.
func newGrid(ctx context.Context, w *value.Economy, hold params.PPM) (*grid, error) {
	p := w.Plan
	coins := w.CoinsHeld(hold)
	fixed := w.Fixed()
	g := &grid{Problem: &decide.Problem{Paths: w.Paths, Years: w.Years, Base: decide.Unit(fixed), Lambda: p.Lambda,
		Effort: p.Effort}, economy: w, hold: hold, fleet: len(p.Fleet)}
	g.TaxWeight = taxWeights(w)
	// Power is bound to a limit only at months where the fleet can be at its largest: each limit costs the search a
	// row.
	checks := g.limits()
	for _, f := range p.Fleet {
		var options []decide.Option
		for _, month := range f.Retire {
			unit, err := w.Kept(ctx, f, month, coins)
			if err != nil {
				return nil, err
			}
			use := make([]float64, len(g.Limits))
			for i, at := range checks {
				if month == planner.Never || month > at {
					use[1+i] = float64(int64(f.Class.Count) * f.Class.MeterWatts(p.PUEMilli))
				}
			}
			options = append(options, decide.Option{Unit: len(g.Units), Count: float64(f.Class.Count), Use: use})
			g.Units = append(g.Units, decide.Unit(unit))
		}
		g.Groups = append(g.Groups, options)
	}
	for _, month := range p.Dates {
		for j, o := range p.Offers {
			if when := p.Month(month); when < o.From || when > o.Until || month+o.Delivery >= p.Months ||
				// Zero is always among the counts: with it alone nothing is bought.
				len(p.Counts) < 2 {
				continue
			}
			if err := g.purchase(ctx, j, month, coins, checks); err != nil {
				return nil, err
			}
		}
	}
	return g, nil
}

// taxWeights is what a tenge of profit of each year costs today: the rate of the year's last month, discounted to the
// year's end.
func taxWeights(w *value.Economy) []float64 {
	weights := make([]float64, w.Years)
	for m, y := range w.Year {
		weights[y] = w.YearEnd[y] * w.TaxRate[m]
	}
	return weights
}

// limits are capital, power in each month in which machines arrive, and what each seller has.
func (g *grid) limits() (months []int) {
	p := g.economy.Plan
	seen := map[int]bool{}
	g.Limits = []float64{float64(p.Capital) / 100}
	for _, d := range p.Dates {
		for _, o := range p.Offers {
			if at := d + o.Delivery; at < p.Months && !seen[at] {
				seen[at] = true
				months = append(months, at)
				g.Limits = append(g.Limits, float64(p.LimitWatts))
			}
		}
	}
	for _, o := range p.Offers {
		most := float64(o.Max)
		if o.Max == 0 {
			most = math.MaxInt32
		}
		g.Limits = append(g.Limits, most)
	}
	return months
}

// purchase adds a group: so many of an offer at a month. Value and tax base of one machine are linear in their number,
// so that one unit serves all options of the group; what is used of each limit is of the whole number.
func (g *grid) purchase(ctx context.Context, offer, month int, coins value.Coins, checks []int) error {
	p, w := g.economy.Plan, g.economy
	o := p.Offers[offer]
	unit, err := w.Bought(ctx, o, month, coins)
	if err != nil {
		return err
	}
	own := 1.0
	if p.Loan != nil {
		own -= p.Loan.Share
	}
	price := o.PriceUSD * w.Dollar[month] * w.Shift.Machines
	var options []decide.Option
	for _, n := range p.Counts {
		use := make([]float64, len(g.Limits))
		// Capital bounds what is paid at once: what is borrowed is paid out of the months.
		use[0] = float64(n) * price * own
		for i, at := range checks {
			if month+o.Delivery <= at {
				use[1+i] = float64(int64(n) * o.Class.MeterWatts(p.PUEMilli))
			}
		}
		use[1+len(checks)+offer] = float64(n)
		options = append(options, decide.Option{Unit: len(g.Units), Count: float64(n), Use: use})
	}
	g.Units = append(g.Units, decide.Unit(unit))
	g.Groups = append(g.Groups, options)
	g.buys = append(g.buys, Purchase{Offer: offer, Month: month, Model: o.Class.Name, When: p.Month(month),
		Date: p.Month(month).String(), Cost: price})
	return nil
}

// strategy reads a choice: an option's index for each group, retirements first, in the fleet's order, then purchases.
func (g *grid) strategy(choice []int) Strategy {
	p := g.economy.Plan
	s := Strategy{Hold: g.hold}
	for i, f := range p.Fleet {
		month := f.Retire[choice[i]]
		date := "never"
		if month != planner.Never {
			date = p.Month(month).String()
		}
		s.Retire = append(s.Retire, Retirement{i, month, f.Class.Name, date, f.Class.Count})
	}
	for i, b := range g.buys {
		if n := p.Counts[choice[g.fleet+i]]; n > 0 {
			b.Count = n
			b.Cost *= float64(n)
			s.Buy = append(s.Buy, b)
		}
	}
	return s
}

// holdings are the machines of a strategy: from when to when they hash, over which months they are written off, and
// what they cost and bring. Months are from the plan's start; those of the fleet may lie before it.
func holdings(w *value.Economy, s Strategy) []value.Holding {
	p := w.Plan
	var out []value.Holding
	for i, r := range s.Retire {
		f := p.Fleet[i]
		to, from := w.Months, int(f.Bought-p.Start)
		if r.Month != planner.Never {
			to = r.Month
		}
		out = append(out, value.Holding{Life: value.Life{Class: f.Class, To: to, Resale: float64(f.Resale) / 100,
			Value: float64(f.PriceTiyn) / 100, WriteOff: [2]int{from, from + f.Life}}, Count: float64(f.Class.Count),
			Paid: planner.Never})
	}
	for _, b := range s.Buy {
		o := p.Offers[b.Offer]
		price := o.PriceUSD * w.Dollar[b.Month] * w.Shift.Machines
		from := b.Month + o.Delivery
		out = append(out, value.Holding{Life: value.Life{Class: o.Class, From: from, To: w.Months,
			Resale: price * o.ResalePart, Value: price, WriteOff: [2]int{from, from + o.Life}}, Count: float64(b.Count),
			Paid: b.Month, Price: price})
	}
	return out
}

// starts is what is paid at the start of months: purchases less what a loan pays, negative. It is discounted to the
// month's beginning, while the month's other money comes at its end.
func starts(w *value.Economy, s Strategy) []float64 {
	out := make([]float64, w.Months)
	for _, h := range holdings(w, s) {
		if h.Paid == planner.Never {
			continue
		}
		own := h.Price
		if w.Plan.Loan != nil {
			own -= h.Price * w.Plan.Loan.Share
		}
		out[h.Paid] -= h.Count * own
	}
	return out
}

// outcomes of a strategy in a world, with its money by month.
func outcomes(ctx context.Context, w *value.Economy, s Strategy) (finance.Outcomes, *value.Monthly, error) {
	f, err := w.Monthly(ctx, holdings(w, s), w.CoinsHeld(s.Hold), nil)
	if err != nil {
		return nil, nil, err
	}
	return w.PresentValues(f, starts(w, s)), f, nil
}
