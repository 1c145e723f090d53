package paths

import (
	"context"
	"math"
	"runtime"
	"sync"
)

// Prices are monthly means of daily prices, in dollars, path by path; Final is the price at the end of the last day.
type Prices struct {
	Paths, Months int
	Mean          []float64 // [path*Months + month]
	Final         []float64 // [path]
}

// Calendar is the days of each month.
type Calendar []int

// Fixed is one path that grows evenly.
func Fixed(start, annualGrowth float64, days Calendar) *Prices {
	p := &Prices{1, len(days), make([]float64, len(days)), make([]float64, 1)}
	daily, price := math.Pow(1+annualGrowth, 1.0/365), start
	for m, n := range days {
		sum := 0.0
		for range n {
			sum += price
			price *= daily
		}
		p.Mean[m] = sum / float64(n)
	}
	p.Final[0] = price
	return p
}

// Replay lets history happen again from the starting price: a path for each window of daily prices that is long enough,
// a month apart. History must be longer than the days: else there is no path.
func Replay(start float64, history []float64, days Calendar) *Prices {
	length := 0
	for _, n := range days {
		length += n
	}
	p := &Prices{Months: len(days)}
	for from := 0; from+length < len(history); from += 30 {
		at := from
		scale := start / history[from]
		for _, n := range days {
			sum := 0.0
			for range n {
				sum += history[at] * scale
				at++
			}
			p.Mean = append(p.Mean, sum/float64(n))
		}
		p.Final = append(p.Final, history[at]*scale)
		p.Paths++
	}
	return p
}

// Simulate draws paths from a model. The expected price grows by annualGrowth a year: each day's log return is
// ln(1+g)/365 − h/2 and the shock, where h is the day's variance and −h/2 keeps the expected price from rising with it.
// On an error the prices are not whole.
func (m *Model) Simulate(ctx context.Context, start, annualGrowth float64, days Calendar, paths int,
	seed uint64) (*Prices, error) {
	p := &Prices{paths, len(days), make([]float64, paths*len(days)), make([]float64, paths)}
	table := m.shocks()
	drift := 100 * math.Log1p(annualGrowth) / 365
	err := Each(ctx, paths, func(from, to int) {
		for i := from; i < to; i++ {
			m.path(table, start, drift, days, seed, i, p)
		}
	})
	return p, err
}

// Each divides the numbers below n among the processors, in blocks; it ends early with the context. Blocks run in no
// order, so that work may write only what belongs to its own numbers.
func Each(ctx context.Context, n int, work func(from, to int)) error {
	const block = 128
	var wait sync.WaitGroup
	next := make(chan int, n/block+1)
	for from := 0; from < n; from += block {
		next <- from
	}
	close(next)
	for range min(runtime.GOMAXPROCS(0), n/block+1) {
		wait.Add(1)
		go func() {
			defer wait.Done()
			for from := range next {
				if ctx.Err() != nil {
					return
				}
				work(from, min(n, from+block))
			}
		}()
	}
	wait.Wait()
	return ctx.Err()
}

// mix is the splitmix64 generator's output function (Steele, Lea and Flood 2014).
func mix(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// golden is 2^64 divided by the golden ratio: splitmix64's step.
const golden = 0x9e3779b97f4a7c15

// tail refines the outermost cells.
//
//go:noinline
func (s *shocks) tail(cell uint64, rest float64) float64 {
	table := &s.low
	if cell != 0 {
		table = &s.high
	}
	i := int(rest * cells)
	return table[i] + (rest*cells-float64(i))*(table[i+1]-table[i])
}

// shortReturn is the longest return, in percent, that exp is for.
const shortReturn = 20.0

// exp of |x| ≤ 0.2, to 2·10⁻⁷ at its ends and 10⁻¹¹ on most days: a polynomial, because the library's takes longer
// than all the rest of a day.
func exp(x float64) float64 {
	x2 := x * x
	return (1 + x) + x2*((1.0/2+x*(1.0/6))+x2*(1.0/24+x*(1.0/120)))
}

// path simulates one path day by day. Its random bits depend on the seed and on i alone, so that it is the same among
// any number of paths.
func (m *Model) path(table *shocks, start, drift float64, days Calendar, seed uint64, i int, out *Prices) {
	state := mix(mix(seed)+golden*uint64(i)) | 1
	omega, alpha, beta, gamma := m.Values["omega"], m.Values["alpha"], m.Values["beta"], m.Values["gamma"]
	h, price := m.HNext, start
	exponential := m.Model == "egarch"
	logH := math.Log(h)
	for month, n := range days {
		sum := 0.0
		for range n {
			sum += price
			state += golden
			// The shock of 64 random bits; by hand, because the compiler does not inline it where every day of
			// every path passes.
			bits := mix(state)
			cell, rest := bits>>53, float64(bits<<11>>11)*0x1p-53
			z := table.at[cell] + rest*(table.at[cell+1]-table.at[cell])
			if cell == 0 || cell == cells-1 {
				z = table.tail(cell, rest)
			}
			r := drift - h*0.005 + math.Sqrt(h)*z // percent
			if r > shortReturn || r < -shortReturn {
				price *= math.Exp(max(-maxReturn, min(maxReturn, r)) / 100)
			} else {
				price *= exp(r * 0.01)
			}
			if exponential {
				logH = min(math.Log(maxVariance), omega+alpha*(math.Abs(z)-table.absE)+gamma*z+beta*logH)
				h = math.Exp(logH)
				continue
			}
			a := alpha
			if z < 0 {
				a += gamma
			}
			// ω + aε² + βh with ε² = h·z², so that the next day does not wait for a square root.
			h = omega + (a*z*z+beta)*h
			if h > maxVariance {
				h = maxVariance
			}
		}
		out.Mean[i*len(days)+month] = sum / float64(n)
	}
	out.Final[i] = price
}
