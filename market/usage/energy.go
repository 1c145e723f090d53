package usage

import (
	"math"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/aqsha/aqsha/market"
)

// Device is a mining machine on the market from a day on.
type Device struct {
	Name     string
	Released time.Time
	JTH      float64 // joules a terahash
}

// Devices reads a device list (form "devices").
func Devices(t *market.Table) ([]Device, error) {
	names, err := t.Text("device")
	if err != nil {
		return nil, err
	}
	efficiency, err := t.Column("efficiency_j_per_gh")
	if err != nil {
		return nil, err
	}
	var out []Device
	for i, name := range names {
		if v := efficiency.Values[i]; v > 0 && t.Times != nil {
			out = append(out, Device{name, t.Times[i], 1000 * v})
		}
	}
	if len(out) == 0 {
		return nil, market.Refuse("not-available", "device", "no device with an efficiency")
	}
	sort.SliceStable(out, func(a, b int) bool { return out[a].Released.Before(out[b].Released) })
	return out, nil
}

// Overheads are the assumptions of the estimate (Cambridge's method):
// electricity price, and power-usage effectiveness of the low, best and high case.
type Overheads struct {
	USDPerKWh float64 `json:"usd_per_kwh"`
	PUELow    float64 `json:"pue_low"`
	PUEBest   float64 `json:"pue_best"`
	PUEHigh   float64 `json:"pue_high"`
}

// CBECI are Cambridge's published assumptions.
var CBECI = Overheads{0.05, 1.01, 1.10, 1.20}

// maxUSDPerKWh is above every price of power that was ever asked.
const maxUSDPerKWh = 1000

// Check refuses a price of power or a usage effectiveness that cannot be. The comparisons are turned round for NaN.
func (o Overheads) Check() error {
	if !(o.USDPerKWh > 0 && o.USDPerKWh <= maxUSDPerKWh) {
		return market.Refuse("price", "usd_per_kwh", "%g is not an electricity price", o.USDPerKWh)
	}
	if !(o.PUELow >= 1 && o.PUELow <= o.PUEBest && o.PUEBest <= o.PUEHigh && o.PUEHigh <= 10) {
		return market.Refuse("choice", "pue", "want 1 to 10, the low case not above the best nor the best above the "+
			"high, got %g, %g and %g", o.PUELow, o.PUEBest, o.PUEHigh)
	}
	return nil
}

// Energy of one day, as annualised TWh, with the electricity cost of a coin.
type Energy struct {
	Day        string  `json:"day"`
	LowTWh     float64 `json:"low_twh"`
	BestTWh    float64 `json:"best_twh"`
	HighTWh    float64 `json:"high_twh"`
	LowUSD     float64 `json:"low_usd_per_coin"`
	BestUSD    float64 `json:"best_usd_per_coin"`
	HighUSD    float64 `json:"high_usd_per_coin"`
	Price      float64 `json:"price_usd"`
	Profitable int     `json:"profitable_devices"` // 0: none was; the last profitable ones are assumed
	// FleetUSD is the cost of a coin on an equal mix of all devices of the four
	// years before, whether or not they pay: it can lie above the price, which
	// the mean cost of devices that pay cannot while one does. 0: none released.
	FleetUSD float64 `json:"fleet_usd_per_coin"`
	// ListDays is how old the list's newest device is; beyond a year the figures
	// are extrapolated: newer machines need less, so they are too high.
	ListDays     int  `json:"list_age_days"`
	Extrapolated bool `json:"extrapolated"`
}

const (
	listYear   = 365 // days after its newest device from which on a list is stale
	fleetYears = 4   // that a machine runs
)

const smoothing = 14 // days over which Cambridge averages hash rate and revenue

