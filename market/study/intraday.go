package study

import (
	"fmt"
	"io"
	"math"
	"text/tabwriter"

	"github.com/aqsha/aqsha/market/realised"
	"github.com/aqsha/aqsha/market/stats"
	"github.com/aqsha/aqsha/words"
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
	Note   words.Said      `json:"note,omitzero"`
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
		out.Note = words.Say("study.intraday-no-model", "why", err)
	}
	return out, nil
}

// Print writes the study for a terminal.
func (s Intraday) Print(w io.Writer, l words.Language) {
	fmt.Fprintln(w, s.Origin.Describe(l))
	two := func(v float64) string { return fmt.Sprintf("%.2f", v) }
	fmt.Fprintln(w, l.Count("study.intraday-days", len(s.Days), "short", s.Short))
	fmt.Fprintln(w, l.Text("study.intraday-vol", "rv", two(s.RV), "bv", two(s.BV), "med", two(s.MedRV), "ts",
		two(s.TSRV), "kernel", two(s.Kernel), "down", fmt.Sprintf("%.1f", 100*s.Down)))
	// Beside what chance alone would give at this level: a count without it always looks like much.
	fmt.Fprintln(w, l.Text("study.intraday-jumps", "level", fmt.Sprintf("%g", s.Level), "jumps", len(s.Jumps), "days",
		len(s.Days), "chance", fmt.Sprintf("%.0f", s.Level*float64(len(s.Days))), "share", two(100*s.Share)))
	tab := tabwriter.NewWriter(w, 2, 0, 2, ' ', tabwriter.AlignRight)
	for i, d := range s.Jumps {
		if i == 10 {
			fmt.Fprintln(tab, l.Text("study.intraday-more", "count", len(s.Jumps)-i))
			break
		}
		fmt.Fprintln(tab, l.Text("study.intraday-jump", "day", d.Day, "return", two(d.Return), "z", two(d.Z), "jump",
			fmt.Sprintf("%.1f", 100*d.Jump/d.RV)))
	}
	tab.Flush()
	if s.Model == nil {
		fmt.Fprintln(w, s.Note.In(l))
		return
	}
	four := func(v float64) string { return fmt.Sprintf("%.4f", v) }
	fmt.Fprintln(w, l.Text("study.intraday-model", "loglik", four(s.Model.LogLik), "alone", four(s.Model.ReturnsOnly),
		"persistence", four(s.Model.Persistence), "next", two(math.Sqrt(365*s.Model.Next)), "converged",
		yes(l, s.Model.Converged)))
	for _, name := range realised.Names {
		spread := "–" // no errors where the Hessian is not definite
		if se, ok := s.Model.Errors[name]; ok {
			spread = fmt.Sprintf("± %.5f", se)
		}
		fmt.Fprintf(tab, "  %s\t%.5f\t%s\t\n", name, s.Model.Parameters[name], spread)
	}
	tab.Flush()
}
