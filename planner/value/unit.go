package value

import (
	"context"

	"github.com/aqsha/aqsha/params"
	"github.com/aqsha/aqsha/planner"
	"github.com/aqsha/aqsha/planner/paths"
	"github.com/aqsha/aqsha/planner/power"
)

// Vector is one machine (or one farm) along every path. Vectors add up: the outcome of a farm before tax is the sum of
// its units, and its taxable profit too.
type Vector struct {
	PV  []float64 // present value of its cash before profit tax, tenge
	Tax []float64 // taxable profit, [path*years + year], tenge
}

// NewVector of zeros.
func (w *Economy) NewVector() Vector {
	return Vector{make([]float64, w.Paths), make([]float64, w.Paths*w.Years)}
}

// Coins is what coins mined in a month bring, for a share held: factors of their value on receipt. There is a factor
// for each month, because the law's quota changes. now + hold need not be 1: a sale has a cost.
type Coins struct {
	now  []float64 // cash now, discounted
	sale []float64 // share of the value lost to selling now: deductible
	hold []float64 // share kept
	keep float64   // of a kept coin at the end, after its sale
}

// CoinsHeld prepares a share of what need not be sold being kept to the end. The quota is sold at once in any case:
// what is held is a share of the rest.
func (w *Economy) CoinsHeld(held params.PPM) Coins {
	c := Coins{keep: 1 - float64(w.Plan.SaleCost)/1e6}
	for m := range w.Months {
		kept := float64(held) / 1e6 * (1 - float64(w.Plan.Laws[m].Quota)/1e6)
		c.hold = append(c.hold, kept)
		c.now = append(c.now, (1-kept)*c.keep*w.Discount[m])
		c.sale = append(c.sale, (1-kept)*(1-c.keep))
	}
	return c
}

// Life is when a machine runs: from a month, to before another. Months are from the plan's start.
type Life struct {
	Class    power.Class
	From, To int
	Resale   float64 // tenge at To (or the end)
	Value    float64 // tenge to be written off
	WriteOff [2]int  // months over which, from and to; may lie partly outside the plan
}

// costs are a machine's rate after the pool's fee, TH/s, and its power at the meter, kW.
func (w *Economy) costs(class power.Class) (ths, kW float64) {
	return float64(class.RateGHs) / 1000 * (1 - float64(w.Plan.PoolFee)/1e6),
		float64(class.MeterWatts(w.Plan.PUEMilli)) / 1000
}

// Unit is one machine's vector. A coin is income for tax when it is received, at that month's price; a held one brings
// its gain or loss on top at the plan's end. Time is paths × months.
func (w *Economy) Unit(ctx context.Context, l Life, coins Coins) (Vector, error) {
	v := w.NewVector()
	ths, kW := w.costs(l.Class)
	to := min(l.To, w.Months)
	energy := make([]float64, w.Months)
	for m := range energy {
		energy[m] = kW * w.Hours[m] * w.PerKWh[m]
	}
	fixedPV, fixedTax := w.fixedOf(l, to)
	last, end := w.Months-1, w.Discount[w.Months-1]
	err := paths.Each(ctx, w.Paths, func(from, until int) {
		for i := from; i < until; i++ {
			hash := w.Hash[i*w.Months : (i+1)*w.Months]
			coin := w.Coin[i*w.Months : (i+1)*w.Months]
			tax := v.Tax[i*w.Years : (i+1)*w.Years]
			copy(tax, fixedTax)
			final := w.Prices.Final[i] * w.Shift.Bitcoin * w.Dollar[last]
			pv, gains := fixedPV, 0.0
			for m := l.From; m < to; m++ {
				worth := ths * hash[m]
				cost := energy[m]
				if worth*coins.keep <= cost {
					continue // switched off
				}
				pv += worth*coins.now[m] - cost*w.Discount[m]
				tax[w.Year[m]] += worth*(1-coins.sale[m]) - cost
				if kept := coins.hold[m]; kept > 0 {
					sold := worth * kept * final / coin[m] * coins.keep
					pv += sold * end
					gains += sold - worth*kept
				}
			}
			tax[w.Years-1] += gains
			v.PV[i] = pv
		}
	})
	return v, err
}

