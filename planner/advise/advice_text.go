package advise

import (
	"fmt"
	"strings"

	"github.com/aqsha/aqsha/planner"
)

// InCurrency writes the sign of the tenge in a text as the plan's own currency; "" leaves it.
func InCurrency(text, currency string) string {
	if currency == "" {
		return text
	}
	return strings.ReplaceAll(text, "₸", currency)
}

// in is the advice with the plan's own currency.
func (a Advice) in(currency string) Advice {
	a.Headline, a.RunnerUp = InCurrency(a.Headline, currency), InCurrency(a.RunnerUp, currency)
	for _, list := range [][]string{a.Steps, a.Reasons, a.Changes, a.Notes} {
		for i := range list {
			list[i] = InCurrency(list[i], currency)
		}
	}
	return a
}

// inWords tells the result in every language.
func (r *Result) inWords() map[string]Advice {
	words := map[string]Advice{}
	for _, language := range Languages {
		words[language] = r.phrase(r.In(language))
	}
	return words
}

// phrase puts the result into one language's words. Numbers are formatted there and nowhere else; which sentences are
// said is decided by the result alone, so that all languages say the same.
func (r *Result) phrase(t Phrases) Advice {
	chosen, best := r.Option(r.Advice), r.Option(WayBest)
	a := Advice{Headline: t.Say("headline "+string(r.Advice), t.Millions(chosen.Mean), t.Millions(-chosen.CVaR5))}
	a.Steps = r.stepsOf(t, best.Strategy)
	a.Reasons = r.reasons(t, best)
	a.RunnerUp = t.Say("no runner-up")
	if second := r.Option(WaySecond); second != nil {
		a.RunnerUp = t.Say("runner-up", t.short(*second.Strategy), t.Millions(second.Mean),
			t.Millions(best.Objective-second.Objective))
	}
	for _, c := range r.Changes {
		a.Changes = append(a.Changes, t.Say("change", t.Say("input "+c.Input), t.Percent(c.Factor-1, true),
			t.Say("way "+string(c.To))))
	}
	if len(r.Changes) == 0 {
		a.Changes = []string{t.Say("no change")}
	}
	// Absent, and not 0, where no price within reach makes the plan worth nothing.
	if b := r.BreakEven; b.PowerFactor != nil {
		a.Changes = append(a.Changes, t.Say("even power", t.Price(*b.PowerKZT)+" ₸",
			t.Percent(*b.PowerFactor, false)))
	}
	if b := r.BreakEven; b.BitcoinFactor != nil {
		a.Changes = append(a.Changes, t.Say("even bitcoin", t.Number(*b.BitcoinUSD, 0)+" $",
			t.Percent(*b.BitcoinFactor, false)))
	}
	nodes := t.Number(float64(r.Search.Nodes), 0)
	// How near to the best is said either way: a search that was cut off has a bound, and the reader is told it.
	if r.Search.Exact {
		a.Notes = append(a.Notes, t.Say("exact", nodes))
	} else {
		a.Notes = append(a.Notes, t.Say("gap", nodes, t.Millions(r.Search.Gap)))
	}
	a.Notes = append(a.Notes, t.Say("rate", t.Number(float64(r.USDKZT)/100, 2)+" ₸", string(r.RateDate)))
	return a
}

// stepsOf are the steps of what is advised; when money is better elsewhere, the best plan with machines is told too.
func (r *Result) stepsOf(t Phrases, best *Strategy) []string {
	switch r.Advice {
	case WaySecond:
		return t.steps(*r.Option(WaySecond).Strategy)
	case WayAsIs:
		return []string{t.Say("step nothing"), t.Say("step as it is"), t.Say("step sell"),
			t.Say("step instead", t.short(*best))}
	case WayCoins, WayTenge:
		steps := []string{t.Say("step nothing")}
		for _, b := range best.Buy {
			steps = append(steps, t.Say("step "+string(r.Advice), b.Date, t.Millions(b.Cost)))
		}
		if len(best.Buy) == 0 {
			steps = append(steps, t.Say("step "+string(r.Advice), r.From, t.Millions(r.Power.CapitalKZT)))
		}
		return append(steps, t.Say("step as it is"), t.Say("step sell"), t.Say("step instead", t.short(*best)))
	}
	return t.steps(*best)
}

