package speed

import (
	"context"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/aqsha/aqsha/market/garch"
)

// Result holds CPU times. A fit counts all its starts and both kinds of
// standard error; the rolling figures count every 50th window's cold check.
type Result struct {
	Observations  int     `json:"observations"`
	NormalMillis  float64 `json:"garch_normal_millis"` // median of the repetitions
	TMillis       float64 `json:"garch_t_millis"`
	Windows       int     `json:"windows"`
	WindowDays    int     `json:"window_days"`
	RollingNormal float64 `json:"rolling_normal_seconds"`
	RollingT      float64 `json:"rolling_t_seconds"`
	Repetitions   int     `json:"repetitions"`
	WorstGap      float64 `json:"worst_gap"`     // of log-likelihood, warm against cold
	Unconverged   int     `json:"not_converged"` // windows
	Input         string  `json:"input"`
	// Models of the wider family, by name, on 2,000 simulated returns.
	Models map[string]Model `json:"models"`
}

// Settings of the measurement; the defaults are the sizes that figures are
// quoted for.
type Settings struct {
	Observations, Windows, WindowDays, Repetitions int
	Returns                                        []float64 // nil: simulated
	Input                                          string
	// interpreter of Python that has arch, statsmodels and scipy, to measure beside; "": none
	Peer string
}

// Defaults: eleven years of days; 3,000 windows of 2,000 days.
var Defaults = Settings{Observations: 4018, Windows: 3000, WindowDays: 2000, Repetitions: 31}

// truth resembles a cryptocurrency: persistent, heavy-tailed.
var truth = []float64{0.4, 0.12, 0.86, 4}

// Measure runs the benchmark; cpu reads the CPU time used by this process.
func Measure(ctx context.Context, s Settings, cpu func() time.Duration, progress func(done, all int)) (Result, error) {
	r := s.Returns
	if r == nil {
		simulated, err := garch.Simulate(garch.Spec{Law: garch.StudentT, Mean: garch.Zero}, truth,
			max(s.Observations, s.Windows+s.WindowDays), 20)
		if err != nil {
			return Result{}, err
		}
		r, s.Input = simulated, "simulated GARCH-t returns, seed 20"
	}
	out := Result{Observations: min(s.Observations, len(r)), Windows: s.Windows, WindowDays: s.WindowDays,
		Repetitions: s.Repetitions, Input: s.Input}
	for law, millis := range map[garch.Law]*float64{garch.Normal: &out.NormalMillis, garch.StudentT: &out.TMillis} {
		times := make([]float64, s.Repetitions)
		for i := range times {
			before := cpu()
			if _, err := garch.Estimate(ctx, r[:out.Observations], garch.Spec{Law: law, Free: true}); err != nil {
				return Result{}, err
			}
			times[i] = float64(cpu()-before) / float64(time.Millisecond)
		}
		// The median of processor times: what else runs on the machine lengthens some of them.
		slices.Sort(times)
		*millis = times[len(times)/2]
	}
	if len(r) < s.Windows+s.WindowDays-1 {
		return Result{}, fmt.Errorf("%d returns are too few for %d windows of %d days", len(r), s.Windows, s.WindowDays)
	}
	for law, seconds := range map[garch.Law]*float64{garch.Normal: &out.RollingNormal, garch.StudentT: &out.RollingT} {
		before := cpu()
		rolls, err := garch.Rolling(ctx, r, s.WindowDays, s.WindowDays-1, s.WindowDays+s.Windows-2, 50,
			garch.Spec{Law: law}, progress)
		if err != nil {
			return Result{}, err
		}
		*seconds = (cpu() - before).Seconds()
		for _, roll := range rolls {
			out.WorstGap = max(out.WorstGap, roll.Gap)
			if !roll.Converged {
				out.Unconverged++
			}
		}
	}
	var err error
	out.Models, err = measureModels(ctx, min(s.Repetitions, 9), s.Peer, cpu)
	return out, err
}

// Print writes the result for a terminal.
func (r Result) Print(w io.Writer) {
	fmt.Fprintf(w, "CPU time, %s\n", r.Input)
	fmt.Fprintf(w, "  GARCH(1,1) on %d observations, all starts, both standard errors (median of %d)\n    normal "+
		"%8.2f ms\n    t      %8.2f ms\n", r.Observations, r.Repetitions, r.NormalMillis, r.TMillis)
	fmt.Fprintf(w,
		"  %d rolling refits on %d days, every 50th against a cold start\n    normal %8.2f s\n    t      %8.2f s\n",
		r.Windows, r.WindowDays, r.RollingNormal, r.RollingT)
	fmt.Fprintf(w, "    worst gap of a warm start %.1e, not converged %d\n", r.WorstGap, r.Unconverged)
	if len(r.Models) == 0 {
		return
	}
	tab := tabwriter.NewWriter(w, 2, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(tab, "  model on %d returns\tms\tpeer, ms\tratio\tlikelihood or statistic\tpeer's\tpeer\t\n", modelDays)
	for _, row := range rows() {
		m, ok := r.Models[row.name]
		if !ok {
			continue
		}
		peer, ratio, logLik := "–", "–", "–"
		if m.PeerMillis != nil {
			peer, ratio, logLik = fmt.Sprintf("%.1f", *m.PeerMillis), fmt.Sprintf("%.1f", *m.Ratio),
				fmt.Sprintf("%.4f", *m.PeerLogLik)
		}
		fmt.Fprintf(tab, "  %s\t%.2f\t%s\t%s\t%.4f\t%s\t%s\t\n", row.name, m.Millis, peer, ratio, m.LogLik, logLik,
			m.Peer)
	}
	tab.Flush()
}
