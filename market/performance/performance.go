package performance

import (
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/aqsha/aqsha/market"
	"github.com/aqsha/aqsha/market/stats"
	"github.com/aqsha/aqsha/market/volatility"
)

// Figure is a measure with a 95 % interval; null where it does not exist.
type Figure struct {
	Key     string   `json:"key"`
	Unit    string   `json:"unit"`
	Formula string   `json:"formula"`
	Value   *float64 `json:"value"`
	Low     *float64 `json:"low"`
	High    *float64 `json:"high"`
}

// Cell is one month's return, a fraction.
type Cell struct {
	Year   int     `json:"year"`
	Month  int     `json:"month"`
	Return float64 `json:"return"`
}

// Performance of one series, with a benchmark's where one is given. N counts returns. Days, RollingVol and RollSharpe
// are of one length, a value for each return; RollBeta goes with BetaDays, the days that both series have but the
// first, and CommonDays counts those with it. Resamples, BlockLength (in returns) and Seed make the intervals of
// Figures.
type Performance struct {
	N           int                   `json:"n"`
	Periods     float64               `json:"periods_a_year"`
	Figures     []Figure              `json:"figures"`
	Drawdowns   []volatility.Drawdown `json:"drawdowns"` // the ten deepest
	Ulcer       float64               `json:"ulcer_percent"`
	UnderWater  float64               `json:"share_of_days_under_water"`
	Months      []Cell                `json:"months"`
	Days        []string              `json:"-"` // of the rolling series
	RollingVol  []float64             `json:"-"` // percent a year, NaN before the first window
	RollSharpe  []float64             `json:"-"`
	RollBeta    []float64             `json:"-"` // nil without a benchmark
	BetaDays    []string              `json:"-"`
	Benchmark   *market.Provenance    `json:"benchmark,omitempty"`
	CommonDays  int                   `json:"common_days,omitempty"`
	Resamples   int                   `json:"resamples"`
	BlockLength float64               `json:"mean_block_length"`
	Seed        uint64                `json:"seed"`
	RiskFree    *RiskFree             `json:"risk_free,omitempty"`

	byCount bool
}

const (
	// Intervals are from so many resamples, under a fixed seed: the same prices give the same interval.
	resamples = 1000
	seed      = 1
	// RollingDays of rolling Sharpe and beta; volatility rolls over 30.
	RollingDays = 180
)

// Measure computes everything for prices in a window, of which the first is
// the close before it. benchmark may be empty; its measures then are null.
// They use the days that both have.
func Measure(prices market.Series, benchmark market.Series, annual volatility.Annual) (Performance, error) {
	return measureWith(prices, benchmark, annual, months(prices, false), 0, nil)
}

// MeasureOver is Measure over a risk-free rate; nil is a rate of 0.
func MeasureOver(prices market.Series, benchmark market.Series, annual volatility.Annual,
	free *RiskFree) (Performance, error) {
	return measureWith(prices, benchmark, annual, months(prices, false), 0, free)
}

// MeasureByCount is Measure as reports sealed in format 1 had it: growth by
// the number of observations, whatever time lay between them.
func MeasureByCount(prices market.Series, benchmark market.Series, annual volatility.Annual) (Performance, error) {
	return measureWith(prices, benchmark, annual, months(prices, true), float64(annual), nil)
}

// perYear is how many of n steps fall in 365 days, by the time between the first price and the last.
func perYear(times []time.Time) float64 {
	n := len(times) - 1
	return 365 * float64(n) / (times[n].Sub(times[0]).Hours() / 24)
}

// measureWith takes growth from the times where it is 0.
func measureWith(prices market.Series, benchmark market.Series, annual volatility.Annual, cells []Cell, growth float64,
	free *RiskFree) (Performance, error) {
	simple, err := Simple(prices)
	if err != nil {
		return Performance{}, err
	}
	if _, err := stats.Describe(simple.Values); err != nil {
		return Performance{}, err
	}
	p := Performance{N: simple.Len(), Periods: float64(annual), Resamples: resamples, Seed: seed, Months: cells,
		RiskFree: free}
	p.byCount = growth != 0
	// n^⅓, the order that is best for the stationary bootstrap (Politis, White 2004), without their constant.
	p.BlockLength = math.Cbrt(float64(simple.Len()))
	alone := sample{r: simple.Values, periods: float64(annual), growth: growth}
	if growth == 0 {
		alone.growth = perYear(prices.Times)
	}
	if alone.free, err = free.at(simple.Times, float64(annual)); err != nil {
		return Performance{}, err
	}
	var both *sample
	if benchmark.Len() > 0 {
		if both, err = p.addBenchmark(prices, benchmark, annual); err != nil {
			return Performance{}, err
		}
	}
	p.figures(alone, both)
	p.Drawdowns, p.Ulcer, p.UnderWater = volatility.Drawdowns(prices)
	p.Drawdowns = p.Drawdowns[:min(10, len(p.Drawdowns))]
	p.rolling(simple, prices, annual, alone.free)
	return p, nil
}