// Estimate follows Cambridge: on each day, devices released by then whose
// electricity costs no more than they earn are profitable. The low case runs
// the network on the best of them, the high case on the worst, the best case
// on their equal mix. Columns: price_usd, hash_rate_ths, issuance_native,
// fees_native.
func Estimate(t *market.Table, devices []Device, o Overheads, from, to string) ([]Energy, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	var all []market.Series
	for _, name := range []string{"price_usd", "hash_rate_ths", "issuance_native", "fees_native"} {
		s, err := t.Series(name)
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	times, v := market.Align(all...)
	var out []Energy
	var last []float64
	for i, at := range times {
		day := at.Format(time.DateOnly)
		if i+1 < smoothing || (from != "" && day < from) || (to != "" && day > to) {
			continue
		}
		var hash, revenue, coins float64
		for j := i + 1 - smoothing; j <= i; j++ {
			hash += v[1][j] / smoothing
			coins += v[2][j] / smoothing
			revenue += (v[2][j] + v[3][j]) * v[0][j] / smoothing
		}
		if !(hash > 0) || !(coins > 0) {
			continue
		}
		found := profitable(devices, at, revenue/hash, o)
		n := len(found)
		if n == 0 {
			// No device pays on such a day: those of the last day that had some go on, as real ones do for a while.
			if found = last; found == nil {
				continue
			}
		}
		last = found
		e := caseOf(found, hash, coins, o)
		e.Day, e.Price, e.Profitable = day, v[0][i], n
		e.ListDays = max(0, int(at.Sub(devices[len(devices)-1].Released).Hours()/24))
		e.Extrapolated = e.ListDays > listYear
		if running := fleet(devices, at); running != nil {
			e.FleetUSD = caseOf(running, hash, coins, o).BestUSD
		}
		out = append(out, e)
	}
	if len(out) == 0 {
		return nil, market.Refuse("not-available", "energy",
			"no day between %q and %q has prices, hash rate and a device", from, to)
	}
	return out, nil
}

// profitable lists efficiencies (J/TH), ascending, of devices that pay for
// their electricity: revenue is in USD a day for one TH/s.
func profitable(devices []Device, at time.Time, revenue float64, o Overheads) []float64 {
	var out []float64
	for _, d := range devices {
		if d.Released.After(at) {
			break
		}
		if kwh := d.JTH * 86400 / 3.6e6; kwh*o.PUEBest*o.USDPerKWh <= revenue {
			out = append(out, d.JTH)
		}
	}
	sort.Float64s(out)
	return out
}

// fleet lists the efficiencies of devices released in the years before.
func fleet(devices []Device, at time.Time) []float64 {
	var out []float64
	for _, d := range devices {
		if !d.Released.After(at) && d.Released.After(at.AddDate(-fleetYears, 0, 0)) {
			out = append(out, d.JTH)
		}
	}
	sort.Float64s(out)
	return out
}

// caseOf is the network's consumption, annualised, and the electricity cost of a coin in its three cases. The first of
// efficiencies is the best and the last the worst, in J/TH; hash is the network's rate in TH/s and coins are those
// issued a day. The cost of a coin is a day's energy times the price of a kWh over the day's coins: TWh·10⁹ are kWh.
func caseOf(efficiencies []float64, hash, coins float64, o Overheads) Energy {
	mean := 0.0
	for _, v := range efficiencies {
		mean += v / float64(len(efficiencies))
	}
	// J/TH × TH/s = W; × 8,766 h = Wh a year of 365.25 days.
	twh := func(jth, pue float64) float64 { return jth * hash * pue * 8766 / 1e12 }
	cost := func(annual float64) float64 { return annual * 1e9 / 365.25 * o.USDPerKWh / coins }
	e := Energy{LowTWh: twh(efficiencies[0], o.PUELow), BestTWh: twh(mean, o.PUEBest),
		HighTWh: twh(efficiencies[len(efficiencies)-1], o.PUEHigh)}
	e.LowUSD, e.BestUSD, e.HighUSD = cost(e.LowTWh), cost(e.BestTWh), cost(e.HighTWh)
	return e
}

// CountryMonth is a country's part of the network's consumption in a month.
type CountryMonth struct {
	Month    string  `json:"month"`
	SharePct float64 `json:"share_percent"`
	TWh      float64 `json:"annualised_twh"`
}

// Country multiplies the monthly mean of annualised consumption by the share
// of hash rate that the mining map gives the country.
func Country(consumption market.Series, shares *market.Table, country string) ([]CountryMonth, error) {
	names, err := shares.Text("country")
	if err != nil {
		return nil, err
	}
	share, err := shares.Column("share_pct")
	if err != nil {
		return nil, err
	}
	sum, n := map[string]float64{}, map[string]float64{}
	for i, at := range consumption.Times {
		month := at.Format("2006-01")
		sum[month], n[month] = sum[month]+consumption.Values[i], n[month]+1
	}
	var out []CountryMonth
	for i, name := range names {
		if name != country {
			continue
		}
		month := shares.Times[i].Format("2006-01")
		// Months that one side lacks are left out: a share without consumption, or the other way round, is no number.
		if n[month] > 0 && !math.IsNaN(share.Values[i]) {
			out = append(out, CountryMonth{month, share.Values[i], share.Values[i] / 100 * sum[month] / n[month]})
		}
	}
	if len(out) == 0 {
		return nil, market.Refuse("not-available", "country",
			"no month in which both consumption and a share of %q are known", country)
	}
	return out, nil
}

// CheckCountry refuses a country that a folder's map of mining does not have: its part would be missing without a word
// that it was misspelt. A folder without a map is none to be checked against.
func CheckCountry(dir, country string) error {
	shares, err := market.ReadFile(filepath.Join(dir, "cbeci_country_share.csv"), market.ReadOptions{})
	if err != nil {
		return nil //nolint:nilerr // the study says which file is missing or cannot be read
	}
	names, err := shares.Text("country")
	if err != nil || slices.Contains(names, country) {
		return nil //nolint:nilerr // the same
	}
	slices.Sort(names)
	return market.Refuse("choice", "country", "%q is not one of %s", country, strings.Join(slices.Compact(names), ", "))
}
