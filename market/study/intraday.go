package study

import (
	"fmt"
	"io"
	"math"
	"text/tabwriter"

	"github.com/aqsha/aqsha/market/realised"
	"github.com/aqsha/aqsha/market/stats"
)

// Intraday is what the returns inside days say: volatility, jumps, and a
// realised GARCH of the days.
type Intraday struct {
	Origin Origin          `json:"origin"`
	Level  float64         `json:"level"`
	Days   []realised.Day  `json:"days"`
	Short  int             `json:"short_days"` // left out
	Jumps  []realised.Day  `json:"jumps"`
	Share  float64         `json:"jump_share"`    // of all variance
	RV     float64         `json:"volatility_rv"` // percent a year, of the mean day
	BV     float64         `json:"volatility_bv"`
	MedRV  float64         `json:"volatility_med_rv"`
	TSRV   float64         `json:"volatility_tsrv"`
	Kernel float64         `json:"volatility_kernel"`
	Down   float64         `json:"down_share"`     // of variance, from falls
	Model  *realised.Garch `json:"realised_garch"` // null: fewer than 100 days, or a day without movement
	Note   string          `json:"note,omitempty"`
}

// StudyIntraday needs a file with at least ten prices a day.
func StudyIntraday(in Input, level float64) (Intraday, error) {
	p, err := in.prepare()
	if err != nil {
		return Intraday{}, err
	}
	out := Intraday{Origin: p.origin, Level: level}
	if out.Days, out.Short, err = realised.Days(p.prices.Times, p.prices.Values, level); err != nil {
		return Intraday{}, err
	}
	var r, rv, bv, med, ts, kernel []float64
	jumps, whole, down := 0.0, 0.0, 0.0
	for _, d := range out.Days {
		r, rv, bv = append(r, d.Return), append(rv, d.RV), append(bv, d.BV)
		med, ts, kernel = append(med, d.MedRV), append(ts, d.TSRV), append(kernel, d.Kernel)
		whole, jumps, down = whole+d.RV, jumps+d.Jump, down+d.Down
		if d.Jump > 0 {
			out.Jumps = append(out.Jumps, d)
		}
	}
	if whole > 0 {
		out.Share, out.Down = jumps/whole, down/whole
	}
	year := func(x []float64) float64 { return math.Sqrt(365 * stats.Mean(x)) }
	out.RV, out.BV, out.MedRV, out.TSRV, out.Kernel = year(rv), year(bv), year(med), year(ts), year(kernel)
	if out.Model, err = realised.Estimate(r, rv); err != nil {
		out.Note = "realised GARCH: " + err.Error()
	}
	return out, nil
}

// Print writes the study for a terminal.
func (s Intraday) Print(w io.Writer) {
	fmt.Fprintln(w, s.Origin.Describe())
	fmt.Fprintf(w, "%d days measured, %d left out for want of prices\n", len(s.Days), s.Short)
	fmt.Fprintf(w,
		"volatility of the mean day, percent a year: realised %.2f, bipower %.2f, median %.2f, two-scale %.2f, "+
			"kernel %.2f; %.1f %% of variance from falls\n", s.RV, s.BV, s.MedRV, s.TSRV, s.Kernel, 100*s.Down)
	// Beside what chance alone would give at this level: a count without it always looks like much.
	fmt.Fprintf(w, "days with a jump at %g: %d of %d (%.0f expected by chance), %.2f %% of all variance\n", s.Level,
		len(s.Jumps), len(s.Days), s.Level*float64(len(s.Days)), 100*s.Share)
	tab := tabwriter.NewWriter(w, 2, 0, 2, ' ', tabwriter.AlignRight)
	for i, d := range s.Jumps {
		if i == 10 {
			fmt.Fprintf(tab, "  and %d more (--json)\t\n", len(s.Jumps)-i)
			break
		}
		fmt.Fprintf(tab, "  %s\treturn %.2f %%\tz %.2f\tjump %.1f %% of the day's variance\t\n", d.Day, d.Return, d.Z,
			100*d.Jump/d.RV)
	}
	tab.Flush()
	if s.Model == nil {
		fmt.Fprintln(w, s.Note)
		return
	}
	fmt.Fprintf(w,
		"realised GARCH(1,1), log-linear: log-likelihood %.4f (returns alone %.4f), persistence %.4f, next day %.2f %% a year, converged %t\n",
		s.Model.LogLik, s.Model.ReturnsOnly, s.Model.Persistence, math.Sqrt(365*s.Model.Next), s.Model.Converged)
	for _, name := range realised.Names {
		spread := "–" // no errors where the Hessian is not definite
		if se, ok := s.Model.Errors[name]; ok {
			spread = fmt.Sprintf("± %.5f", se)
		}
		fmt.Fprintf(tab, "  %s\t%.5f\t%s\t\n", name, s.Model.Parameters[name], spread)
	}
	tab.Flush()
}