// addBenchmark aligns both series on their common days and computes the
// rolling beta there. An exchange's benchmark sets its own calendar.
func (p *Performance) addBenchmark(prices, benchmark market.Series, annual volatility.Annual) (*sample, error) {
	times, values := market.Align(prices, benchmark)
	if len(times) < 30 {
		return nil, market.Refuse("too-short", "benchmark", "%d days in common with the series; 30 are needed",
			len(times))
	}
	var both sample
	for j, to := range []*[]float64{&both.r, &both.bench} {
		s, err := Simple(market.Series{Name: "benchmark", Times: times, Values: values[j]})
		if err != nil {
			return nil, err
		}
		*to = s.Values
	}
	// Days in common of a coin and an exchange are the exchange's: annualised by the coin's 365 they would be too
	// many.
	both.periods = math.Min(float64(annual), float64(volatility.Calendar(times)))
	var err error
	if both.free, err = p.RiskFree.at(times[1:], both.periods); err != nil {
		return nil, err
	}
	p.Benchmark, p.CommonDays = &benchmark.Source, len(times)
	p.RollBeta = make([]float64, len(both.r))
	for i := range p.RollBeta {
		p.BetaDays = append(p.BetaDays, times[i+1].Format(time.DateOnly))
		p.RollBeta[i] = math.NaN()
		if i+1 >= RollingDays {
			p.RollBeta[i] = beta(sample{r: both.r[i+1-RollingDays : i+1], bench: both.bench[i+1-RollingDays : i+1]})
		}
	}
	return &both, nil
}

// rolling fills the series of windows; days before the first whole window have none.
func (p *Performance) rolling(simple, prices market.Series, annual volatility.Annual, free []float64) {
	logs, err := prices.LogReturns()
	if err != nil {
		return
	}
	p.RollingVol = volatility.Rolling(logs.Values, 30, annual)
	p.RollSharpe = make([]float64, simple.Len())
	for i, at := range simple.Times {
		p.Days = append(p.Days, at.Format(time.DateOnly))
		p.RollSharpe[i] = math.NaN()
		if i+1 >= RollingDays {
			w := simple.Values[i+1-RollingDays : i+1]
			if free != nil {
				w = over(w, free[i+1-RollingDays:i+1])
			}
			p.RollSharpe[i] = stats.Mean(w) / stats.SD(w) * math.Sqrt(float64(annual))
		}
	}
}

// figures computes each measure and its percentile interval over resamples of
// the stationary bootstrap (Politis and Romano 1994).
func (p *Performance) figures(alone sample, both *sample) {
	draws := make([][]float64, len(measures))
	use := func(m measure) (sample, bool) {
		if !m.bench {
			return alone, true
		}
		if both == nil {
			return sample{}, false
		}
		return *both, true
	}
	random := rand.New(rand.NewPCG(seed, 0xb007))
	for range p.Resamples {
		a := resample(random, alone, p.BlockLength)
		var b sample
		if both != nil {
			// Series and benchmark are drawn together, day by day: apart they would lose what they have in common.
			b = resample(random, *both, p.BlockLength)
		}
		for i, m := range measures {
			if s := a; !m.bench || both != nil {
				if m.bench {
					s = b
				}
				draws[i] = append(draws[i], m.f(s))
			}
		}
	}
	for i, m := range measures {
		f := Figure{Key: m.key, Unit: m.unit, Formula: m.formula}
		if text := withRate[m.key]; text != "" && p.RiskFree != nil {
			f.Formula = text
		}
		if m.key == "cagr" && alone.growth == alone.periods && p.byCount {
			f.Formula = "exp(mean ln(1+r)·periods) − 1"
		}
		if s, ok := use(m); ok {
			f.Value = finite(m.f(s))
			kept := slices.DeleteFunc(draws[i], func(v float64) bool { return math.IsNaN(v) || math.IsInf(v, 0) })
			// A measure that most resamples cannot have, such as a ratio over nothing, has no interval.
			if slices.Sort(kept); len(kept) > p.Resamples/2 {
				f.Low, f.High = finite(stats.Quantile(kept, 0.025)), finite(stats.Quantile(kept, 0.975))
			}
		}
		p.Figures = append(p.Figures, f)
	}
}

// finite is a figure that JSON can say; nil for others.
func finite(v float64) *float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return &v
}

// resample draws blocks of geometric length, wrapping around the end: at each step a new block begins with the
// probability 1/block, so that block is the mean length (the stationary bootstrap of Politis and Romano, 1994).
// Return, benchmark and riskless return of a day stay together, or what they share would be lost.
func resample(random *rand.Rand, s sample, block float64) sample {
	n := len(s.r)
	out := sample{r: make([]float64, n), periods: s.periods, growth: s.growth}
	if s.bench != nil {
		out.bench = make([]float64, n)
	}
	if s.free != nil {
		out.free = make([]float64, n)
	}
	at := random.IntN(n)
	for i := range n {
		if random.Float64() < 1/block {
			at = random.IntN(n)
		}
		out.r[i] = s.r[at]
		if s.free != nil {
			out.free[i] = s.free[at]
		}
		if s.bench != nil {
			out.bench[i] = s.bench[at]
		}
		if at++; at == n {
			at = 0
		}
	}
	return out
}

// months are returns from the last price of one month to the last of the next;
// a single price before the first whole month is only the start.
func months(prices market.Series, firstAlone bool) []Cell {
	var out []Cell
	last := -1
	for i, at := range prices.Times {
		end := i == len(prices.Times)-1 || prices.Times[i+1].Month() != at.Month() ||
			prices.Times[i+1].Year() != at.Year()
		if !end {
			continue
		}
		from := prices.Values[0]
		if last >= 0 {
			from = prices.Values[last]
		} else if i == 0 && len(prices.Times) > 1 && !firstAlone {
			last = 0
			continue
		}
		out = append(out, Cell{at.Year(), int(at.Month()), prices.Values[i]/from - 1})
		last = i
	}
	return out
}
