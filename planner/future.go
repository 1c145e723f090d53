package planner

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/internal/strict"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/params"
	"github.com/aqsha/aqsha/planner/paths"
	"github.com/aqsha/aqsha/planner/power"
)

// laws looks up every month's law, and puts the plan's own assumptions over it. A month for which no law is known, or
// whose tariff no band of the levy covers, refuses the plan: nothing is guessed.
func (r *parser) laws() error {
	p := r.plan
	var last params.Date
	for i, a := range r.Assume {
		key := fmt.Sprintf("assume[%d]", i)
		from, err := params.ParseDate(a.From)
		if err != nil {
			return r.Refuse("date", key+".from", "%v", err)
		}
		if from <= last {
			return r.Refuse("order", key+".from", "%s does not come after %s", from, last)
		}
		last = from
		for _, v := range []struct {
			key string
			d   strict.Decimal
		}{{"quota", a.Quota}, {"tax", a.Tax}, {"vat", a.VAT}} {
			if ppm, ok := v.d.PPM(); !ok || ppm < 0 || ppm > int64(params.WholePPM) {
				return r.Refuse("farm-out-of-range", key+"."+v.key, "want 0 to 1, got %s", v.d)
			}
		}
		if a.Levy.Micro < 0 || a.Levy.Micro > int64(micro(power.MaxPrice)) {
			return r.Refuse("negative", key+".levy", "want 0 to %s, got %s", power.MaxPrice,
				farm.MicroTiyn(a.Levy.Micro))
		}
		// Registers of the levy are Kazakhstan's, and in whole tiyn.
		if a.Levy.Micro%int64(micro(1)) != 0 && r.plan.Currency == "" {
			return r.Refuse("farm-out-of-range", key+".levy", "want tenge with at most two decimals, got %s",
				farm.MicroTiyn(a.Levy.Micro))
		}
	}
	// Each month under the law of its own first day: a plan runs over changes of law that are known already.
	for m := range p.Months {
		day := p.Month(m).First()
		law, err := r.lawOf(day)
		if err != nil {
			return r.Refuse("date", "start", "%v", err)
		}
		tariff, err := p.Tariff(m)
		if err == nil {
			_, err = law.LevyOf(p.Source, tariff)
		}
		if err != nil {
			return r.Refuse("levy", "tariff[0].price", "%s: %v", p.Month(m), err)
		}
		subsidy, err := params.SubsidyEras.At(day)
		if err != nil {
			return r.Refuse("date", "start", "%v", err)
		}
		p.Network.SubsidyBTC = append(p.Network.SubsidyBTC, r.subsidy(p.Month(m), subsidy.Value.Subsidy))
		p.Laws = append(p.Laws, law)
	}
	return nil
}

// subsidy of a month in which it halves is the mean over its days. Blocks come evenly over the days.
func (r *parser) subsidy(m Month, atStart money.Satoshi) float64 {
	total := 0.0
	for day := 1; day <= m.Days(); day++ {
		fact, err := params.SubsidyEras.At(m.Day(day))
		if err != nil {
			fact.Value.Subsidy = atStart
		}
		total += float64(fact.Value.Subsidy)
	}
	return total / float64(m.Days()) / float64(money.Bitcoin)
}

// lawOf is the law of a day with the assumptions over it. They stand in order, so that the first one after the day ends
// the search and a later one overrides an earlier. Each one used is remembered among the facts, once.
func (r *parser) lawOf(day params.Date) (Law, error) {
	p := r.plan
	law, problem := r.enacted(day)
	if p.Source == params.PowerOwn || p.Source == params.PowerOwnRenewable {
		law.VAT = 0 // nobody sells it
	}
	for _, a := range r.Assume {
		from := params.Date(a.From)
		if from > day {
			break
		}
		if a.Levy.Set {
			law.Levy, law.Part = flatLevy(farm.MicroTiyn(a.Levy.Micro))
		}
		for _, v := range []struct {
			d    strict.Decimal
			into *params.PPM
		}{{a.Quota, &law.Quota}, {a.Tax, &law.Tax}, {a.VAT, &law.VAT}} {
			if ppm, _ := v.d.PPM(); v.d.Set {
				*v.into = params.PPM(ppm)
			}
		}
		note := Fact{"assumption of the plan", from, fmt.Sprintf("[[assume]] from %s", from)}
		if !slices.Contains(p.Facts, note) {
			p.Facts = append(p.Facts, note)
		}
	}
	return law, problem
}

