package risks

import (
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/aqsha/aqsha/market/stats"
)

// Choosing a list of events is choosing the result, so a study is never told
// without what other lists give: Placebo holds the same test on days on which
// nothing is claimed to have happened, on lists drawn at random, and on the list
// with each event left out in turn.
type Placebo struct {
	Shifted     []Shift `json:"shifted"`      // the list moved by so many days
	RandomLists int     `json:"random_lists"` // of as many days, no two within an event's window of each other
	Seed        uint64  `json:"seed"`
	RandomP     float64 `json:"random_p"` // share of random lists whose mean on the day is as low
	// share of random lists that the t test alone would confirm at 5 %: what it is worth
	Confirms float64 `json:"confirms"`
	LeaveOut Leave   `json:"leave_one_out"`
	// Worst is how many of the events are among the worst twentieth of all
	// days: a list made from news would hold about one in twenty, one made
	// from remembered falls holds more.
	Worst         int     `json:"among_worst_twentieth"`
	WorstExpected float64 `json:"among_worst_twentieth_expected"`
	WorstP        float64 `json:"among_worst_twentieth_p"` // one-sided binomial
}

// Shift is the mean on the day of the list moved by some days.
type Shift struct {
	Days int     `json:"days"`
	N    int     `json:"n"`
	Mean float64 `json:"mean_day0"`
	P    float64 `json:"p_day0"`
}

// Leave is what leaving one event out does.
type Leave struct {
	LeastP  float64 `json:"least_p"`
	MaxP    float64 `json:"most_p"`
	Carries string  `json:"carries"` // the event without which p is largest
	Below   int     `json:"below_5_percent"`
	N       int     `json:"n"`
}

const (
	// So many lists of random days are drawn, under a fixed seed.
	randomLists = 2000
	placeboSeed = 1
)

// shifts are beyond the estimation's gap, so that the event's own window and
// the mean it is held against do not meet.
var shifts = []int{-60, -30, 30, 60}

// abnormal is each day's return less the mean of its own estimation window; NaN
// where that is not whole.
func abnormal(r []float64) []float64 {
	out := make([]float64, len(r))
	for i := range r {
		out[i] = math.NaN()
		if i >= estimateFrom && i+eventDays < len(r) {
			out[i] = r[i] - stats.Mean(r[i-estimateFrom:i-estimateTo+1])
		}
	}
	return out
}

// meanTest is the mean with its one-sided p that it is not below zero.
func meanTest(x []float64) (mean, p float64) {
	mean = stats.Mean(x)
	if sd := stats.SD(x); sd > 0 {
		t := mean / (sd / math.Sqrt(float64(len(x))))
		return mean, distuv.StudentsT{Sigma: 1, Nu: float64(len(x) - 1)}.CDF(t)
	}
	return mean, 1
}

// placeboOf repeats the test on other days; at are the events' places in r.
func placeboOf(r []float64, at []int, names []string) Placebo {
	ar := abnormal(r)
	p := Placebo{RandomLists: randomLists, Seed: placeboSeed, Shifted: []Shift{}}
	take := func(places []int) (x []float64) {
		for _, i := range places {
			if i >= 0 && i < len(ar) && !math.IsNaN(ar[i]) {
				x = append(x, ar[i])
			}
		}
		return x
	}
	observed := take(at)
	// If other days react as the events' own do, the events are not why.
	for _, days := range shifts {
		moved := make([]int, len(at))
		for i := range at {
			moved[i] = at[i] + days
		}
		if x := take(moved); len(x) >= 3 {
			mean, value := meanTest(x)
			p.Shifted = append(p.Shifted, Shift{days, len(x), mean, value})
		}
	}
	p.random(ar, len(observed), stats.Mean(observed))
	p.leaveOneOut(observed, names)
	known := slices.DeleteFunc(slices.Clone(ar), math.IsNaN)
	limit := stats.Quantile(stats.Sorted(known), 0.05)
	for _, x := range observed {
		if x <= limit {
			p.Worst++
		}
	}
	p.WorstExpected = 0.05 * float64(len(observed))
	// Of days drawn at random one in twenty is among the worst twentieth.
	p.WorstP = distuv.Binomial{N: float64(len(observed)), P: 0.05}.Survival(float64(p.Worst) - 1)
	return p
}

// random draws lists of n days; days that would share an event's window with
// one already drawn are drawn again, as doubled events are merged.
func (p *Placebo) random(ar []float64, n int, observed float64) {
	var valid []int
	for i, v := range ar {
		if !math.IsNaN(v) {
			valid = append(valid, i)
		}
	}
	if n*(2*eventDays+1)*2 > len(valid) { // too few days to keep n of them apart
		p.RandomLists = 0
		return
	}
	random := rand.New(rand.NewPCG(placeboSeed, 0xe7e))
	low, confirmed := 0, 0
	places, x := make([]int, 0, n), make([]float64, 0, n)
	for range randomLists {
		places, x = places[:0], x[:0]
		for len(places) < n {
			i := valid[random.IntN(len(valid))]
			if slices.ContainsFunc(places, func(j int) bool { return max(i-j, j-i) <= eventDays }) {
				continue
			}
			places, x = append(places, i), append(x, ar[i])
		}
		mean, value := meanTest(x)
		if mean <= observed {
			low++
		}
		if value < 0.05 {
			confirmed++
		}
	}
	p.RandomP, p.Confirms = float64(low)/randomLists, float64(confirmed)/randomLists
}

// leaveOneOut tests the mean again without each event in turn, and keeps the least and the largest p and how many stay
// below 5 %. The event without which p is largest is the one that carries the finding: if p passes 5 % without it, the
// finding is of one day and not of the list.
func (p *Placebo) leaveOneOut(x []float64, names []string) {
	p.LeaveOut = Leave{LeastP: math.Inf(1), MaxP: math.Inf(-1), N: len(x)}
	for i := range x {
		_, value := meanTest(slices.Delete(slices.Clone(x), i, i+1))
		p.LeaveOut.LeastP = min(p.LeaveOut.LeastP, value)
		if value > p.LeaveOut.MaxP {
			p.LeaveOut.MaxP, p.LeaveOut.Carries = value, names[i]
		}
		if value < 0.05 {
			p.LeaveOut.Below++
		}
	}
}
