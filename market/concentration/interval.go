package concentration

import (
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/aqsha/aqsha/market"
	"github.com/aqsha/aqsha/market/stats"
	"github.com/aqsha/aqsha/words"
)

// Interval is a measure with 2.5 and 97.5 % of its bootstrap.
type Interval struct {
	Value float64 `json:"value"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
}

// PointTest holds a known point of a Lorenz curve, such as "0.1 % hold a
// half", against data: what the data's curve has there, with its interval.
type PointTest struct {
	Population float64  `json:"population"`
	Claimed    float64  `json:"claimed"` // held by the poorest of them
	Measured   Interval `json:"measured"`
	Verdict    string   `json:"verdict"` // consistent, wrong
}

// Uncertainty is what the last period's figures would be in other samples: each has the value as measured and the 2.5
// and 97.5 percent points of the resamples. Nakamoto is of more than half, CR1 the share of the largest.
type Uncertainty struct {
	Period    string      `json:"period,omitempty"`
	Method    string      `json:"method"`
	Resamples int         `json:"resamples"`
	Seed      uint64      `json:"seed"`
	HHI       Interval    `json:"hhi"`
	Gini      Interval    `json:"gini"`
	Nakamoto  Interval    `json:"nakamoto_gt50"`
	CR1       Interval    `json:"cr1"`
	Points    []PointTest `json:"points,omitempty"`
}

const (
	// The more draws a resample costs, the fewer are made, and never fewer than the least: an interval of less would
	// be noise.
	maxResamples   = 1000
	leastResamples = 100
	maxDraws       = 20_000_000 // holders times resamples
	bootstrapSeed  = 1
)

// UncertaintyOf resamples amounts. Counts of events (blocks found by pools) are
// drawn again as events: each goes to a pool with its share. Anything else is a
// list of holders, who are drawn again with replacement.
func UncertaintyOf(amounts []float64, counts bool, points []Point) (*Uncertainty, error) {
	var x []float64
	total := 0.0
	for _, v := range amounts {
		if v > 0 {
			x, total = append(x, v), total+v
		}
	}
	if len(x) < 2 {
		return nil, market.Refuse("too-short", "amounts", "%d holders; a resample needs two", len(x))
	}
	work := float64(len(x))
	u := &Uncertainty{Method: "holders drawn with replacement", Seed: bootstrapSeed}
	if counts {
		u.Method, work = "blocks drawn again with each pool's share", work+total
	}
	// By the work: a resample costs a draw a holder or a block, and a list of millions must not take minutes.
	u.Resamples = min(maxResamples, max(leastResamples, int(maxDraws/work)))
	if counts && total*leastResamples > 5*maxDraws {
		return nil, market.Refuse("too-large", "amounts", "%.0f blocks are too many to be drawn again", total)
	}
	// One seed for all: the same file gives the same interval, and a seal of it can be derived again.
	random := rand.New(rand.NewPCG(bootstrapSeed, 0xc04c))
	draws := make([][]float64, 4+len(points))
	for range u.Resamples {
		for i, v := range figures(redraw(random, x, total, counts), points) {
			draws[i] = append(draws[i], v)
		}
	}
	truth := figures(slices.Clone(x), points)
	for i, to := range []*Interval{&u.HHI, &u.Gini, &u.Nakamoto, &u.CR1} {
		*to = interval(truth[i], draws[i])
	}
	for j, p := range points {
		test := PointTest{p.Population, p.Held, interval(truth[4+j], draws[4+j]), "wrong"}
		if p.Held >= test.Measured.Low && p.Held <= test.Measured.High {
			test.Verdict = "consistent"
		}
		u.Points = append(u.Points, test)
	}
	return u, nil
}

// interval is the middle 95 percent of the draws, which are sorted in place. It need not hold the value itself: fewer
// holders are drawn than there are, as some come twice.
func interval(value float64, draws []float64) Interval {
	slices.Sort(draws)
	return Interval{value, stats.Quantile(draws, 0.025), stats.Quantile(draws, 0.975)}
}

// redraw draws as many again: holders, or, of counts, the single things that were counted, each to the holder whose it
// was.
func redraw(random *rand.Rand, x []float64, total float64, counts bool) []float64 {
	if !counts {
		out := make([]float64, len(x))
		for i := range out {
			out[i] = x[random.IntN(len(x))]
		}
		return out
	}
	ends := make([]float64, len(x))
	sum := 0.0
	for i, v := range x {
		sum += v
		ends[i] = sum
	}
	drawn := make([]float64, len(x))
	for range int(total) {
		at, _ := slices.BinarySearch(ends, math.Nextafter(random.Float64()*sum, sum))
		drawn[min(at, len(x)-1)]++
	}
	return slices.DeleteFunc(drawn, func(v float64) bool { return v == 0 })
}

// figures are HHI, Gini, Nakamoto number, CR₁ and the Lorenz curve at the
// points, of amounts that are sorted in place.
func figures(x []float64, points []Point) []float64 {
	slices.Sort(x)
	total := 0.0
	for _, v := range x {
		total += v
	}
	n := float64(len(x))
	hhi, rank := 0.0, 0.0
	for i, v := range x {
		s := v / total
		hhi += s * s
		rank += (2*float64(i+1) - n - 1) * s
	}
	half, nakamoto := 0.0, 0.0
	for i := len(x) - 1; i >= 0 && half <= total/2; i-- {
		half, nakamoto = half+x[i], nakamoto+1
	}
	out := []float64{assertIn("HHI", 1e4*hhi, 1e4/n, 1e4), assertIn("Gini", rank/n, 0, 1-1/n), nakamoto,
		assertIn("CR1", x[len(x)-1]/total, 1/n, 1)}
	for _, p := range points {
		out = append(out, assertIn("Lorenz curve", held(x, total, p.Population), 0, p.Population))
	}
	return out
}

// held is what the poorest share of the population has, linear between holders.
func held(sorted []float64, total, population float64) float64 {
	at := population * float64(len(sorted))
	whole := int(at)
	sum := 0.0
	for _, v := range sorted[:whole] {
		sum += v
	}
	if whole < len(sorted) {
		sum += (at - float64(whole)) * sorted[whole]
	}
	return sum / total
}

// assertIn holds that a figure is possible: one that is not is a fault of the
// program, never a result.
func assertIn(name string, v, low, high float64) float64 {
	const rounding = 1e-9
	if !(v >= low-rounding*(1+math.Abs(low)) && v <= high+rounding*(1+math.Abs(high))) {
		panic(fmt.Sprintf("concentration: %s of %v is outside %v … %v", name, v, low, high))
	}
	return min(max(v, low), high)
}

// Print writes the intervals for a terminal.
func (u *Uncertainty) Print(w io.Writer, l words.Language) {
	fmt.Fprintln(w, l.Text("concentration.intervals", "method", l.Phrase("market-word", u.Method), "count", u.Resamples,
		"seed", u.Seed))
	for _, row := range []struct {
		name string
		i    Interval
	}{{"HHI", u.HHI}, {"Gini", u.Gini}, {"Nakamoto", u.Nakamoto}, {"CR1", u.CR1}} {
		fmt.Fprintf(w, "  %-9s %.4f  [%.4f … %.4f]\n", row.name, row.i.Value, row.i.Low, row.i.High)
	}
	for _, p := range u.Points {
		four := func(v float64) string { return fmt.Sprintf("%.4f", v) }
		fmt.Fprintln(w, l.Text("concentration.point", "population", fmt.Sprintf("%g", p.Population), "claimed",
			fmt.Sprintf("%g", p.Claimed), "verdict", l.Phrase("market-word", p.Verdict), "value",
			four(p.Measured.Value),
			"low", four(p.Measured.Low), "high", four(p.Measured.High)))
	}
}
