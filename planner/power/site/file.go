package site

import (
	"os"
	"slices"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/internal/strict"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/params"
	"github.com/aqsha/aqsha/planner/power"
	"github.com/aqsha/aqsha/planner/power/bid"
	"github.com/aqsha/aqsha/planner/power/dispatch"
)

// form is the file as it is written.
type form struct {
	Name         string         `toml:"name"`
	Day          string         `toml:"day"`
	Zone         string         `toml:"zone"`
	Source       string         `toml:"source"`
	PUE          strict.Decimal `toml:"pue"`
	LimitKW      int64          `toml:"limit_kw"`
	RampKW       int64          `toml:"ramp_kw"`
	MinRun       int            `toml:"min_run_hours"`
	MinRest      int            `toml:"min_rest_hours"`
	StartMinutes int64          `toml:"start_minutes"`
	Running      bool           `toml:"running"`
	GridFee      strict.Tenge   `toml:"grid_fee"`
	PoolFee      strict.Decimal `toml:"pool_fee"`
	SaleCost     strict.Decimal `toml:"sale_cost"`
	SoldShare    strict.Decimal `toml:"sold_share"`
	Bitcoin      strict.Tenge   `toml:"bitcoin_kzt"`
	Reward       strict.Decimal `toml:"block_reward_btc"`
	Difficulty   float64        `toml:"difficulty"`
	Machines     []machineForm  `toml:"machines"`
	Tariffs      []tariffForm   `toml:"tariff"`
	Limits       []limitForm    `toml:"limit"`
	Curtailments []limitForm    `toml:"curtailment"`
	Auction      *auctionForm   `toml:"auction"`
}

type machineForm struct {
	Model   string         `toml:"model"`
	Count   int            `toml:"count"`
	RateTHs strict.Decimal `toml:"rate_ths"`
	Watts   int64          `toml:"watts"`
}

type tariffForm struct {
	From  string       `toml:"from"`
	Zone  string       `toml:"zone"`
	Hours string       `toml:"hours"`
	Price strict.Tenge `toml:"price"`
}

type limitForm struct {
	Hours string `toml:"hours"`
	KW    int64  `toml:"kw"`
}

type auctionForm struct {
	Floor    strict.Tenge `toml:"floor"`
	Cap      strict.Tenge `toml:"cap"`
	Window   int          `toml:"window_days"`
	HalfLife float64      `toml:"half_life_days"`
}

// Auction is how the site bids.
type Auction struct {
	Limits     bid.Limits
	WindowDays int
	HalfLife   float64 // days; 0: every past day counts alike
}

// Site is a checked power file. LimitWatts and Called are by the hour of the day, 0 to 23; Auction is nil where the
// site does not bid; Running says that all machines run as the day begins, and have for longer than any rule asks, or
// none does.
type Site struct {
	Name       string
	Day        params.Date
	Zone       string
	Terms      power.Terms
	Classes    []power.Class // cheapest J/TH first as the file has them or not
	Rules      dispatch.Rules
	LimitWatts [24]int64
	Called     [24]bool // hours of a curtailment that was known before the day
	Tariffs    []power.Tariff
	Auction    *Auction
	Running    bool
	Facts      []FactUsed
}

// FactUsed is a dated parameter that the site's day took.
type FactUsed struct {
	Name   string      `json:"name"`
	From   params.Date `json:"from"`
	Source string      `json:"source"`
}

