package risk

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/aqsha/aqsha/market"
	"github.com/aqsha/aqsha/market/garch"
	"github.com/aqsha/aqsha/market/stats"
	"github.com/aqsha/aqsha/market/volatility"
)

// Window of the back-test's moving samples, in days.
const Window = 365

// Standing is one method's back-test in the league table.
type Standing struct {
	Rank     int       `json:"rank"` // 0: refused
	Method   string    `json:"method"`
	P        float64   `json:"p"`
	Coverage *Coverage `json:"coverage,omitempty"`
	AcerbiZ  *float64  `json:"acerbi_z,omitempty"`
	AcerbiP  *float64  `json:"acerbi_p,omitempty"`          // by simulation under the method's own law
	AcerbiAt *float64  `json:"acerbi_critical,omitempty"`   // 5 % point of Z for this T, p and law
	BetterP  *float64  `json:"diebold_mariano_p,omitempty"` // that its loss is no larger than the best one's
	// ESRegression tests the shortfall by the regression's intercept; Confidence
	// is the p of the method in the model confidence set by quantile loss, in which
	// it is at 10 %.
	ESRegression *ESRegression `json:"es_regression,omitempty"`
	Confidence   *float64      `json:"confidence_set_p,omitempty"`
	InSet        *bool         `json:"in_confidence_set,omitempty"`

	MeanVaR *float64 `json:"mean_value_at_risk,omitempty"`
	Loss    *float64 `json:"quantile_loss,omitempty"` // mean tick loss of the VaR, percent
	Passes  bool     `json:"passes"`                  // all of Kupiec, Christoffersen, Acerbi at 5 %
	Refused string   `json:"refused,omitempty"`
	Days    int      `json:"days"` // on which the method gave a figure
}

// forecast is VaR and ES for one day; NaN when the method is refused then.
type forecast struct{ v, e float64 }

var none = forecast{math.NaN(), math.NaN()}

// League back-tests every method on returns first…last (indices), each day
// from the Window days before it, at the tail probability p. GARCH-t is refit
// daily from the previous day's optimum on garchWindow days. rules are 0 for
// today's, 1 to 5 for those of reports sealed in these formats: until 4 the two
// methods of extreme value theory were not in the league.
func League(ctx context.Context, r []float64, first, last, garchWindow int, p float64, rules int,
	progress func(done, all int)) ([]Standing, error) {
	if first < Window || first < garchWindow || last >= len(r) || first > last {
		return nil, market.Refuse("window", "returns", "the back-test from return %d needs %d before it", first+1,
			max(Window, garchWindow))
	}
	if err := stats.Finite("returns", r, 2); err != nil {
		return nil, err
	}
	days := last - first + 1
	table := map[string][]forecast{}
	order := []string{"historical", "normal", "t", "cornish-fisher", "ewma-normal", filteredName}
	tails := rules == 0 || rules > 4
	if tails {
		order = append(order, "extreme value", "extreme value (garch-t)")
	}
	for _, name := range order {
		table[name] = make([]forecast, days)
	}
	ewma, err := volatility.EWMA(r, volatility.EWMALambda, Window)
	if err != nil {
		return nil, err
	}
	// A day takes two steps, of which either can be the longer: the laws of its sample, and the fit of GARCH-t.
	step := func(done int) {
		if progress != nil {
			progress(done, 2*days)
		}
	}
	for i := range days {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		sample := r[first+i-Window : first+i]
		measures, _, err := Static(sample, p, rules)
		if err != nil {
			return nil, fmt.Errorf("back-test day %d: %w", i+1, err)
		}
		for _, m := range measures {
			table[m.Method][i] = m.forecast()
		}
		// Historical below five tail returns is still what the league is about.
		hv, he := Historical(sample, p)
		table["historical"][i] = forecast{hv, he}
		v, e := NormalLaw(0, math.Sqrt(ewma[first+i]), p)
		table["ewma-normal"][i] = forecast{v, e}
		if tails {
			table["extreme value"][i] = beyond(sample, p)
		}
		step(i + 1)
	}
	table[filteredName], table["extreme value (garch-t)"], err = filtered(ctx, r, first, last, garchWindow, p,
		tails, func(done, _ int) { step(days + done) })
	if err != nil {
		return nil, err
	}
	var league []Standing
	for _, name := range order {
		if rules == 1 {
			league = append(league, score(name, r[first:last+1], table[name], p))
		}
	}
	if rules != 1 {
		league = scoreTogether(order, r[first:last+1], table, r[first-Window:first], p, rules)
	}
	rank(league)
	return league, nil
}

