package planner

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/internal/strict"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/params"
	"github.com/aqsha/aqsha/planner/finance"
	"github.com/aqsha/aqsha/planner/power"
)

// Limits of a plan. Those of dates, offers, fleet and counts bound the grid that is searched; a number of machines
// times an amount stays within 64 bits.
const (
	MaxMonths   = 120
	MaxPaths    = 200_000
	maxDates    = 6
	maxOffers   = 6
	maxFleet    = 12
	maxCounts   = 12
	maxMachines = 1_000_000
	maxFile     = 16 << 20
	maxMoney    = 10_000_000_000 * money.Tenge // of any one amount that is multiplied
)

// Read reads a plan and the files it names, which lie beside it. A name that would lead out of the plan's directory is
// refused: a plan may come from a stranger.
func Read(path string) (*Plan, error) {
	text, err := load(path)
	if err != nil {
		return nil, err
	}
	return Parse(path, text, func(name string) (string, error) {
		if !filepath.IsLocal(name) {
			return "", fmt.Errorf("%q: want a file beside the plan", name)
		}
		return load(filepath.Join(filepath.Dir(path), name))
	})
}

// load reads a whole file; one that is too long is refused by its size before it is read.
func load(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if info.Size() > maxFile {
		return "", farm.Refuse("too-long", path, "longer than %d bytes", maxFile)
	}
	content, err := os.ReadFile(path)
	return string(content), err
}

// parser carries a plan through its checks: the form is the plan as it was written, plan what was accepted of it so
// far. Its steps fill plan and refuse with the key and its line.
type parser struct {
	*strict.File
	form
	plan *Plan
	open func(name string) (string, error)
}

// Parse checks a plan's text; open reads a file that it names. The first thing that is wrong ends it. The steps lean on
// each other: months and the start come first, the file of laws decides whether a licence is looked up, the levy of a
// month needs its tariff, the machines need the site's limit; the price may change the number of paths, and the network
// keeps the subsidies that the laws brought.
func Parse(name, text string, open func(name string) (string, error)) (*Plan, error) {
	r := &parser{plan: &Plan{File: filepath.Base(name), Text: text, Files: map[string]string{}}, open: open}
	file, err := strict.Decode(name, text, &r.form)
	if err != nil {
		return nil, err
	}
	r.File = file
	for _, step := range []func() error{r.frame, r.lawFile, r.rate, r.site, r.tariffs, r.laws, r.fleet, r.offers,
		r.decisions,
		r.loan, r.price, r.network} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return r.plan, nil
}

// frame takes how long, from when, over how many paths and at what rates.
func (r *parser) frame() error {
	p := r.plan
	start, err := ParseMonth(r.Start)
	if err != nil {
		return r.Refuse("date", "start", "%v", err)
	}
	if r.Months < 1 || r.Months > MaxMonths {
		return r.Refuse("farm-out-of-range", "months", "want 1 to %d, got %d", MaxMonths, r.Months)
	}
	if p.Paths = 2000; r.Paths != nil {
		p.Paths = *r.Paths
	}
	// Paths × months are numbers in memory, several times over.
	if p.Paths < 1 || p.Paths > MaxPaths || p.Paths*r.Months > 12_000_000 {
		return r.Refuse("farm-out-of-range", "paths", "want 1 to %d (and at most 12,000,000 months in all), got %d",
			MaxPaths, p.Paths)
	}
	for _, v := range []struct {
		key       string
		value     strict.Decimal
		low, high float64
	}{{"lambda", r.Lambda, 0, 100}, {"discount_rate", r.Discount, 0, 10}, {"deposit_rate", r.Deposit, 0, 10}} {
		if f := v.value.Float(); f < v.low || f > v.high {
			return r.Refuse("farm-out-of-range", v.key, "want %v to %v, got %s", v.low, v.high, v.value)
		}
	}
	if r.Capital.Tiyn < 0 {
		return r.Refuse("negative", "capital_kzt", "want at least 0, got %s", r.Capital.Tiyn)
	}
	p.Name, p.Start, p.Months, p.Seed, p.Capital = r.form.Name, start, r.Months, r.Seed, r.Capital.Tiyn
	p.Lambda, p.Discount, p.Deposit = r.Lambda.Float(), finance.Rate(r.Discount.Nano), finance.Rate(r.Deposit.Nano)
	return nil
}

// rate takes the exchange rate of the start and how the tenge loses in a year: a dollar costs (1 + depreciation) times
// as much a year later.
func (r *parser) rate() error {
	p := r.plan
	tiyn, ok := r.Rate.USDKZT.Tiyn()
	if !ok || tiyn <= 0 || tiyn > 10_000_000 {
		return r.Refuse("farm-out-of-range", "rate.usd_kzt",
			"want tenge for a dollar, above 0, with at most two decimals, got %s", r.Rate.USDKZT)
	}
	date, err := params.ParseDate(r.Rate.Date)
	if err != nil {
		return r.Refuse("date", "rate.date", "%v", err)
	}
	if d := r.Rate.Depreciation.Float(); d < -0.5 || d > 2 {
		return r.Refuse("farm-out-of-range", "rate.depreciation", "want −50 %% to 200 %% a year, got %s",
			r.Rate.Depreciation)
	}
	p.USDKZT, p.RateDate, p.Depreciation = tiyn, date, r.Rate.Depreciation.Float()
	return nil
}

