package paths

import (
	"context"
	"math"
)

// Network is how the world's miners answer the price.
type Network struct {
	Difficulty  float64 // now
	FeesBTC     float64 // mean fees of a block
	Lag         int     // months from order to hashing
	Elasticity  float64 // of monthly orders to ln(hashprice / cost of entry)
	MaxGrowth   float64 // most that can be added in a month, as a share of what is there
	Attrition   float64 // share that wears out in a month
	EntryUSD    float64 // price of a new TH/s
	EntryJTH    float64
	EntryPower  float64 // entrants' price of a kWh, dollars
	EntryReturn float64 // a year, that entrants want
	EntryMonths float64 // in which they want their money back
	Improvement float64 // a year, by which new machines get cheaper and more frugal
	MedianOpex  float64 // dollars of power for a TH/s and day, of the median machine that is there
	SubsidyBTC  []float64
	PUE         float64
}

// Defaults are a network near that of 2026; every one can be set in a plan.
var Defaults = Network{Difficulty: 150e12, FeesBTC: 0.02, Lag: 4, Elasticity: 0.15, MaxGrowth: 0.06, Attrition: 0.012,
	EntryUSD: 15, EntryJTH: 15, EntryPower: 0.055, EntryReturn: 0.15, EntryMonths: 48, Improvement: 0.12,
	MedianOpex: 0.030, PUE: 1.05}

// hashesPerDifficulty is 2^48/65535: what a share of difficulty 1 takes on average.
const hashesPerDifficulty = float64(1<<48) / 65535

// Entry is the cost of entry and its running part in a month: dollars for a TH/s and day. The price of a TH/s is spread
// as an annuity over EntryMonths; a J/TH is 0.024 kWh for a TH/s and day.
func (n *Network) Entry(month int) (cost, opex float64) {
	better := math.Pow(1-n.Improvement, float64(month)/12)
	opex = n.EntryJTH * better * 0.024 * n.EntryPower * n.PUE
	rate := math.Pow(1+n.EntryReturn, 1.0/12) - 1
	annuity := 1 / n.EntryMonths
	if rate > 0 {
		annuity = rate / (1 - math.Pow(1+rate, -n.EntryMonths))
	}
	return n.EntryUSD*better*annuity*12/365 + opex, opex
}

// Hashprices are dollars for a TH/s and day, month by month, in answer to prices multiplied by scale. They are laid out
// as the prices are: [path*Months + month]. A lag of less than a month counts as one.
func (n *Network) Hashprices(ctx context.Context, p *Prices, scale float64) ([]float64, error) {
	out := make([]float64, len(p.Mean))
	entry, opex := make([]float64, p.Months), make([]float64, p.Months)
	for m := range entry {
		entry[m], opex[m] = n.Entry(m)
	}
	lag := max(1, n.Lag)
	err := Each(ctx, p.Paths, func(from, to int) {
		orders := make([]float64, lag)
		for i := from; i < to; i++ {
			n.answer(p.Mean[i*p.Months:(i+1)*p.Months], scale, entry, opex, orders, out[i*p.Months:(i+1)*p.Months])
		}
	})
	return out, err
}

// answer runs the network along one path of prices. Orders is a ring: what is ordered in a month runs as many months
// later as the ring is long. Worn machines are of all kinds alike, so that only arrivals move the median.
func (n *Network) answer(prices []float64, scale float64, entry, opex, orders, out []float64) {
	running := n.Difficulty * hashesPerDifficulty / 600 / 1e12 // TH/s
	median := n.MedianOpex
	// What is there now runs at today's price (unscaled: a shock to the price comes after today).
	x := prices[0] * (n.SubsidyBTC[0] + n.FeesBTC) * 144 / running
	installed := running * (1 + pow4(median/x))
	for i := range orders {
		orders[i] = n.Attrition * installed // what was ordered before replaces what wears out
	}
	for m := range prices {
		revenue := prices[m] * scale * (n.SubsidyBTC[m] + n.FeesBTC) * 144
		x = clearing(revenue/installed, median)
		out[m] = x
		rate := min(n.MaxGrowth, max(0, n.Attrition+n.Elasticity*math.Log(x/entry[m])))
		slot := m % len(orders)
		arriving := orders[slot]
		orders[slot] = rate * installed
		installed = installed*(1-n.Attrition) + arriving
		share := arriving / installed
		median += share * (opex[m] - median)
	}
}

// clearing is the hashprice x at which those run whose power costs less: of the installed machines the share
// 1/(1+(median/x)^4) does, so that x = ρ·(1+(median/x)^4) with ρ the revenue if all ran. Newton from the right of x⁵ −
// ρx⁴ − ρ·median⁴, which is convex there. From there every step goes left and none passes the root, so that the first
// step that does not is rounding.
func clearing(rho, median float64) float64 {
	c := rho * pow4(median)
	x := rho + median
	for range 60 {
		x3 := x * x * x
		next := x - (x3*x*(x-rho)-c)/(x3*(5*x-4*rho))
		if !(x-next > 1e-12*x) {
			return next
		}
		x = next
	}
	return x
}

func pow4(v float64) float64 { return v * v * v * v }