// forecast is none where either figure is missing, so that a method is scored on both by the same days.
func (m Measure) forecast() forecast {
	if m.VaR == nil || m.ES == nil {
		return none
	}
	return forecast{*m.VaR, *m.ES}
}

const filteredName = "filtered historical (garch-t)"

// leagueTail is the share of a sample that is taken as its tail, which McNeil and Frey (2000) take.
const leagueTail = 0.1

// beyond is the tail's law fitted to the worst of the sample.
func beyond(sample []float64, p float64) forecast {
	tail, err := FitTail(sample, leagueTail)
	if err != nil {
		return none
	}
	v, e, err := tail.At(p)
	if err != nil || e == nil {
		return none
	}
	return forecast{v, *e}
}

// filtered scales the standardised residuals of a GARCH-t fit by tomorrow's
// variance: the residuals as they came, and on request the tail's law fitted to them.
func filtered(ctx context.Context, r []float64, first, last, window int, p float64, tails bool,
	progress func(done, all int)) (historical, extreme []forecast, err error) {
	rolls, err := garch.Rolling(ctx, r, window, first-1, last-1, 50, garch.Spec{Law: garch.StudentT}, progress)
	if err != nil {
		return nil, nil, err
	}
	historical, extreme = make([]forecast, len(rolls)), make([]forecast, len(rolls))
	z := make([]float64, window)
	for i, roll := range rolls {
		// Such a day has no forecast, and is not filled with yesterday's: methods are compared on days that all have.
		if !roll.Converged {
			historical[i], extreme[i] = none, none
			continue
		}
		omega, alpha, beta := roll.Theta[0], roll.Theta[1], roll.Theta[2]
		sample, h := r[roll.End-window+1:roll.End+1], 0.0
		for _, v := range sample {
			h += (v - roll.Mean) * (v - roll.Mean) / float64(window)
		}
		// The recursion begins as the fit's own does, with the mean square: residuals are those that were fitted.
		h = omega + (alpha+beta)*h
		for t, v := range sample {
			e := v - roll.Mean
			z[t] = e / math.Sqrt(h)
			h = omega + alpha*e*e + beta*h
		}
		v, e := Historical(z, p)
		s := math.Sqrt(roll.HNext)
		historical[i] = forecast{s*v - roll.Mean, s*e - roll.Mean}
		if tails {
			x := beyond(z, p)
			extreme[i] = forecast{s*x.v - roll.Mean, s*x.e - roll.Mean}
		}
	}
	return historical, extreme, nil
}

// score tests one method on the days on which it gave a figure. A method that was refused on more than a tenth of them
// is out of the league. The loss of a day is (p − 1[r < −VaR])·(r + VaR), which is least on average at the true
// quantile.
func score(name string, r []float64, f []forecast, p float64) Standing {
	s := Standing{Method: name, P: p}
	var kept, v, e []float64
	var hits []bool
	loss := 0.0
	for i, x := range f {
		if math.IsNaN(x.v) {
			continue
		}
		kept, v, e = append(kept, r[i]), append(v, x.v), append(e, x.e)
		hit := r[i] < -x.v
		hits = append(hits, hit)
		if hit {
			loss += (1 - p) * (-x.v - r[i])
		} else {
			loss += p * (r[i] + x.v)
		}
	}
	s.Days = len(kept)
	if 10*(len(f)-len(kept)) > len(f) {
		s.Refused = fmt.Sprintf("not valid on %d of %d days", len(f)-len(kept), len(f))
		return s
	}
	c, z, mean := TestCoverage(hits, p), AcerbiSzekely(kept, v, e, p), stats.Mean(v)
	loss /= float64(len(kept))
	s.Coverage, s.AcerbiZ, s.MeanVaR, s.Loss = &c, &z, &mean, &loss
	s.Passes = c.P > 0.05 && c.PCC > 0.05 && z > AcerbiLimit
	return s
}

