package daily

import (
	"fmt"
	"io"
	"math/big"
	"strconv"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/words"
)

// petahashes prints work in PH with one decimal.
func petahashes(t farm.Total) string {
	tenths := new(big.Int).Quo(t.Big(), big.NewInt(100_000_000_000_000))
	f, _ := new(big.Float).SetInt(tenths).Float64()
	return strconv.FormatFloat(f/10, 'f', 1, 64)
}

func percent(l words.Language, ppm int64) string {
	if ppm == -1 {
		return l.Text("farm-month.not-available")
	}
	return strconv.FormatFloat(float64(ppm)/10_000, 'f', 2, 64) + " %"
}

// joules prints mJ/TH as J/TH.
func joules(l words.Language, milli int64) string {
	if milli < 0 {
		return l.Text("farm-month.not-available")
	}
	return strconv.FormatFloat(float64(milli)/1000, 'f', 1, 64)
}

// Print writes the month for a terminal, in a language.
func (r *Month) Print(w io.Writer, l words.Language, tabs func(w io.Writer, write func(tab io.Writer)),
	clean func(string) string) {
	said := func(key string, pairs ...any) { fmt.Fprintln(w, l.Text("farm-month."+key, pairs...)) }
	said("head", "farm", clean(r.Farm), "month", r.Month, "count", r.Machines, "machines", clean(r.Selector))
	if r.Simulated > 0 {
		said("simulated", "count", r.Simulated)
	}
	if r.Until != nil {
		until := r.Until.Format("02.01 15:04 -07:00")
		if l == words.English {
			until = r.Until.Format("2 Jan 15:04 -07:00")
		}
		said("until", "at", until)
	}
	// The coefficients first: they say at once how far the farm is from what it could have done.
	c := r.Whole.Coefficients
	said("coefficients", "ext", percent(l, c.Extensive), "int", percent(l, c.Intensive), "speed", percent(l, c.Speed),
		"delivery", percent(l, c.Delivery), "all", percent(l, c.Integral), "joules", joules(l, c.MilliJTH),
		"efficiency", percent(l, c.Efficiency))
	said("sums", "earned", r.Whole.Earned.Format(), "earned_tenge", r.Whole.EarnedTiyn.Format(), "lost",
		r.Whole.Lost.Format(), "lost_tenge", r.Whole.LostTiyn.Format())
	if r.Unpriced > 0 {
		said("unpriced", "count", r.Unpriced)
	}
	fmt.Fprintln(w)
	tabs(w, func(tab io.Writer) {
		if r.By == ByCause {
			r.printCauses(tab, l)
		} else {
			r.printRows(tab, l, clean)
		}
	})
	r.printEnergy(w, l, tabs, clean)
}

// printCauses writes the causes of lost work.
func (r *Month) printCauses(tab io.Writer, l words.Language) {
	fmt.Fprintln(tab, l.Text("farm-month.cause-columns"))
	for _, row := range r.Pareto {
		together := percent(l, row.Cumulative)
		// Luck and gains have a line and no share in the sum: neither is a loss that somebody could mend.
		if !counts(row.Cause) {
			together = ""
		}
		fmt.Fprintf(tab, "%s\t%s\t%s\t%s\t%s\t%s\n", causeText(l, row.Cause), petahashes(row.Work),
			percent(l, row.PPM), together, row.Tiyn.Format(), row.GainTiyn.Format())
	}
}

// printRows writes the groups, and the whole last.
func (r *Month) printRows(tab io.Writer, l words.Language, clean func(string) string) {
	fmt.Fprintln(tab, l.Text("farm-month.columns"))
	for _, row := range append(r.Rows, r.Whole) {
		k := row.Coefficients
		fmt.Fprintf(tab, "%s\t%d\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", clean(row.Name), row.Machines,
			percent(l, k.Extensive), percent(l, k.Speed), percent(l, k.Delivery), percent(l, k.Integral),
			joules(l, k.MilliJTH), row.EarnedTiyn.Format(), row.LostTiyn.Format())
	}
}

// printEnergy writes what each site used, by what it is known.
func (r *Month) printEnergy(w io.Writer, l words.Language, tabs func(w io.Writer, write func(tab io.Writer)),
	clean func(string) string) {
	fmt.Fprintln(w)
	tabs(w, func(tab io.Writer) {
		fmt.Fprintln(tab, l.Text("farm-month.energy-columns"))
		for _, e := range r.Energy {
			overhead, meter := "", l.Text("farm-month.no-meter")
			if e.Metered >= 0 {
				overhead, meter = kilowattHours(e.Overhead), kilowattHours(e.Metered)
			}
			fmt.Fprintf(tab, "%s\t%s\t%s\t%s\t%s\t%s\n", clean(e.Site), kilowattHours(e.ByMachine),
				kilowattHours(e.ByMeter), kilowattHours(e.ByNameplate), overhead, meter)
		}
	})
}

func kilowattHours(wattHours int64) string {
	return strconv.FormatFloat(float64(wattHours)/1000, 'f', 0, 64)
}
