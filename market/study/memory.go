package study

import (
	"context"
	"fmt"
	"io"
	"math"
	"text/tabwriter"

	"github.com/aqsha/aqsha/market"
	"github.com/aqsha/aqsha/market/stats"
	"github.com/aqsha/aqsha/words"
)

// Memory is what a series remembers: unit roots of the logarithm of the price
// and of the returns, and long memory of returns and of their sizes.
type Memory struct {
	Origin Origin       `json:"origin"`
	Roots  []Root       `json:"unit_roots"`
	Long   []LongMemory `json:"long_memory"`
}

// Root holds the tests of one series. ADF and Phillips–Perron have a unit root as
// their null, KPSS stationarity about a level.
type Root struct {
	Of      string               `json:"of"`
	ADF     *stats.Test          `json:"adf"` // with trend
	PP      stats.PhillipsPerron `json:"phillips_perron"`
	PPTrend stats.PhillipsPerron `json:"phillips_perron_trend"`
	KPSS    stats.Test           `json:"kpss"`
	Verdict string               `json:"verdict"`
}

// LongMemory holds four estimates of one series; d of a Hurst exponent H is H − ½.
type LongMemory struct {
	Of      string        `json:"of"`
	GPH     float64       `json:"gph"`
	Whittle stats.Whittle `json:"local_whittle"`
	DFA     float64       `json:"dfa"`            // H
	RS      float64       `json:"rescaled_range"` // H
	Verdict string        `json:"verdict"`
}

// StudyMemory needs 200 returns. progress, if given, is called after each of five series of tests and estimates, of
// which a million returns take minutes; between them it heeds the context.
func StudyMemory(ctx context.Context, in Input, progress func(done, all int)) (Memory, error) {
	p, err := in.prepare()
	if err != nil {
		return Memory{}, err
	}
	r := p.returns.Values
	if err := stats.Finite("returns", r, 200); err != nil {
		return Memory{}, err
	}
	if stats.Variance(r) == 0 {
		return Memory{}, market.Refuse("constant", "returns", "the price never moves: it has no memory to measure")
	}
	out := Memory{Origin: p.origin}
	step := func() {
		if progress != nil {
			progress(len(out.Roots)+len(out.Long), 5)
		}
	}
	logs, sizes, squares := make([]float64, len(r)), make([]float64, len(r)), make([]float64, len(r))
	sum := 0.0
	for i, v := range r {
		sum += v / 100
		logs[i], sizes[i], squares[i] = sum, math.Abs(v), v*v
	}
	for _, x := range []struct {
		name   string
		values []float64
	}{{"logarithm of the price", logs}, {"returns", r}} {
		root, err := rootOf(ctx, x.name, x.values)
		if err != nil {
			return Memory{}, err
		}
		out.Roots = append(out.Roots, root)
		step()
	}
	for _, x := range []struct {
		name   string
		values []float64
	}{{"returns", r}, {"absolute returns", sizes}, {"squared returns", squares}} {
		if err := ctx.Err(); err != nil {
			return Memory{}, err
		}
		w, err := stats.LocalWhittle(x.values, 0)
		if err != nil {
			return Memory{}, err
		}
		l := LongMemory{x.name, stats.GPH(x.values), w, stats.DFA(x.values), stats.RescaledRange(x.values),
			"no long memory at 5 %"}
		switch {
		// The verdict by local Whittle alone, which has a standard error; the others stand beside it.
		case w.D > 1.96*w.SE:
			l.Verdict = "long memory"
		case w.D < -1.96*w.SE:
			l.Verdict = "antipersistent"
		}
		out.Long = append(out.Long, l)
		step()
	}
	return out, nil
}

func rootOf(ctx context.Context, name string, x []float64) (Root, error) {
	root := Root{Of: name, KPSS: stats.KPSS(x)}
	adf, err := stats.ADF(x)
	if err != nil {
		return root, err
	}
	root.ADF = &adf
	if err := ctx.Err(); err != nil {
		return root, err
	}
	if root.PP, err = stats.PP(x, false, -1); err != nil {
		return root, err
	}
	if root.PPTrend, err = stats.PP(x, true, -1); err != nil {
		return root, err
	}
	root.Verdict = root.verdict()
	return root, nil
}

// verdict of contrary nulls: a unit root only where none of the three tests of it rejects and KPSS rejects
// stationarity, stationary only where the test about a level rejects the root, and KPSS does not reject.
func (r Root) verdict() string {
	level := r.KPSS.P > 0.05
	switch {
	case r.PP.P >= 0.05 && r.PPTrend.P >= 0.05 && r.ADF.P >= 0.05 && !level:
		return "unit root"
	case r.PP.P < 0.05 && level:
		return "stationary"
	}
	return "undecided: the tests disagree"
}

// Print writes the study for a terminal.
func (m Memory) Print(w io.Writer, l words.Language) {
	fmt.Fprintln(w, m.Origin.Describe(l))
	tab := tabwriter.NewWriter(w, 2, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(tab, l.Text("study.memory-roots"))
	for _, r := range m.Roots {
		fmt.Fprintf(tab, "  %s\t%.3f\t%.3f\t%.3f\t%.3f\t%.3f\t%.3f\t%.3f\t%.3f\t%s\t\n", l.Phrase("market-word",
			r.Of), r.ADF.Stat, r.ADF.P,
			r.PP.Tau, r.PP.P, r.PPTrend.Tau, r.PPTrend.P, r.KPSS.Stat, r.KPSS.P, l.Phrase("market-word", r.Verdict))
	}
	fmt.Fprintln(tab, l.Text("study.memory-long"))
	for _, x := range m.Long {
		fmt.Fprintf(tab, "  %s\t%.3f\t%.3f\t%.3f\t%.3f\t%.3f\t%s\t\n", l.Phrase("market-word", x.Of), x.GPH,
			x.Whittle.D, x.Whittle.SE, x.DFA-0.5, x.RS-0.5, l.Phrase("market-word", x.Verdict))
	}
	tab.Flush()
	fmt.Fprintln(w, l.Text("study.memory-note"))
}
