package advise

import (
	"context"

	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/params"
	"github.com/aqsha/aqsha/planner"
	"github.com/aqsha/aqsha/planner/finance"
	"github.com/aqsha/aqsha/planner/value"
)

// Format names the result's JSON form. FirstFormat is the same with other spellings of its keys (internal/oldnames).
const (
	Format      = "aqsha-farm-plan/2"
	FirstFormat = "aqsha-farm-plan/1"
)

// Option is one way with its distribution.
type Option struct {
	Way      Way       `json:"way"`
	Strategy *Strategy `json:"strategy,omitempty"`
	Distribution
	MeanUSD  float64 `json:"mean_usd"` // at the plan's rate of its day
	CVaR5USD float64 `json:"cvar5_usd"`
}

// Search is how sure it is that nothing on the grid is better.
type Search struct {
	Exact bool    `json:"exact"`
	Gap   float64 `json:"gap_kzt"` // 0 when exact
	Nodes int     `json:"nodes"`
}

// Marginal is what leaving one part out would change: negative where the part is worth its place.
type Marginal struct {
	Part      string  `json:"part"` // buy, retire, hold
	At        int     `json:"index"`
	Mean      float64 `json:"mean_kzt"`      // less the strategy's own
	Objective float64 `json:"objective_kzt"` // less the strategy's own
}

// Incremental judges what the strategy adds to the farm as it is: the mean cash flow of the difference.
type Incremental struct {
	NPV               money.Tiyn   `json:"npv_tiyn"`
	IRR               []float64    `json:"irr_annual"` // every root
	SeveralRoots      bool         `json:"several_roots"`
	Payback           *float64     `json:"payback_months"`
	DiscountedPayback *float64     `json:"discounted_payback_months"`
	Flows             []money.Tiyn `json:"flows_tiyn"` // the first now, each further one a month later
}

// Result is everything about a plan. It carries the text of the plan and of the files that it names, with seed and
// number of paths, so that it can be computed again; From and To are the first and the last month, RateDate the day of
// the rate of exchange, and Lambda the λ of the objective mean − λ·CVaR₅. Options, Marginals, Tornado and Changes are
// valued from the same draws as the advice.
type Result struct {
	Format    string            `json:"format"`
	Version   string            `json:"version"`
	Name      string            `json:"name"`
	File      string            `json:"plan_file"`
	Text      string            `json:"plan"`
	Files     map[string]string `json:"files"`
	Seed      uint64            `json:"seed"`
	Paths     int               `json:"paths"`
	From      string            `json:"from"`
	To        string            `json:"to"`
	USDKZT    money.Tiyn        `json:"usd_kzt_tiyn"`
	RateDate  params.Date       `json:"rate_date"`
	Lambda    float64           `json:"lambda"`
	Facts     []planner.Fact    `json:"facts"`
	Advice    Way               `json:"advice"`
	Options   []Option          `json:"options"` // best, second, as-is, coins, tenge
	Search    Search            `json:"search"`
	Marginals []Marginal        `json:"marginals"`
	Increment *Incremental      `json:"incremental,omitempty"` // nil when nothing is changed
	BreakEven BreakEven         `json:"break_even"`
	Tornado   []Swing           `json:"tornado"`
	Changes   []Change          `json:"changes"`
	Months    []MonthRow        `json:"months"`
	Power     Load              `json:"power"`
	Day       *Day              `json:"day"`
	Words     map[string]Advice `json:"words"`
	Currency  string            `json:"currency,omitempty"` // of all amounts, ISO 4217; absent for tenge

	found float64
}

// Load is how much of the limits the strategy uses.
type Load struct {
	LimitKW    float64 `json:"limit_kw"`
	MaxKW      float64 `json:"most_kw"`
	CapitalKZT float64 `json:"capital_kzt"`
	SpentKZT   float64 `json:"spent_kzt"` // own money
}

// Build decides a plan and explains the decision. day is a schedule to show beside it; nil: the plan's own first day.
func Build(ctx context.Context, p *planner.Plan, day *Day, version string,
	progress func(done, all int)) (*Result, error) {
	stage := func(n int) {
		if progress != nil {
			progress(n, 5)
		}
	}
	prices, err := value.DrawPrices(ctx, p)
	if err != nil {
		return nil, err
	}
	// Prices are drawn once, and every strategy and every sensitivity is valued on the same futures: differences are
	// then of what was decided, and not of the draw.
	w, err := value.NewEconomy(ctx, p, prices, value.Same)
	if err != nil {
		return nil, err
	}
	r := &Result{Format: Format, Version: version, Name: p.Name, File: p.File, Text: p.Text, Files: p.Files,
		Seed: p.Seed, Paths: prices.Paths, From: p.Start.String(), To: p.Month(p.Months - 1).String(),
		USDKZT: p.USDKZT, RateDate: p.RateDate, Lambda: p.Lambda, Facts: p.Facts}
	if r.Day = day; day == nil {
		if r.Day, err = firstDay(p); err != nil {
			return nil, err
		}
	}
	stage(1)
	best, second, err := r.search(ctx, w)
	if err != nil {
		return nil, err
	}
	stage(2)
	all, err := compare(ctx, w, best, second)
	if err != nil {
		return nil, err
	}
	for _, way := range []Way{WayBest, WaySecond, WayAsIs, WayCoins, WayTenge} {
		if o, ok := all[way]; ok {
			option := Option{Way: way, Distribution: distributionOf(o, p.Lambda)}
			option.MeanUSD, option.CVaR5USD = option.Mean*100/float64(p.USDKZT), option.CVaR5*100/float64(p.USDKZT)
			switch way {
			case WayBest:
				option.Strategy = &best
			case WaySecond:
				option.Strategy = second
			}
			r.Options = append(r.Options, option)
		}
	}
	// The advice may be to do nothing, or to hold coins or tenge: the plan is held against what it takes the money
	// from.
	r.Advice = winner(all, p.Lambda)
	if err := r.explain(ctx, w, best); err != nil {
		return nil, err
	}
	stage(3)
	if r.BreakEven, r.Tornado, err = sensitivities(ctx, p, prices, best,
		distributionOf(all[WayBest], p.Lambda).Mean); err != nil {
		return nil, err
	}
	stage(4)
	if r.Changes, err = changes(ctx, p, prices, best, second, r.Advice); err != nil {
		return nil, err
	}
	r.Words, r.Currency = r.inWords(), p.Currency
	for language, a := range r.Words {
		r.Words[language] = a.in(p.Currency)
	}
	stage(5)
	return r, nil
}