// fixedOf is what does not depend on the path: resale and depreciation. A machine that would arrive after the end is
// not sold. What was written off before the start is none of the plan's profit.
func (w *Economy) fixedOf(l Life, to int) (pv float64, tax []float64) {
	tax = make([]float64, w.Years)
	if l.From < w.Months {
		at := max(0, to-1) // sold at the end of its last month
		pv += l.Resale * w.Discount[at]
		tax[w.Year[at]] += l.Resale
	}
	months := l.WriteOff[1] - l.WriteOff[0]
	if months <= 0 {
		return pv, tax
	}
	left := l.Value
	for m := l.WriteOff[0]; m < l.WriteOff[1]; m++ {
		part := l.Value / float64(months)
		left -= part
		if m < 0 {
			continue
		}
		if m >= to { // sold, at the plan's end at the latest: the rest is written off at once
			tax[w.Year[max(0, to-1)]] -= part + left
			break
		}
		tax[w.Year[m]] -= part
	}
	return pv, tax
}

// Bought is an offer's machine paid at a month: its life, and what it costs. Interest of a loan lowers the tax base of
// its years; what is paid back does not.
func (w *Economy) Bought(ctx context.Context, o planner.Offer, month int, coins Coins) (Vector, error) {
	price := o.PriceUSD * w.Dollar[month] * w.Shift.Machines
	from := month + o.Delivery
	life := Life{o.Class, from, w.Months, price * o.ResalePart, price, [2]int{from, from + o.Life}}
	v, err := w.Unit(ctx, life, coins)
	if err != nil {
		return v, err
	}
	pv, interest := w.payment(price, month)
	for i := range w.Paths {
		v.PV[i] -= pv
		for y, part := range interest {
			v.Tax[i*w.Years+y] -= part
		}
	}
	return v, nil
}

// payment is the present value of paying a price, part of it by the plan's loan, and the interest by year. What is
// still owed at the plan's end is repaid then. The own part is paid at the month's start, an instalment at the end of
// its month, the first one in the month of the purchase.
func (w *Economy) payment(price float64, month int) (pv float64, interest []float64) {
	interest = make([]float64, w.Years)
	loan := w.Plan.Loan
	if loan == nil || loan.Share == 0 {
		return price * w.At[month], interest
	}
	owed := price * loan.Share
	pv = (price - owed) * w.At[month]
	for m, flow := range Instalments(owed, loan, w.Months-month) {
		pv += flow.Pay * w.Discount[month+m]
		interest[w.Year[month+m]] += flow.Interest
	}
	return pv, interest
}

// Instalment of a loan at a month's end.
type Instalment struct{ Pay, Interest float64 }

// Instalments are equal; the last month that the plan has pays what is left. Each is owed·r·(1+r)ⁿ / ((1+r)ⁿ − 1) with
// r a twelfth of the year's rate; at no interest, an n-th of the loan.
func Instalments(owed float64, loan *planner.Loan, months int) []Instalment {
	rate := loan.Rate.Float() / 12
	pay := owed / float64(loan.Months)
	if rate > 0 {
		growth := 1.0
		for range loan.Months {
			growth *= 1 + rate
		}
		pay = owed * rate * growth / (growth - 1)
	}
	var out []Instalment
	for m := 0; m < min(loan.Months, months); m++ {
		due := owed * rate
		paid := pay
		if m == min(loan.Months, months)-1 {
			paid = owed + due
		}
		owed += due - paid
		out = append(out, Instalment{paid, due})
	}
	return out
}

// Kept is machines that there are, retired at a month (Never: they stay). Its price was paid before the plan: only what
// is left to write off counts.
func (w *Economy) Kept(ctx context.Context, o planner.Owned, retire int, coins Coins) (Vector, error) {
	to := w.Months
	if retire != planner.Never {
		to = retire
	}
	from := int(o.Bought - w.Plan.Start)
	return w.Unit(ctx, Life{o.Class, 0, to, float64(o.Resale) / 100, float64(o.PriceTiyn) / 100,
		[2]int{from, from + o.Life}}, coins)
}

// Fixed is the farm's costs that no machine brings. It is there with every choice, and the same on every path.
func (w *Economy) Fixed() Vector {
	v := w.NewVector()
	cost := float64(w.Plan.MonthlyCost) / 100
	for m := range w.Months {
		for i := range w.Paths {
			v.PV[i] -= cost * w.Discount[m]
			v.Tax[i*w.Years+w.Year[m]] -= cost
		}
	}
	return v
}