// site takes where the machines stand: the licence, power and its fees, and the shares that uptime, the pool and sales
// take.
func (r *parser) site() error {
	p, s := r.plan, r.Site
	if s.Hosting != "own" && s.Hosting != "hosted" {
		return r.Refuse("hosting", "site.hosting", "want own (licence of kind I) or hosted (kind II), got %q",
			s.Hosting)
	}
	// The law says from when on there are such licences: an earlier day is a slip.
	var licence params.Date
	if len(p.OwnLaws) == 0 { // elsewhere there is no licence that is known here
		var err error
		if licence, err = params.ParseDate(s.Licence); err == nil {
			_, err = p.licenceSeries(s.Hosting).At(licence)
		}
		if err != nil {
			return r.Refuse("date", "site.licence_from", "%v", err)
		}
	}
	pue, ok := s.PUE.Milli()
	if !ok || pue < 1000 || pue > 3000 {
		return r.Refuse("farm-out-of-range", "site.pue", "want 1 to 3 with at most three decimals, got %s", s.PUE)
	}
	if s.LimitKW <= 0 || s.LimitKW > 10_000_000 {
		return r.Refuse("negative", "site.limit_kw", "want 1 to 10000000, got %d", s.LimitKW)
	}
	for _, v := range []struct {
		key   string
		value strict.Price
	}{{"site.grid_fee", s.GridFee}, {"site.hosting_fee", s.HostingFee}} {
		if v.value.Micro < 0 || v.value.Micro > int64(micro(power.MaxPrice)) {
			return r.Refuse("negative", v.key, "want 0 to %s, got %s", power.MaxPrice, farm.MicroTiyn(v.value.Micro))
		}
	}
	if v := s.MonthlyCost.Tiyn; v < 0 || v > maxMoney {
		return r.Refuse("negative", "site.monthly_cost_kzt", "want 0 to %s, got %s", maxMoney, v)
	}
	if s.Hosting == "own" && s.HostingFee.Micro > 0 {
		return r.Refuse("hosting", "site.hosting_fee", "one's own data centre takes no hosting fee")
	}
	for _, v := range []struct {
		key   string
		value strict.Decimal
		into  *params.PPM
		most  params.PPM // who takes all of it leaves nothing to compute with
	}{{"site.uptime", s.Uptime, &p.Uptime, params.WholePPM},
		{"site.pool_fee", s.PoolFee, &p.PoolFee, params.WholePPM - 1},
		{"site.sale_cost", s.SaleCost, &p.SaleCost, params.WholePPM - 1}} {
		ppm, ok := v.value.PPM()
		if !ok || ppm < 0 || ppm > int64(v.most) {
			return r.Refuse("farm-out-of-range", v.key, "want 0 to %v with at most six decimals, got %s",
				float64(v.most)/float64(params.WholePPM), v.value)
		}
		*v.into = params.PPM(ppm)
	}
	if p.Uptime == 0 {
		return r.Refuse("missing", "site.uptime", "want the share of the time in which machines run, such as 0.97")
	}
	switch source := params.PowerSource(s.Source); source {
	case params.PowerBought, params.PowerOwn, params.PowerRenewable, params.PowerOwnRenewable:
		p.Source = source
	default:
		return r.Refuse("source", "site.power", "want bought, renewable, own or own-renewable, got %q", s.Source)
	}
	p.Hosting, p.Licence, p.PUEMilli, p.LimitWatts = s.Hosting, licence, pue, 1000*s.LimitKW
	p.GridFee, p.HostingFee = farm.MicroTiyn(s.GridFee.Micro), farm.MicroTiyn(s.HostingFee.Micro)
	p.MonthlyCost = s.MonthlyCost.Tiyn
	return nil
}

// licenceSeries holds the terms of the licence that the hosting needs, by date.
func (p *Plan) licenceSeries(hosting string) params.Series[params.MiningLicence] {
	if hosting == "hosted" {
		return params.MiningLicenceHosted
	}
	return params.MiningLicenceOwn
}

// LicenceTerm is the licence the plan needs. There is none in a plan under another country's laws: its licence's date
// is empty, and that is the error.
func (p *Plan) LicenceTerm() (kind string, term params.MiningLicence, err error) {
	series := p.licenceSeries(p.Hosting)
	fact, err := series.At(p.Licence)
	return series.Name, fact.Value, err
}