// scoreTogether scores all methods on the days on which each that stays in the
// league gave a figure: quantile losses of different days cannot be compared.
func scoreTogether(order []string, r []float64, table map[string][]forecast, before []float64, p float64,
	rules int) []Standing {
	in := map[string]bool{}
	for _, name := range order {
		in[name] = score(name, r, table[name], p).Refused == ""
	}
	var days []int
	for i := range r {
		common := true
		for _, name := range order {
			common = common && (!in[name] || !math.IsNaN(table[name][i].v))
		}
		if common {
			days = append(days, i)
		}
	}
	kept := make([]float64, len(days))
	for j, i := range days {
		kept[j] = r[i]
	}
	nu := tailLaw(before)
	var league []Standing
	losses := map[string][]float64{}
	best := ""
	for _, name := range order {
		if !in[name] || len(days) == 0 {
			league = append(league, score(name, r, table[name], p))
			continue
		}
		f := make([]forecast, len(days))
		for j, i := range days {
			f[j] = table[name][i]
		}
		s := score(name, kept, f, p)
		law := nu
		if name == "normal" || name == "ewma-normal" {
			law = math.Inf(1)
		}
		pValue, critical := AcerbiNull(*s.AcerbiZ, len(kept), p, law)
		s.AcerbiP, s.AcerbiAt = &pValue, &critical
		s.Passes = s.Coverage.P > 0.05 && s.Coverage.PCC > 0.05 && pValue > 0.05
		losses[name] = tickLosses(kept, f, p)
		// Seals of earlier rules lack this test, and are derived without it.
		if rules == 0 || rules >= 3 {
			shortfalls := make([]float64, len(f))
			for j := range f {
				shortfalls[j] = f[j].e
			}
			test := TestESRegression(kept, shortfalls, p)
			s.ESRegression = &test
		}
		if best == "" || *s.Loss < stats.Mean(losses[best]) {
			best = name
		}
		league = append(league, s)
	}
	for i := range league {
		if name := league[i].Method; losses[name] != nil && name != best {
			p := DieboldMariano(losses[name], losses[best])
			league[i].BetterP = &p
		}
	}
	if rules == 0 || rules >= 3 {
		confide(league, losses)
	}
	return league
}

// confide sets each method's place in the model confidence set.
func confide(league []Standing, losses map[string][]float64) {
	var in []int
	var all [][]float64
	for i, s := range league {
		if x := losses[s.Method]; x != nil {
			in, all = append(in, i), append(all, x)
		}
	}
	if len(all) < 2 {
		return
	}
	for j, p := range ConfidenceSet(all) {
		inside := p >= 0.1
		league[in[j]].Confidence, league[in[j]].InSet = &p, &inside
	}
}

// rank puts methods that pass first, then by quantile loss; refused ones last and without a rank. A low loss does not
// outweigh a failed test of coverage.
func rank(league []Standing) {
	slices.SortStableFunc(league, standingOrder)
	for i := range league {
		if league[i].Refused == "" {
			league[i].Rank = i + 1
		}
	}
}

// standingOrder compares standings as rank wants them; those of one loss are equal.
func standingOrder(a, b Standing) int {
	key := func(s Standing) (int, float64) {
		switch {
		case s.Loss == nil:
			return 2, 0
		case !s.Passes:
			return 1, *s.Loss
		}
		return 0, *s.Loss
	}
	ga, la := key(a)
	gb, lb := key(b)
	return cmp.Or(cmp.Compare(ga, gb), cmp.Compare(la, lb))
}
