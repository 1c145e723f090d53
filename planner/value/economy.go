package value

import (
	"context"
	"math"

	"github.com/aqsha/aqsha/params"
	"github.com/aqsha/aqsha/planner"
	"github.com/aqsha/aqsha/planner/paths"
)

// Shift multiplies inputs of a plan, for tornadoes and break-evens; the zero value is not a plan's own: see Same.
type Shift struct {
	Bitcoin, Power, Machines, Uptime, Dollar, Levy, Discount, Difficulty, Elasticity float64
}

// Same leaves everything as the plan has it.
var Same = Shift{1, 1, 1, 1, 1, 1, 1, 1, 1}

// Economy is everything that is the same for every machine.
type Economy struct {
	Plan   *planner.Plan
	Shift  Shift
	Prices *paths.Prices
	Paths  int
	Months int
	Years  int
	Year   []int // of a month, from the start

	Hash       []float64 // tenge a TH/s earns in a month of its time, before fees, by path and month
	Hashprices []float64 // dollars for a TH/s and day
	Coin       []float64 // tenge for a bitcoin, by path and month

	Dollar   []float64 // tenge, by month
	PerKWh   []float64 // tenge for a metered kWh in all
	Hours    []float64
	Discount []float64 // to the end of each month; [Months] is the end's own
	At       []float64 // discount to the start of each month
	TaxRate  []float64
	YearEnd  []float64 // discount at which a year's tax is paid
}

// DrawPrices imagines the plan's prices; they do not depend on any shift.
func DrawPrices(ctx context.Context, p *planner.Plan) (*paths.Prices, error) {
	switch p.PriceKind {
	case "fixed":
		return paths.Fixed(p.PriceUSD, p.Growth, p.Days()), nil
	case "replay":
		return paths.Replay(p.PriceUSD, p.History, p.Days()), nil
	}
	return p.Model.Simulate(ctx, p.PriceUSD, p.Growth, p.Days(), p.Paths, p.Seed)
}

// NewEconomy lets the network answer the prices, and lays out costs by month.
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

func (w *Economy) uptime() float64 {
	return min(1, float64(w.Plan.Uptime)/float64(params.WholePPM)*w.Shift.Uptime)
}

func (w *Economy) byMonth() error {
	p := w.Plan
	rate := math.Pow(1+p.Discount.Float()*w.Shift.Discount, 1.0/12)
	discount := 1.0
	for m := range p.Months {
		w.At = append(w.At, discount)
		discount /= rate
		w.Discount = append(w.Discount, discount)
		w.Dollar = append(w.Dollar, float64(p.USDKZT)/100*w.Shift.Dollar*math.Pow(1+p.Depreciation, float64(m)/12))
		tariff, err := p.Tariff(m)
		if err != nil {
			return err
		}
		levy, err := p.Laws[m].Levy.PerKWh(p.Source, tariff)
		if err != nil {
			return err
		}
		vat := 1 + float64(p.Laws[m].VAT)/1e6
		w.PerKWh = append(w.PerKWh,
			((float64(tariff)*w.Shift.Power+float64(p.GridFee+p.HostingFee))*vat+float64(levy)*w.Shift.Levy)/100)
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