// tariffs takes prices of power by date, each in force until the next. One must be in force on the first day, so that
// no month of the plan is without a price.
func (r *parser) tariffs() error {
	var last params.Date
	for i, t := range r.Tariffs {
		key := fmt.Sprintf("tariff[%d]", i)
		if t.From == "" {
			return r.Refuse("missing", key+".from", "a tariff needs the day from which it holds")
		}
		from, err := params.ParseDate(t.From)
		if err != nil {
			return r.Refuse("date", key+".from", "%v", err)
		}
		if from <= last {
			return r.Refuse("order", key+".from", "%s does not come after %s", from, last)
		}
		price := farm.MicroTiyn(t.Price.Micro)
		if !t.Price.Set || price < micro(power.MinPrice) || price > micro(power.MaxPrice) {
			return r.Refuse("negative", key+".price", "want a price of a kWh of %s to %s, got %s", power.MinPrice,
				power.MaxPrice, price)
		}
		last = from
		r.plan.Tariffs = append(r.plan.Tariffs, Tariff{from, price})
	}
	if len(r.plan.Tariffs) == 0 {
		return r.Refuse("missing", "tariff", "want at least one [[tariff]] with from and price")
	}
	if first := r.plan.Tariffs[0].From; first > r.plan.Start.First() {
		return r.Refuse("no-tariff", "tariff[0].from", "no tariff is in force when the plan starts, %s", r.plan.Start)
	}
	return nil
}

// decisions takes the grid of the search: when one may buy, how many, what share of coins may be held, and how many
// nodes may be opened for it.
func (r *parser) decisions() error {
	p, d := r.plan, r.Decisions
	if len(d.Dates) > maxDates {
		return r.Refuse("farm-out-of-range", "decisions.dates", "want at most %d, got %d", maxDates, len(d.Dates))
	}
	for i, text := range d.Dates {
		month, err := ParseMonth(text)
		if err != nil {
			return r.Refuse("date", "decisions.dates", "%v", err)
		}
		at := int(month - p.Start)
		if at < 0 || at >= p.Months {
			return r.Refuse("date", "decisions.dates", "%s is outside the plan, %s to %s", month, p.Start,
				p.Month(p.Months-1))
		}
		if i > 0 && at <= p.Dates[i-1] {
			return r.Refuse("order", "decisions.dates", "%s does not come after %s", month, p.Month(p.Dates[i-1]))
		}
		p.Dates = append(p.Dates, at)
	}
	// Not to buy is always a choice.
	p.Counts = []int{0}
	if len(d.Counts) > maxCounts {
		return r.Refuse("farm-out-of-range", "decisions.counts", "want at most %d, got %d", maxCounts, len(d.Counts))
	}
	for _, n := range d.Counts {
		if n < 0 || n > maxMachines {
			return r.Refuse("negative", "decisions.counts", "want 0 to %d machines, got %d", maxMachines, n)
		}
		if n > 0 && !slices.Contains(p.Counts, n) {
			p.Counts = append(p.Counts, n)
		}
	}
	slices.Sort(p.Counts)
	for _, h := range d.Hold {
		ppm, ok := h.PPM()
		if !ok || ppm < 0 || ppm > int64(params.WholePPM) {
			return r.Refuse("farm-out-of-range", "decisions.hold", "want shares of 0 to 1, got %s", h)
		}
		if !slices.Contains(p.Hold, params.PPM(ppm)) {
			p.Hold = append(p.Hold, params.PPM(ppm))
		}
	}
	if len(p.Hold) == 0 {
		p.Hold = []params.PPM{0}
	}
	if len(p.Hold) > 6 {
		return r.Refuse("farm-out-of-range", "decisions.hold", "want at most 6 shares, got %d", len(p.Hold))
	}
	if p.Effort = 20_000; d.Effort != nil {
		p.Effort = *d.Effort
	}
	if p.Effort < 0 || p.Effort > 10_000_000 {
		return r.Refuse("negative", "decisions.effort", "want 0 to 10000000 nodes, got %d", p.Effort)
	}
	return nil
}

// loan takes the terms of a loan; a plan without the table buys with its own money. Its rate is a year's, its share
// that of each purchase.
func (r *parser) loan() error {
	l := r.Loan
	if l == nil {
		return nil
	}
	if s := l.Share.Float(); s < 0 || s > 1 {
		return r.Refuse("farm-out-of-range", "loan.share", "want 0 to 1, got %s", l.Share)
	}
	if v := l.Rate.Float(); v < 0 || v > 10 {
		return r.Refuse("farm-out-of-range", "loan.rate", "want 0 to 10, got %s", l.Rate)
	}
	if l.Months < 1 || l.Months > 600 {
		return r.Refuse("farm-out-of-range", "loan.months", "want 1 to 600, got %d", l.Months)
	}
	r.plan.Loan = &Loan{l.Share.Float(), finance.Rate(l.Rate.Nano), l.Months}
	return nil
}
