package speed

import (
	"context"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"time"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/params"
	"github.com/aqsha/aqsha/planner"
	"github.com/aqsha/aqsha/planner/power"
	"github.com/aqsha/aqsha/planner/power/dispatch"
	"github.com/aqsha/aqsha/planner/value"
)

// Settings of a measurement.
type Settings struct {
	Paths       int `json:"paths"`
	Machines    int `json:"machines"`
	Repetitions int `json:"repetitions"`
}

// Defaults are the sizes that the documentation states.
var Defaults = Settings{10_000, 10_000, 7}

// Result holds medians over the repetitions, wall clock, and what they are compared with in the same run.
type Result struct {
	Settings
	Months            int     `json:"months"`
	Classes           int     `json:"classes"`
	Processors        int     `json:"processors"`
	MonteCarloSeconds float64 `json:"monte_carlo_seconds"`     // prices, network and machines
	MonteCarloCPU     float64 `json:"monte_carlo_cpu_seconds"` // processor time of the same, all processors
	PricesSeconds     float64 `json:"prices_seconds"`
	NetworkSeconds    float64 `json:"network_seconds"`
	MachinesSeconds   float64 `json:"machines_seconds"`
	ScheduleMillis    float64 `json:"schedule_millis"`     // classes of the catalogue
	ScheduleOwnMillis float64 `json:"schedule_own_millis"` // each machine with an efficiency of its own
	PlainDaysRatio    float64 `json:"plain_days_ratio"`    // a plain loop's processor time for as many days over ours
}

// Measure runs the measurement.
// cpu tells the process's processor time.
func Measure(ctx context.Context, s Settings, cpu func() time.Duration, progress func(done, all int)) (*Result, error) {
	if s.Paths < 1 || s.Paths > planner.MaxPaths || s.Machines < 1 || s.Machines > dispatch.MaxMachines ||
		s.Repetitions < 1 || s.Repetitions > 1000 {
		return nil, farm.Refuse("farm-out-of-range", "settings",
			"want 1 to %d paths, 1 to %d machines and 1 to 1000 repetitions", planner.MaxPaths, dispatch.MaxMachines)
	}
	p, err := planner.Parse("plan.toml", planner.ExampleFile,
		func(string) (string, error) { return planner.ExampleModel, nil })
	if err != nil {
		return nil, err
	}
	p.Paths = s.Paths
	r := &Result{Settings: s, Months: p.Months, Classes: len(params.MiningMachines), Processors: runtime.GOMAXPROCS(0)}
	shared, own := dispatch.Example(s.Machines, false, 1), dispatch.Example(s.Machines, true, 1)
	var whole, busy, drawing, prices, network, machines, schedule, each, plain []float64
	for i := range s.Repetitions {
		before := cpu()
		stages, drawn, err := simulate(ctx, p, cpu)
		if err != nil {
			return nil, err
		}
		busy = append(busy, (cpu() - before).Seconds())
		drawing = append(drawing, drawn)
		whole = append(whole, stages[0]+stages[1]+stages[2])
		prices, network, machines = append(prices, stages[0]), append(network, stages[1]), append(machines, stages[2])
		// any order: each has its own list
		for problem, into := range map[*dispatch.Problem]*[]float64{shared: &schedule, own: &each} {
			start := time.Now()
			if _, err := dispatch.Solve(problem); err != nil {
				return nil, err
			}
			*into = append(*into, time.Since(start).Seconds()*1000)
		}
		plain = append(plain, plainDays(s.Paths, p, cpu))
		if progress != nil {
			progress(i+1, s.Repetitions)
		}
	}
	r.MonteCarloCPU = median(busy)
	r.MonteCarloSeconds, r.PricesSeconds, r.NetworkSeconds, r.MachinesSeconds = median(whole), median(prices),
		median(network), median(machines)
	r.ScheduleMillis, r.ScheduleOwnMillis = median(schedule), median(each)
	if drawn := median(drawing); drawn > 0 {
		r.PlainDaysRatio = median(plain) / drawn
	}
	return r, nil
}

// simulate times its stages: prices, the network's answer, a machine of every class along every path; and the
// processor time of the first.
func simulate(ctx context.Context, p *planner.Plan,
	cpu func() time.Duration) (stages [3]float64, drawn float64, err error) {
	start, before := time.Now(), cpu()
	lap := func(i int) {
		stages[i] = time.Since(start).Seconds()
		start = time.Now()
	}
	prices, err := value.DrawPrices(ctx, p)
	if err != nil {
		return stages, drawn, err
	}
	lap(0)
	drawn = (cpu() - before).Seconds()
	w, err := value.NewEconomy(ctx, p, prices, value.Same)
	if err != nil {
		return stages, drawn, err
	}
	lap(1)
	coins := w.CoinsHeld(500_000)
	for _, model := range params.MiningMachines {
		life := value.Life{Class: power.ClassOf(model.Value, 1), To: p.Months, Resale: 100_000, Value: 1_000_000,
			WriteOff: [2]int{0, 48}}
		if _, err := w.Unit(ctx, life, coins); err != nil {
			return stages, drawn, err
		}
	}
	lap(2)
	return stages, drawn, nil
}

// plainDays is the processor time of the plain way for a hundredth of the days, times a hundred: normal shocks from the
// standard library, its exponential, the same recursion.
func plainDays(paths int, p *planner.Plan, cpu func() time.Duration) float64 {
	days := 0
	for _, n := range p.Days() {
		days += n
	}
	source := rand.New(rand.NewPCG(1, 2))
	n := max(1, paths*days/100)
	h, price := 7.5, 95_000.0
	start := cpu()
	for range n {
		e := math.Sqrt(h) * source.NormFloat64()
		price *= math.Exp((e - h/200) / 100)
		h = 0.25 + 0.07*e*e + 0.9*h
	}
	elapsed := (cpu() - start).Seconds()
	if math.IsNaN(price) {
		panic("a price that is no number")
	}
	return elapsed * float64(paths*days) / float64(n)
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

// Print tells the result to people.
func (r *Result) Print(w io.Writer) {
	fmt.Fprintf(w,
		"%d paths × %d months × %d classes of machines on %d processors: %.3f s (%.3f s of processor time)\n", r.Paths,
		r.Months, r.Classes, r.Processors, r.MonteCarloSeconds, r.MonteCarloCPU)
	fmt.Fprintf(w,
		"  prices %.3f s (a plain loop takes %.1f times the processor time), network %.3f s, machines %.3f s\n",
		r.PricesSeconds, r.PlainDaysRatio, r.NetworkSeconds, r.MachinesSeconds)
	fmt.Fprintf(w, "a day's schedule of %d machines: %.2f ms in %d classes, %.1f ms each with its own efficiency\n",
		r.Machines, r.ScheduleMillis, r.Classes, r.ScheduleOwnMillis)
	fmt.Fprintf(w, "medians of %d, wall clock; all inputs are simulated\n", r.Repetitions)
}