// Option of a way; nil when it is not there.
func (r *Result) Option(way Way) *Option {
	for i := range r.Options {
		if r.Options[i].Way == way {
			return &r.Options[i]
		}
	}
	return nil
}

// explain tells what each part of the strategy adds, and its money by month.
func (r *Result) explain(ctx context.Context, w *value.Economy, best Strategy) error {
	own, flows, err := outcomes(ctx, w, best)
	if err != nil {
		return err
	}
	base := distributionOf(own, r.Lambda)
	// Each part alone is taken out of the whole: parts share limits and taxes, so their contributions do not add up
	// to the plan's.
	without := func(part string, at int, s Strategy) error {
		o, _, err := outcomes(ctx, w, s)
		if err != nil {
			return err
		}
		d := distributionOf(o, r.Lambda)
		r.Marginals = append(r.Marginals, Marginal{part, at, d.Mean - base.Mean, d.Objective - base.Objective})
		return nil
	}
	for i := range best.Buy {
		s := best
		s.Buy = append(append([]Purchase{}, best.Buy[:i]...), best.Buy[i+1:]...)
		if err := without("buy", i, s); err != nil {
			return err
		}
	}
	for i, retired := range best.Retire {
		if retired.Month == planner.Never {
			continue
		}
		s := best
		s.Retire = append([]Retirement{}, best.Retire...)
		s.Retire[i].Month = planner.Never
		if err := without("retire", i, s); err != nil {
			return err
		}
	}
	if best.Hold > 0 {
		s := best
		s.Hold = 0
		if err := without("hold", 0, s); err != nil {
			return err
		}
	}
	r.Months = monthRows(w, flows)
	r.Power = load(w, best)
	return r.increment(ctx, w, best, flows)
}

// load is the most power that the strategy draws in any month, at the meter, and the money that it spends of its own.
func load(w *value.Economy, s Strategy) Load {
	p := w.Plan
	l := Load{LimitKW: float64(p.LimitWatts) / 1000, CapitalKZT: float64(p.Capital) / 100}
	for m := range w.Months {
		kW := 0.0
		for _, h := range holdings(w, s) {
			if m >= h.From && m < h.To {
				kW += h.Count * float64(h.Class.MeterWatts(p.PUEMilli)) / 1000
			}
		}
		l.MaxKW = max(l.MaxKW, kW)
	}
	for _, v := range starts(w, s) {
		l.SpentKZT -= v
	}
	return l
}

// increment judges the mean difference to the farm as it is.
func (r *Result) increment(ctx context.Context, w *value.Economy, best Strategy, flows *value.Monthly) error {
	base := asIs(w.Plan)
	if best.same(base) {
		return nil
	}
	_, as, err := outcomes(ctx, w, base)
	if err != nil {
		return err
	}
	atStart := starts(w, best)
	inc := &Incremental{Flows: make([]money.Tiyn, w.Months+1)}
	exact := make([]float64, w.Months+1)
	for m := range w.Months {
		mean := 0.0
		for i := range w.Paths {
			mean += flows.Cash[i*w.Months+m] - as.Cash[i*w.Months+m]
		}
		// A month's money comes at its end, what is bought at its beginning: they are a month apart in discounting.
		exact[m+1] += mean/float64(w.Paths) - atStart[m]
		exact[m] += atStart[m]
	}
	for i, v := range exact {
		inc.Flows[i] = money.Tiyn(roundTiyn(v))
	}
	rate := finance.PerPeriod(w.Plan.Discount, 12)
	if inc.NPV, err = finance.NPV(rate, inc.Flows); err != nil {
		return err
	}
	// All roots: flows that change their sign more than once have several, and one of them alone would mislead.
	for _, root := range finance.IRR(inc.Flows) {
		inc.IRR = append(inc.IRR, annual(root))
	}
	inc.SeveralRoots = len(inc.IRR) > 1
	if months, ok := finance.Payback(inc.Flows); ok {
		inc.Payback = &months
	}
	months, ok, err := finance.DiscountedPayback(rate, inc.Flows)
	if ok {
		inc.DiscountedPayback = &months
	}
	r.Increment = inc
	return err
}
