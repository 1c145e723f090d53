package daily

import (
	"fmt"
	"io"
	"math/big"
	"strconv"

	"github.com/aqsha/aqsha/farm"
)

// petahashes prints work in PH with one decimal.
func petahashes(t farm.Total) string {
	tenths := new(big.Int).Quo(t.Big(), big.NewInt(100_000_000_000_000))
	f, _ := new(big.Float).SetInt(tenths).Float64()
	return strconv.FormatFloat(f/10, 'f', 1, 64)
}

func percent(ppm int64) string {
	if ppm == -1 {
		return "n/a"
	}
	return strconv.FormatFloat(float64(ppm)/10_000, 'f', 2, 64) + " %"
}

// joules prints mJ/TH as J/TH.
func joules(milli int64) string {
	if milli < 0 {
		return "n/a"
	}
	return strconv.FormatFloat(float64(milli)/1000, 'f', 1, 64)
}

// Print writes the month for a terminal.
func (r *Month) Print(w io.Writer, tabs func(w io.Writer, write func(tab io.Writer)), clean func(string) string) {
	fmt.Fprintf(w, "%s, %s, %d machines (%s)\n", clean(r.Farm), r.Month, r.Machines, clean(r.Selector))
	if r.Simulated > 0 {
		fmt.Fprintf(w, "%d of them are SIMULATED.\n", r.Simulated)
	}
	if r.Until != nil {
		fmt.Fprintf(w, "The month is not over: until %s.\n", r.Until.Format("2 Jan 15:04 -07:00"))
	}
	c := r.Whole.Coefficients
	fmt.Fprintf(w, "K_ext %s, K_int %s = speed %s · delivery %s, together %s; %s J/TH, efficiency %s\n",
		percent(c.Extensive), percent(c.Intensive), percent(c.Speed), percent(c.Delivery), percent(c.Integral),
		joules(c.MilliJTH), percent(c.Efficiency))
	fmt.Fprintf(w, "accepted %s (%s), lost %s (%s)\n", r.Whole.Earned.Format(), r.Whole.EarnedTiyn.Format(),
		r.Whole.Lost.Format(), r.Whole.LostTiyn.Format())
	if r.Unpriced > 0 {
		fmt.Fprintf(w, "%d machine-hours have no price: their work is counted at 0.\n", r.Unpriced)
	}
	fmt.Fprintln(w)
	if r.By == ByCause {
		tabs(w, func(tab io.Writer) {
			fmt.Fprintln(tab, "CAUSE\tPH\tOF NAMEPLATE\tTOGETHER\tTENGE\tGAIN WITHOUT IT, TENGE")
			for _, row := range r.Pareto {
				together := percent(row.Cumulative)
				// Luck and gains have a line and no share in the sum: neither is a loss that somebody could mend.
				if !counts(row.Cause) {
					together = ""
				}
				fmt.Fprintf(tab, "%s\t%s\t%s\t%s\t%s\t%s\n", row.Cause, petahashes(row.Work), percent(row.PPM),
					together, row.Tiyn.Format(), row.GainTiyn.Format())
			}
		})
	} else {
		tabs(w, func(tab io.Writer) {
			fmt.Fprintln(tab, "NAME\tMACHINES\tK_EXT\tK_SPEED\tK_DELIVERY\tK\tJ/TH\tACCEPTED, TENGE\tLOST, TENGE")
			for _, row := range append(r.Rows, r.Whole) {
				k := row.Coefficients
				fmt.Fprintf(tab, "%s\t%d\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", clean(row.Name), row.Machines,
					percent(k.Extensive), percent(k.Speed), percent(k.Delivery), percent(k.Integral),
					joules(k.MilliJTH), row.EarnedTiyn.Format(), row.LostTiyn.Format())
			}
		})
	}
	r.printEnergy(w, tabs, clean)
}

func (r *Month) printEnergy(w io.Writer, tabs func(w io.Writer, write func(tab io.Writer)), clean func(string) string) {
	fmt.Fprintln(w)
	tabs(w, func(tab io.Writer) {
		fmt.Fprintln(tab, "ENERGY, kWh\tBY MACHINES\tBY METER\tBY NAMEPLATE\tOVERHEAD\tMETER")
		for _, e := range r.Energy {
			overhead, meter := "", "none"
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
