package study

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"text/tabwriter"

	"github.com/aqsha/aqsha/market"
	"github.com/aqsha/aqsha/market/breaks"
	"github.com/aqsha/aqsha/market/regimes"
	"github.com/aqsha/aqsha/words"
)

// BreaksOptions of a study of breaks; zero values take the defaults in brackets.
type BreaksOptions struct {
	Most    int     // breaks of the level of volatility (5)
	Trim    float64 // shortest stretch, of the whole (0.15)
	Regimes int     // 0: 1 to 3, the least BIC
	Paths   int     // simulated walks of the test of bubbles (199)
	Seed    uint64
}

// Breaks says when a market changed: its variance, the level of its volatility,
// the regime it is in, and when its price grew as no random walk does.
type Breaks struct {
	Origin   Origin        `json:"origin"`
	Variance []DatedBreak  `json:"variance_breaks"` // ICSS, κ₂, 5 %
	Naive    int           `json:"variance_breaks_naive"`
	Levels   DatedLevels   `json:"volatility_levels"` // Bai–Perron, of |r|
	Regimes  DatedRegimes  `json:"regimes"`
	Bubbles  *DatedBubbles `json:"bubbles"` // null: the series is too short for the test
	Note     string        `json:"note,omitempty"`
}

// DatedBreak is the first day of another variance.
type DatedBreak struct {
	Day    string  `json:"day"`
	Stat   float64 `json:"stat"`
	OldPct float64 `json:"old_volatility"` // percent a year
	NewPct float64 `json:"new_volatility"`
}

// DatedLevels are stretches of one mean of |r|.
type DatedLevels struct {
	Breaks []string  `json:"breaks"` // first days
	Levels []float64 `json:"levels"` // mean |r|, percent
	BIC    []float64 `json:"bic"`    // by number of breaks, from 0
}

// DatedRegimes are the states of the Markov chain that the criterion prefers.
type DatedRegimes struct {
	*regimes.Fit
	Volatility []float64       `json:"volatility"` // percent a year, by regime
	Now        []float64       `json:"now"`        // probability of each on the last day
	BICs       map[int]float64 `json:"bic_by_regimes"`
}

// DatedBubbles are the stretches of explosive growth.
type DatedBubbles struct {
	breaks.Bubbles
	Step int      `json:"step"` // every so manieth observation was taken
	From []string `json:"from"`
	To   []string `json:"to"` // last day
}

// StudyBreaks needs 200 returns.
func StudyBreaks(ctx context.Context, in Input, o BreaksOptions) (Breaks, error) {
	p, err := in.prepare()
	if err != nil {
		return Breaks{}, err
	}
	r := p.returns.Values
	if len(r) < 200 {
		return Breaks{}, market.Refuse("too-short", "window", "%d returns; breaks need 200", len(r))
	}
	if o.Most == 0 {
		o.Most = 5
	}
	if o.Trim == 0 {
		o.Trim = 0.15
	}
	if o.Paths == 0 {
		o.Paths = 199
	}
	out := Breaks{Origin: p.origin}
	day := func(i int) string { return p.returns.Times[i].Format("2006-01-02") }
	year := math.Sqrt(float64(p.annual))
	found, err := breaks.ICSS(r, true)
	if err != nil {
		return Breaks{}, err
	}
	for _, b := range found {
		out.Variance = append(out.Variance, DatedBreak{day(b.At), b.Stat, b.SDOld * year, b.SDNew * year})
	}
	// Beside the robust one: heavy tails alone make the original test find breaks, and the reader sees how many.
	naive, err := breaks.ICSS(r, false)
	if err != nil {
		return Breaks{}, err
	}
	out.Naive = len(naive)
	sizes := make([]float64, len(r))
	for i, v := range r {
		sizes[i] = math.Abs(v)
	}
	means, err := breaks.BaiPerron(sizes, o.Most, o.Trim)
	if err != nil {
		return Breaks{}, err
	}
	out.Levels.Levels = means.Levels
	for _, at := range means.Partitions[means.Best].Breaks {
		out.Levels.Breaks = append(out.Levels.Breaks, day(at))
	}
	for _, x := range means.Partitions {
		out.Levels.BIC = append(out.Levels.BIC, x.BIC)
	}
	if out.Regimes, err = chosenRegimes(ctx, r, o.Regimes, year); err != nil {
		return Breaks{}, err
	}
	return out, out.explosive(ctx, p, o)
}

