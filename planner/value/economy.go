package value

import (
	"context"
	"math"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/params"
	"github.com/aqsha/aqsha/planner"
	"github.com/aqsha/aqsha/planner/paths"
)

// Shift multiplies inputs of a plan, for tornadoes and break-evens; the zero value is not a plan's own: see Same.
// Uptime is capped at the whole time; every other one is a plain factor.
type Shift struct {
	Bitcoin, Power, Machines, Uptime, Dollar, Levy, Discount, Difficulty, Elasticity float64
}

// Same leaves everything as the plan has it.
var Same = Shift{1, 1, 1, 1, 1, 1, 1, 1, 1}

// Economy is everything that is the same for every machine. Slices by path and month are laid out as [path*Months +
// month]. It is computed once and then only read, by all units together.
type Economy struct {
	Plan   *planner.Plan
	Shift  Shift
	Prices *paths.Prices
	Paths  int
	Months int
	Years  int
	Year   []int // of a month: 0 for the calendar year in which the plan starts

	Hash       []float64 // tenge a TH/s earns in a month of its time, before fees, by path and month
	Hashprices []float64 // dollars for a TH/s and day
	Coin       []float64 // tenge for a bitcoin, by path and month

	Dollar   []float64 // tenge, by month
	PerKWh   []float64 // tenge for a metered kWh in all
	Hours    []float64
	Discount []float64 // from the end of each month to the start; the last one is of the plan's end
	At       []float64 // from the start of each month
	TaxRate  []float64
	YearEnd  []float64 // discount at which a year's tax is paid
}

// DrawPrices imagines the plan's prices; they do not depend on any shift. So one drawing serves every shift, and shifts
// are compared on the same paths.
func DrawPrices(ctx context.Context, p *planner.Plan) (*paths.Prices, error) {
	switch p.PriceKind {
	case "fixed":
		return paths.Fixed(p.PriceUSD, p.Growth, p.Days()), nil
	case "replay":
		return paths.Replay(p.PriceUSD, p.History, p.Days()), nil
	}
	return p.Model.Simulate(ctx, p.PriceUSD, p.Growth, p.Days(), p.Paths, p.Seed)
}

// NewEconomy lets the network answer the prices, and lays out costs by month. The prices are only read. A shift of an
// input moves it on the same futures, so that differences are the input's.
func NewEconomy(ctx context.Context, p *planner.Plan, prices *paths.Prices, shift Shift) (*Economy, error) {
	w := &Economy{Plan: p, Shift: shift, Prices: prices, Paths: prices.Paths, Months: p.Months}
	if err := w.byMonth(); err != nil {
		return nil, err
	}
	network := p.Network
	network.Difficulty *= shift.Difficulty
	network.Elasticity *= shift.Elasticity
	hashprices, err := network.Hashprices(ctx, prices, shift.Bitcoin)
	if err != nil {
		return nil, err
	}
	w.Hashprices = hashprices
	w.Hash, w.Coin = make([]float64, len(hashprices)), make([]float64, len(hashprices))
	days := p.Days()
	for i := range w.Paths {
		for m := range w.Months {
			at := i*w.Months + m
			w.Hash[at] = hashprices[at] * w.Dollar[m] * float64(days[m]) * w.uptime()
			w.Coin[at] = prices.Mean[at] * shift.Bitcoin * w.Dollar[m]
		}
	}
	return w, nil
}

// uptime is the share of a month in which machines run, after the shift.
func (w *Economy) uptime() float64 {
	return min(1, float64(w.Plan.Uptime)/float64(params.WholePPM)*w.Shift.Uptime)
}

// tiyn is a price as a float, the same number for whole tiyn as if it had been counted in them: results computed before
// prices had parts of one come out the same.
func tiyn(m farm.MicroTiyn) float64 { return float64(m) / 1e6 }

// byMonth lays out what is the same on every path. The discount of a month is (1+r)^(1/12), a year's is the rate
// itself; the dollar rises by the twelfth root of its year as well. VAT is paid on power and fees, not on the levy.
func (w *Economy) byMonth() error {
	p := w.Plan
	rate := math.Pow(1+p.Discount.Float()*w.Shift.Discount, 1.0/12)
	discount := 1.0
	for m := range p.Months { // each with the law of its first day
		w.At = append(w.At, discount)
		discount /= rate
		w.Discount = append(w.Discount, discount)
		w.Dollar = append(w.Dollar, float64(p.USDKZT)/100*w.Shift.Dollar*math.Pow(1+p.Depreciation, float64(m)/12))
		tariff, err := p.Tariff(m)
		if err != nil {
			return err
		}
		levy, err := p.Laws[m].LevyOf(p.Source, tariff)
		if err != nil {
			return err
		}
		vat := 1 + float64(p.Laws[m].VAT)/1e6
		w.PerKWh = append(w.PerKWh,
			((tiyn(tariff)*w.Shift.Power+tiyn(p.GridFee+p.HostingFee))*vat+tiyn(levy)*w.Shift.Levy)/100)
		w.Hours = append(w.Hours, float64(24*p.Month(m).Days())*w.uptime())
		w.TaxRate = append(w.TaxRate, float64(p.Laws[m].Tax)/1e6)
		year := p.Month(m).Year() - p.Start.Year()
		w.Year = append(w.Year, year)
		w.Years = year + 1
	}
	w.YearEnd = make([]float64, w.Years)
	for m, y := range w.Year {
		w.YearEnd[y] = w.Discount[m] // the last month of the year, or of the plan
	}
	return nil
}