// Read reads a power file.
func Read(path string) (*Site, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > strict.MaxBytes {
		return nil, farm.Refuse("too-long", path, "%s: longer than %d bytes", path, strict.MaxBytes)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return Parse(path, string(text))
}

// Parse checks a power file's text. The order of the steps is a dependency: terms are of the day, tariffs of the zone.
// The error is the first problem, a *strict.Problem with key and line.
func Parse(name, text string) (*Site, error) {
	var f form
	file, err := strict.Decode(name, text, &f)
	if err != nil {
		return nil, err
	}
	s := &Site{Name: f.Name, Zone: f.Zone, Running: f.Running}
	for _, step := range []func(*strict.File, *form) error{s.readDay, s.readTerms, s.readMachines, s.readLimits,
		s.readTariffs, s.readAuction} {
		if err := step(file, &f); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// readDay takes day and zone. The day must be one for which the auction's rules are known: all else is looked up by
// it.
func (s *Site) readDay(file *strict.File, f *form) error {
	day, err := params.ParseDate(f.Day)
	if err != nil {
		return file.Refuse("date", "day", "%v", err)
	}
	s.Day = day
	if _, err := take(s, params.MiningPowerAuction); err != nil {
		return file.Refuse("date", "day", "%v", err)
	}
	return knownZone(file, "zone", f.Zone, day)
}

// knownZone refuses a zone that the grid does not have.
func knownZone(file *strict.File, key, zone string, day params.Date) error {
	auction, err := params.MiningPowerAuction.At(day)
	if err != nil || !slices.Contains(auction.Value.Zones, zone) {
		return file.Refuse("zone", key, "%q is not one of %v", zone, auction.Value.Zones)
	}
	return nil
}

// take looks up a dated fact and remembers that it was used.
func take[T any](s *Site, series params.Series[T]) (T, error) {
	fact, err := series.At(s.Day)
	if err == nil {
		s.Facts = append(s.Facts, FactUsed{series.Name, fact.From, fact.Source})
	}
	return fact.Value, err
}

// readTerms takes the law of the day and the file's own terms. A share sold below the legal quota is refused. Power of
// one's own has no VAT.
func (s *Site) readTerms(file *strict.File, f *form) error {
	levy, err1 := take(s, params.MiningLevies)
	vat, err2 := take(s, params.ValueAddedTax)
	quota, err3 := take(s, params.MiningSaleQuota)
	for _, err := range []error{err1, err2, err3} {
		if err != nil {
			return file.Refuse("date", "day", "%v", err)
		}
	}
	for _, share := range []struct {
		key string
		v   strict.Decimal
	}{{"pool_fee", f.PoolFee}, {"sale_cost", f.SaleCost}, {"sold_share", f.SoldShare}} {
		if _, ok := share.v.PPM(); !ok || share.v.Nano < 0 || share.v.Float() > 1 {
			return file.Refuse("farm-out-of-range", share.key, "want 0 to 1 with at most six decimals, got %s", share.v)
		}
	}
	pue, ok := f.PUE.Milli()
	if !ok || pue < 1000 || pue > 3000 {
		return file.Refuse("farm-out-of-range", "pue", "want 1 to 3 with at most three decimals, got %s", f.PUE)
	}
	if f.Bitcoin.Tiyn <= 0 {
		return file.Refuse("farm-out-of-range", "bitcoin_kzt", "want a price above 0, got %s", f.Bitcoin.Tiyn)
	}
	if f.GridFee.Tiyn < 0 || f.GridFee.Tiyn > power.MaxPrice {
		return file.Refuse("negative", "grid_fee", "want 0 to %s, got %s", power.MaxPrice, f.GridFee.Tiyn)
	}
	if f.Source == string(params.PowerOwn) || f.Source == string(params.PowerOwnRenewable) {
		vat = 0 // nobody sells it
	}
	hashprice, err := farm.HashpriceOf(money.Satoshi(f.Reward.Nano/10), f.Difficulty)
	if err != nil {
		return file.Refuse("farm-out-of-range",
			map[bool]string{true: "difficulty", false: "block_reward_btc"}[f.Reward.Nano > 0], "%v", err)
	}
	pool, _ := f.PoolFee.PPM()
	cost, _ := f.SaleCost.PPM()
	s.Terms = power.Terms{Hashprice: hashprice, Bitcoin: f.Bitcoin.Tiyn, PoolFee: params.PPM(pool), Sold: quota,
		SaleCost: params.PPM(cost),
		PUEMilli: pue, Source: params.PowerSource(f.Source), Levy: levy, VAT: vat, GridFee: f.GridFee.Tiyn}
	if f.SoldShare.Set {
		sold, _ := f.SoldShare.PPM()
		if s.Terms.Sold = params.PPM(sold); s.Terms.Sold < quota {
			return file.Refuse("quota", "sold_share", "at least %d ppm of the coins must be sold on %s, got %d", quota,
				s.Day, sold)
		}
	}
	if _, err := levy.PerKWh(s.Terms.Source, 100*money.Tenge); err != nil {
		return file.Refuse("source", "source", "%v", err)
	}
	return nil
}