// steps are what is to be done, in the order of time: buy, then retire, then what becomes of the coins.
func (t Phrases) steps(s Strategy) []string {
	var steps []string
	if len(s.Buy) == 0 {
		steps = append(steps, t.Say("step nothing"))
	}
	for _, b := range s.Buy {
		steps = append(steps, t.Say("step buy", b.Date, fmt.Sprint(b.Count), b.Model, t.Millions(b.Cost)))
	}
	for _, r := range s.Retire {
		if r.Month == planner.Never {
			steps = append(steps, t.Say("step keep", fmt.Sprint(r.Count), r.Model))
		} else {
			steps = append(steps, t.Say("step retire", r.Date, fmt.Sprint(r.Count), r.Model))
		}
	}
	if s.Hold > 0 {
		return append(steps, t.Say("step hold", t.Percent(float64(s.Hold)/1e6, false)))
	}
	return append(steps, t.Say("step sell"))
}

// short is a strategy in one line.
func (t Phrases) short(s Strategy) string {
	var parts []string
	for _, b := range s.Buy {
		parts = append(parts, t.Say("buy short", fmt.Sprint(b.Count), b.Model, b.Date))
	}
	for _, r := range s.Retire {
		if r.Month != planner.Never {
			parts = append(parts, t.Say("retire short", fmt.Sprint(r.Count), r.Model, r.Date))
		}
	}
	if s.Hold > 0 {
		parts = append(parts, t.Say("hold short", t.Percent(float64(s.Hold)/1e6, false)))
	}
	if len(parts) == 0 {
		parts = []string{t.Say("change nothing")}
	}
	line := strings.Join(parts, " ")
	return strings.TrimSuffix(line, ";") + "."
}

// reasons are the parts' own contributions, the other ways beside the best, and the limits. Contributions do not add
// up to the whole (see explain), and are not said as if they did.
func (r *Result) reasons(t Phrases, best *Option) []string {
	var out []string
	for _, m := range r.Marginals {
		s := best.Strategy
		switch m.Part {
		case "buy":
			b := s.Buy[m.At]
			out = append(out, t.Say("reason buy", fmt.Sprint(b.Count), b.Model, b.Date, t.Millions(-m.Mean),
				t.Millions(-m.Objective)))
		case "retire":
			x := s.Retire[m.At]
			out = append(out, t.Say("reason retire", fmt.Sprint(x.Count), x.Model, t.Millions(-m.Mean)))
		case "hold":
			out = append(out, t.Say("reason hold", t.Signed(m.Objective)))
		}
	}
	for _, way := range []Way{WayAsIs, WayCoins, WayTenge} {
		o := r.Option(way)
		out = append(out, t.Say("reason "+string(way), t.Signed(best.Mean-o.Mean), t.Signed(o.CVaR5-best.CVaR5)))
	}
	out = append(out, t.Say("reason power", t.Number(r.Power.MaxKW, 0), t.Number(r.Power.LimitKW, 0)),
		t.Say("reason capital", t.Millions(r.Power.SpentKZT), t.Millions(r.Power.CapitalKZT)))
	return append(out, r.rates(t)...)
}

// rates tell internal rate and payback, or warn of several.
func (r *Result) rates(t Phrases) []string {
	inc := r.Increment
	if inc == nil || len(r.Option(WayBest).Strategy.Buy) == 0 {
		return nil // without an outlay there is no rate
	}
	if inc.SeveralRoots {
		var roots []string
		for _, x := range inc.IRR {
			roots = append(roots, t.Percent(x, false))
		}
		return []string{t.Say("several roots", fmt.Sprint(len(inc.IRR)), strings.Join(roots, "; "))}
	}
	if len(inc.IRR) == 0 {
		return nil
	}
	if inc.Payback == nil {
		return []string{t.Say("reason never", t.Number(100*inc.IRR[0], 1)+" %")}
	}
	return []string{t.Say("reason irr", t.Number(100*inc.IRR[0], 1)+" %", t.Number(*inc.Payback, 1))}
}