// enacted is the law of a day without the plan's assumptions: of the plan's file, or of the tables. What it rests on
// is noted in the plan's facts, each once, so that a result names its sources.
func (r *parser) enacted(day params.Date) (Law, error) {
	p := r.plan
	if len(p.OwnLaws) > 0 {
		own, err := p.ownLaw(day)
		if note := (Fact{"law of " + r.Law, own.From, own.Source}); err == nil && !slices.Contains(p.Facts, note) {
			p.Facts = append(p.Facts, note)
		}
		return own.Law, err
	}
	levy, err1 := fact(p, params.MiningLevies, day)
	vat, err2 := fact(p, params.ValueAddedTax, day)
	quota, err3 := fact(p, params.MiningSaleQuota, day)
	tax, err4 := fact(p, params.CorporateIncomeTax, day)
	return Law{Levy: levy, VAT: vat, Quota: quota, Tax: tax}, errors.Join(err1, err2, err3, err4)
}

// LawAt is the law of a month: the plan's own within it, that of the tables outside. Assumptions do not reach beyond
// the plan.
func (p *Plan) LawAt(at Month) (Law, error) {
	if m := int(at - p.Start); m >= 0 && m < p.Months {
		return p.Laws[m], nil
	}
	day := at.First()
	if len(p.OwnLaws) > 0 {
		own, err := p.ownLaw(day)
		return own.Law, err
	}
	levy, err1 := params.MiningLevies.At(day)
	vat, err2 := params.ValueAddedTax.At(day)
	quota, err3 := params.MiningSaleQuota.At(day)
	tax, err4 := params.CorporateIncomeTax.At(day)
	return Law{Levy: levy.Value, VAT: vat.Value, Quota: quota.Value, Tax: tax.Value},
		errors.Join(err1, err2, err3, err4)
}

// fact takes a dated parameter and remembers it. The months ask for the same fact again and again: it is kept once.
func fact[T any](p *Plan, series params.Series[T], day params.Date) (T, error) {
	f, err := series.At(day)
	if note := (Fact{series.Name, f.From, f.Source}); err == nil && !slices.Contains(p.Facts, note) {
		p.Facts = append(p.Facts, note)
	}
	return f.Value, err
}

// price takes how the price of bitcoin goes on. A fixed price is one path, whatever the plan asked for.
func (r *parser) price() error {
	p, f := r.plan, r.Price
	if g := f.Growth.Float(); g <= -1 || g > 10 {
		return r.Refuse("farm-out-of-range", "price.growth", "want above −1 and at most 10 a year, got %s", f.Growth)
	}
	if f.USD.Set && f.USD.Nano <= 0 {
		return r.Refuse("negative", "price.usd", "want a price above 0, got %s", f.USD)
	}
	p.PriceKind, p.PriceUSD, p.Growth = f.Kind, f.USD.Float(), f.Growth.Float()
	if f.Kind == "fixed" {
		if !f.USD.Set {
			return r.Refuse("missing", "price.usd", "want the price of a bitcoin in dollars")
		}
		p.Paths = 1
		return nil
	}
	if f.Kind != "garch" && f.Kind != "replay" {
		return r.Refuse("price", "price.kind", "want fixed, replay or garch, got %q", f.Kind)
	}
	content, err := r.open(f.File)
	if err != nil {
		return r.Refuse("file", "price.file", "%v", err)
	}
	// The file's text goes into the result: whoever has the result computes it again without the file.
	p.Files[f.File] = content
	if f.Kind == "replay" {
		return r.replay(content)
	}
	if p.Model, err = paths.ReadModel([]byte(content)); err != nil {
		return r.Refuse("model", "price.file", "%v", err)
	}
	if !f.USD.Set {
		p.PriceUSD = p.Model.LastPrice
	}
	if p.PriceUSD <= 0 {
		return r.Refuse("missing", "price.usd",
			"the model's file has no last price: want the price of a bitcoin in dollars")
	}
	return nil
}

