package value

import (
	"context"

	"github.com/aqsha/aqsha/planner"
	"github.com/aqsha/aqsha/planner/paths"
)

// Holding is a number of machines with a life.
type Holding struct {
	Life
	Count float64
	Paid  int     // month in which they were bought; planner.Never: they were there
	Price float64 // of one, tenge
}

// Monthly is a farm's money month by month along every path, [path*months + month], in tenge. Income less Power is not
// Cash: purchases, loans, resale, fixed costs and tax are in Cash alone.
type Monthly struct {
	Cash      []float64 // after everything; its present value is the farm's
	Income    []float64 // what coins bring, when they bring it
	Power     []float64 // with levy
	Tax       []float64
	TaxProfit []float64 // [path*years + year]
}

// Monthly lays the money of holdings out by month: the same farm as the sum of its units, another way. extra, when
// there is one, adds to a path's cash and taxable profit before it is taxed. It runs for several paths at once.
func (w *Economy) Monthly(ctx context.Context, holdings []Holding, coins Coins,
	extra func(path int, cash, profit []float64)) (*Monthly, error) {
	n := w.Paths * w.Months
	f := &Monthly{make([]float64, n), make([]float64, n), make([]float64, n), make([]float64, n),
		make([]float64, w.Paths*w.Years)}
	cash, tax := w.certain(holdings)
	err := paths.Each(ctx, w.Paths, func(from, until int) {
		for i := from; i < until; i++ {
			w.monthsOf(f, i, holdings, coins, cash, tax)
			row, profit := f.Cash[i*w.Months:(i+1)*w.Months], f.TaxProfit[i*w.Years:(i+1)*w.Years]
			if extra != nil {
				extra(i, row, profit)
			}
			w.payTax(f, i, row, profit)
		}
	})
	return f, err
}

// certain is what no price changes: purchases, loans, resale, depreciation, fixed costs. It is computed once and copied
// into every path.
func (w *Economy) certain(holdings []Holding) (cash, tax []float64) {
	cash, tax = make([]float64, w.Months), make([]float64, w.Years)
	for m := range cash {
		cost := float64(w.Plan.MonthlyCost) / 100
		cash[m] -= cost
		tax[w.Year[m]] -= cost
	}
	for _, h := range holdings {
		to := min(h.To, w.Months)
		_, fixed := w.fixedOf(h.Life, to)
		for y, v := range fixed {
			tax[y] += h.Count * v
		}
		if h.From < w.Months {
			// At the end of the last month in which they run; what outlasts the plan is valued at its end.
			cash[max(0, to-1)] += h.Count * h.Resale
		}
		if h.Paid == planner.Never {
			continue
		}
		owed := 0.0
		if loan := w.Plan.Loan; loan != nil {
			owed = h.Price * loan.Share
			for m, flow := range Instalments(owed, loan, w.Months-h.Paid) {
				cash[h.Paid+m] -= h.Count * flow.Pay
				tax[w.Year[h.Paid+m]] -= h.Count * flow.Interest
			}
		}
		// Interest is a cost for tax, repayment is none: it pays for the machine, which is depreciated.
		cash[h.Paid] -= h.Count * (h.Price - owed)
	}
	return cash, tax
}

// monthsOf fills one path. A coin that is held is income at its value on receipt, for tax, and a gain or loss when it
// is sold at the end; for cash it is only the sale.
func (w *Economy) monthsOf(f *Monthly, i int, holdings []Holding, coins Coins, cash, tax []float64) {
	row := f.Cash[i*w.Months : (i+1)*w.Months]
	profit := f.TaxProfit[i*w.Years : (i+1)*w.Years]
	copy(row, cash)
	copy(profit, tax)
	last := w.Months - 1
	final := w.Prices.Final[i] * w.Shift.Bitcoin * w.Dollar[last]
	for _, h := range holdings {
		ths, kW := w.costs(h.Class)
		for m := h.From; m < min(h.To, w.Months); m++ {
			at := i*w.Months + m
			worth, cost := ths*w.Hash[at]*h.Count, kW*w.Hours[m]*w.PerKWh[m]*h.Count
			if worth*coins.keep <= cost {
				continue
			}
			now := worth * (1 - coins.hold[m]) * coins.keep
			kept := worth * coins.hold[m]
			sold := kept * final / w.Coin[at] * coins.keep
			f.Income[at] += now
			f.Income[i*w.Months+last] += sold
			f.Power[at] += cost
			row[m] += now - cost
			row[last] += sold
			profit[w.Year[m]] += worth - (worth-kept)*(1-coins.keep) - cost
			profit[w.Years-1] += sold - kept
		}
	}
}

// payTax takes each year's tax in its last month; a loss is carried forward. Taxed is what the sum of all years'
// profits so far exceeds its highest value before, so that a loss is made up for first; the rate is that of the month
// in which it is paid.
func (w *Economy) payTax(f *Monthly, i int, row, profit []float64) {
	total, most := 0.0, 0.0
	for m := range w.Months {
		if m+1 < w.Months && w.Year[m+1] == w.Year[m] {
			continue
		}
		total += profit[w.Year[m]]
		if total > most {
			due := (total - most) * w.TaxRate[m]
			most = total
			row[m] -= due
			f.Tax[i*w.Months+m] = due
		}
	}
}

// PresentValues of the cash, by path: purchases at a month's start, everything else at its end. Starts are
// what is paid at the start.
func (w *Economy) PresentValues(f *Monthly, starts []float64) []float64 {
	out := make([]float64, w.Paths)
	for i := range out {
		for m := range w.Months {
			out[i] += (f.Cash[i*w.Months+m]-starts[m])*w.Discount[m] + starts[m]*w.At[m]
		}
	}
	return out
}