// chosenRegimes fits the number asked for, or those of least BIC.
func chosenRegimes(ctx context.Context, r []float64, k int, year float64) (DatedRegimes, error) {
	out := DatedRegimes{BICs: map[int]float64{}}
	first, last := k, k
	if k == 0 {
		first, last = 1, 3
	}
	for i := first; i <= last; i++ {
		f, err := regimes.Estimate(ctx, r, i)
		// Two regimes too many, as on a series with one outlier, are no reason to leave out one that fits.
		var refused *market.Error
		if k == 0 && out.Fit != nil && errors.As(err, &refused) && refused.Code == "market-regimes" {
			continue
		}
		if err != nil {
			return out, err
		}
		if out.BICs[i] = f.BIC; out.Fit == nil || f.BIC < out.Fit.BIC {
			out.Fit = f
		}
	}
	for _, v := range out.Variances {
		out.Volatility = append(out.Volatility, math.Sqrt(v)*year)
	}
	out.Now = out.Smoothed[len(out.Smoothed)-1]
	return out, nil
}

// explosive runs the test of bubbles on at most 1,500 observations: of a longer
// series every so manieth, which is how weekly prices are taken from daily ones.
func (b *Breaks) explosive(ctx context.Context, p prepared, o BreaksOptions) error {
	step := 1
	if n := p.prices.Len(); n > 1500 {
		step = 7
		for n/step > 1500 {
			step += 7
		}
	}
	var logs []float64
	var days []string
	for i := (p.prices.Len() - 1) % step; i < p.prices.Len(); i += step { // so that the last price counts
		logs, days = append(logs, math.Log(p.prices.Values[i])), append(days, p.prices.Times[i].Format("2006-01-02"))
	}
	if len(logs) < 50 {
		b.Note = "fewer than 50 prices: the test of bubbles was not made"
		return nil
	}
	found, err := breaks.GSADF(ctx, logs, o.Paths, o.Seed)
	if err != nil {
		return err
	}
	// Stretches are dated only where the test of all of them rejects: by chance alone there would be some.
	if found.GSADF <= found.Critical {
		found.Episodes = nil
	}
	b.Bubbles = &DatedBubbles{Bubbles: found, Step: step}
	for _, e := range found.Episodes {
		b.Bubbles.From, b.Bubbles.To = append(b.Bubbles.From, days[e.From]), append(b.Bubbles.To, days[e.To-1])
	}
	return nil
}

// Print writes the study for a terminal.
func (b Breaks) Print(w io.Writer, l words.Language) {
	fmt.Fprintln(w, b.Origin.Describe(l))
	// With and without regard to heavy tails: how many breaks are left out is the reader's to judge.
	fmt.Fprintln(w, l.Text("study.breaks-variance", "count", len(b.Variance), "naive", b.Naive))
	tab := tabwriter.NewWriter(w, 2, 0, 2, ' ', tabwriter.AlignRight)
	for _, v := range b.Variance {
		fmt.Fprintln(tab, l.Text("study.breaks-variance-row", "day", v.Day, "old", fmt.Sprintf("%.1f", v.OldPct), "new",
			fmt.Sprintf("%.1f", v.NewPct), "stat", fmt.Sprintf("%.2f", v.Stat)))
	}
	tab.Flush()
	levels := ""
	for i, level := range b.Levels.Levels {
		if i > 0 {
			levels += " | " + b.Levels.Breaks[i-1] + " "
		}
		levels += fmt.Sprintf("%.2f %%", level)
	}
	fmt.Fprintln(w, l.Text("study.breaks-levels", "count", len(b.Levels.BIC), "levels", levels))
	fmt.Fprintln(w, l.Text("study.breaks-regimes", "count", b.Regimes.Regimes, "loglik",
		fmt.Sprintf("%.2f", b.Regimes.LogLik), "bic", fmt.Sprintf("%.1f", b.Regimes.BIC)))
	for i := range b.Regimes.Means {
		fmt.Fprintln(tab, l.Text("study.breaks-regime-row", "n", i+1, "mean", fmt.Sprintf("%.3f", b.Regimes.Means[i]),
			"vol", fmt.Sprintf("%.1f", b.Regimes.Volatility[i]), "lasts", fmt.Sprintf("%.1f", b.Regimes.Durations[i]),
			"share", fmt.Sprintf("%.0f", 100*b.Regimes.Ergodic[i]), "now", fmt.Sprintf("%.0f", 100*b.Regimes.Now[i])))
	}
	tab.Flush()
	if b.Bubbles == nil {
		fmt.Fprintln(w, l.Phrase("market-word", b.Note))
		return
	}
	fmt.Fprintln(w, l.Text("study.breaks-bubbles", "step", b.Bubbles.Step, "window", b.Bubbles.Window, "stat",
		fmt.Sprintf("%.3f", b.Bubbles.GSADF), "critical", fmt.Sprintf("%.3f", b.Bubbles.Critical), "p",
		fmt.Sprintf("%.3f", b.Bubbles.P), "paths", b.Bubbles.Paths))
	if b.Bubbles.GSADF <= b.Bubbles.Critical {
		fmt.Fprintln(w, "  "+l.Text("study.breaks-no-bubbles"))
	}
	for i := range b.Bubbles.From {
		fmt.Fprintf(w, "  %s … %s\n", b.Bubbles.From[i], b.Bubbles.To[i])
	}
}