// replay reads daily prices: a CSV with a date first and a column of prices. Days must ascend; a row without a price is
// passed over. A path is a window as long as the plan and one day, and the windows start 30 days apart: their number
// replaces the plan's.
func (r *parser) replay(content string) error {
	column := r.Price.Column
	if column == "" {
		column = "PriceUSD"
	}
	in := csv.NewReader(strings.NewReader(content))
	in.Comment, in.ReuseRecord = '#', true
	header, err := in.Read()
	if err != nil {
		return r.Refuse("file", "price.file", "%v", err)
	}
	at := slices.Index(header, column)
	if at < 1 {
		return r.Refuse("file", "price.column", "the file has no column %q after the date", column)
	}
	var last params.Date
	for {
		row, err := in.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return r.Refuse("file", "price.file", "%v", err)
		}
		if row[at] == "" {
			continue // before the market
		}
		line, _ := in.FieldPos(0)
		day, err1 := params.ParseDate(row[0])
		value, err2 := strconv.ParseFloat(row[at], 64)
		if err := errors.Join(err1, err2); err != nil || !(value > 0) || math.IsInf(value, 1) || day <= last {
			return r.Refuse("file", "price.file", "line %d: want a later day and a price above 0 (%v)", line, err)
		}
		last = day
		r.plan.History = append(r.plan.History, value)
	}
	days := 0
	for _, n := range r.plan.Days() {
		days += n
	}
	if len(r.plan.History) < days+1 {
		return r.Refuse("file", "price.file", "%d days of prices, the plan needs %d", len(r.plan.History), days+1)
	}
	if !r.Price.USD.Set {
		r.plan.PriceUSD = r.plan.History[len(r.plan.History)-1]
	}
	r.plan.Paths = (len(r.plan.History)-days-1)/30 + 1
	return nil
}

// network puts what the plan says over the defaults.
func (r *parser) network() error {
	n, f := &r.plan.Network, r.Network
	// The subsidies were set by laws, by month, before this.
	subsidy := n.SubsidyBTC
	*n = paths.Defaults
	n.SubsidyBTC, n.PUE = subsidy, paths.Defaults.PUE
	// Turned round for NaN.
	if f.Difficulty != nil {
		if !(*f.Difficulty >= 1) || *f.Difficulty > 1e20 {
			return r.Refuse("farm-out-of-range", "network.difficulty", "want 1 to 1e20, got %v", *f.Difficulty)
		}
		n.Difficulty = *f.Difficulty
	}
	for _, v := range []struct {
		key       string
		value     strict.Decimal
		into      *float64
		low, high float64
	}{
		{"fees_btc", f.FeesBTC, &n.FeesBTC, 0, 90}, {"elasticity", f.Elasticity, &n.Elasticity, 0, 10},
		{"max_growth", f.MaxGrowth, &n.MaxGrowth, 0, 1},
		{"attrition", f.Attrition, &n.Attrition, 0, 0.5}, {"entry_usd_per_ths", f.EntryUSD, &n.EntryUSD, 0.01, 10_000},
		{"entry_jth", f.EntryJTH, &n.EntryJTH, 0.1, 1000},
		{"entry_power_usd", f.EntryPower, &n.EntryPower, 0, 10}, {"entry_return", f.EntryReturn, &n.EntryReturn, 0, 10},
		{"improvement", f.Improvement, &n.Improvement, 0, 0.9},
		{"median_opex_usd", f.MedianOpex, &n.MedianOpex, 0.0001, 100},
	} {
		if !v.value.Set {
			continue
		}
		if x := v.value.Float(); x < v.low || x > v.high {
			return r.Refuse("farm-out-of-range", "network."+v.key, "want %v to %v, got %s", v.low, v.high, v.value)
		}
		*v.into = v.value.Float()
	}
	// The first day is scheduled in satoshi: so little difficulty would make a hashprice that they do not hold.
	if _, err := r.plan.Hashprice(); err != nil {
		return r.Refuse("farm-out-of-range", "network.difficulty", "%v", err)
	}
	// Pointers: a 0 that is written is refused, and not taken for a key that was left out.
	if f.Lag != nil {
		if *f.Lag < 1 || *f.Lag > 36 {
			return r.Refuse("negative", "network.lag_months", "want 1 to 36 months, got %d", *f.Lag)
		}
		n.Lag = *f.Lag
	}
	if f.EntryMonths != nil {
		if *f.EntryMonths < 1 || *f.EntryMonths > 240 {
			return r.Refuse("negative", "network.entry_months", "want 1 to 240 months, got %d", *f.EntryMonths)
		}
		n.EntryMonths = float64(*f.EntryMonths)
	}
	return nil
}
