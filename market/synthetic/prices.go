package synthetic

import (
	"math"
	"math/rand/v2"
	"strconv"
	"time"
)

// asset describes one simulated price path: GARCH(1,1) variance with heavy
// tails, cut into hours inside the day.
type asset struct {
	seed          uint64
	start         float64 // price on the first day
	drift         float64 // percent a day
	omega         float64 // percent² a day
	alpha, beta   float64
	tail          int // degrees of freedom
	jumpPercent   float64
	jumpEvery     int // days between jumps, on average
	hoursPerDay   int
	withBenchmark float64 // loading on the common factor
}

// bar is one day or hour.
type bar struct {
	at                     time.Time
	open, high, low, close float64
	volume                 float64 // in the coin
}

// student draws a t variate scaled to unit variance from normals only, so
// that the stream depends on one generator.
func student(r *rand.Rand, nu int) float64 {
	chi := 0.0
	for range nu {
		x := r.NormFloat64()
		chi += x * x
	}
	return r.NormFloat64() / math.Sqrt(chi/float64(nu)) * math.Sqrt(float64(nu-2)/float64(nu))
}

// path simulates hours and days; factor is a common daily shock (may be nil). The variance begins at its long-run
// level ω/(1 − α − β) and follows h = ω + α·shock² + β·h; the shock keeps unit variance with the factor in it, since
// its loading and √(1 − loading²) are squared and added. A jump falls only, and feeds the variance of the days after.
func (a asset) path(first time.Time, factor []float64) (hourly, daily []bar) {
	r := rand.New(rand.NewPCG(a.seed, 0x5eed))
	h := a.omega / (1 - a.alpha - a.beta)
	price := a.start
	for d := range days {
		z := student(r, a.tail)
		if factor != nil {
			z = a.withBenchmark*factor[d] + math.Sqrt(1-a.withBenchmark*a.withBenchmark)*z
		}
		shock := math.Sqrt(h) * z
		if a.jumpEvery > 0 && r.IntN(a.jumpEvery) == 0 {
			shock -= a.jumpPercent * (0.5 + r.Float64())
		}
		h = a.omega + a.alpha*shock*shock + a.beta*h
		day := a.day(r, first.AddDate(0, 0, d), price, a.drift+shock, math.Sqrt(h))
		hourly = append(hourly, day...)
		whole := bar{at: day[0].at, open: day[0].open, close: day[len(day)-1].close, high: day[0].high, low: day[0].low}
		for _, b := range day {
			whole.high, whole.low, whole.volume = max(whole.high, b.high), min(whole.low, b.low), whole.volume+b.volume
		}
		daily = append(daily, whole)
		price = whole.close
	}
	return hourly, daily
}

// day is a bridge of hours from price to price·exp(move/100).
func (a asset) day(r *rand.Rand, at time.Time, price, move, sd float64) []bar {
	n := a.hoursPerDay
	steps := make([]float64, n)
	sum := 0.0
	for i := range steps {
		steps[i] = r.NormFloat64() * sd / math.Sqrt(float64(n))
		sum += steps[i]
	}
	bars := make([]bar, n)
	for i := range bars {
		next := price * math.Exp((steps[i]+(move-sum)/float64(n))/100)
		wick := math.Abs(r.NormFloat64()) * sd / math.Sqrt(float64(n)) / 200
		bars[i] = bar{at: at.Add(time.Duration(i*24/n) * time.Hour), open: round(price, 8), close: round(next, 8),
			high: round(max(price, next)*(1+wick), 8), low: round(min(price, next)/(1+wick), 8),
			volume: round((200+300*math.Abs(move))*(0.5+r.Float64()), 6)}
		price = bars[i].close
	}
	return bars
}

// round keeps so many significant digits: the last bits of exp and log may
// differ between processors, what is written must not.
func round(v float64, digits int) float64 {
	rounded, _ := strconv.ParseFloat(strconv.FormatFloat(v, 'e', digits-1, 64), 64)
	return rounded
}
