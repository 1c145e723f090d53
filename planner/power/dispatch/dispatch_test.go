package dispatch_test

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/planner/power"
	"github.com/aqsha/aqsha/planner/power/dispatch"
)

func Example() {
	s21 := power.Class{Name: "S21", RateGHs: 200_000, Watts: 3500, MilliJTH: 17_500}
	p := &dispatch.Problem{
		Cost: []farm.MicroTiyn{20e8, 20e8, 60e8, 20e8}, LimitWatts: []int64{4000, 4000, 4000, 4000},
		Classes: []power.Class{s21}, Earnings: []farm.MicroTiyn{150e8}, PUEMilli: 1000,
		Machines: []dispatch.Machine{{Name: "a", Hours: 9}, {Name: "b", Hours: 9}},
	}
	s, err := dispatch.Solve(p)
	fmt.Printf("%04b %04b %s %v\n", s.On[0], s.On[1], s.Gain.Tiyn(), err)
	// Output: 1011 0000 240.00 <nil>
}

// draw makes a small problem; its machines and hours can be enumerated.
func draw(t *rapid.T, machines int) *dispatch.Problem {
	hours := rapid.IntRange(1, 5).Draw(t, "hours")
	p := &dispatch.Problem{PUEMilli: 1000, Rules: dispatch.Rules{MinRun: rapid.IntRange(1, 3).Draw(t, "run"), MinRest: rapid.IntRange(1, 2).Draw(t, "rest"),
		StartMinutes: int64(rapid.SampledFrom([]int{0, 10, 30}).Draw(t, "start"))}}
	for h := range hours {
		p.Cost = append(p.Cost, farm.MicroTiyn(rapid.IntRange(-30, 90).Draw(t, fmt.Sprint("cost", h)))*1e8)
		p.LimitWatts = append(p.LimitWatts, 1e9)
	}
	for c := range 2 {
		milliJTH := int64(15_000 + 5_000*c)
		p.Classes = append(p.Classes, power.Class{Name: fmt.Sprint(c), RateGHs: 200_000, Watts: 200 * milliJTH / 1000, MilliJTH: milliJTH})
		p.Earnings = append(p.Earnings, 140e8)
	}
	for i := range rapid.IntRange(1, machines).Draw(t, "machines") {
		p.Machines = append(p.Machines, dispatch.Machine{Name: fmt.Sprint(i), Class: rapid.IntRange(0, 1).Draw(t, "class"), On: rapid.Bool().Draw(t, "on"), Hours: rapid.IntRange(1, 4).Draw(t, "for")})
	}
	return p
}

// limit adds limits, a call and a ramp.
func limit(t *rapid.T, p *dispatch.Problem) {
	for h := range p.LimitWatts {
		p.LimitWatts[h] = int64(rapid.IntRange(0, 4).Draw(t, "limit")) * 4000
	}
	if rapid.Bool().Draw(t, "ramp") {
		p.Rules.RampWatts = int64(rapid.IntRange(1, 3).Draw(t, "ramp watts")) * 4000
	}
	if from := rapid.IntRange(0, len(p.Cost)).Draw(t, "call"); from < len(p.Cost) {
		if err := p.Apply(dispatch.Call{From: from, To: len(p.Cost), LimitWatts: 4000}); err != nil {
			t.Fatal(err)
		}
	}
}

// allowed checks one machine's hours by the rules; a run from before the day may be cut only where forced.
func allowed(p *dispatch.Problem, m dispatch.Machine, on uint64, forcedAt func(hour int) bool) bool {
	running, since, before := m.On, m.Hours, true
	for h := range p.Cost {
		runs := on&(1<<h) != 0
		if runs == running {
			since++
			continue
		}
		if running && since < p.Rules.MinRun && (!before || !forcedAt(h)) {
			return false
		}
		if !running && since < p.Rules.MinRest {
			return false
		}
		running, since, before = runs, 1, false
	}
	return true
}

func gain(p *dispatch.Problem, m dispatch.Machine, on uint64) farm.MicroTiyn {
	total, running := farm.MicroTiyn(0), m.On
	for h := range p.Cost {
		runs := on&(1<<h) != 0
		if runs {
			total += p.Earnings[m.Class] - p.Cost[h]*farm.MicroTiyn(p.Classes[m.Class].MeterWatts(p.PUEMilli))/1000
			if !running {
				total -= p.Earnings[m.Class] * farm.MicroTiyn(p.Rules.StartMinutes) / 60
			}
		}
		running = runs
	}
	return total
}

// Where nothing binds, every machine has the best of all its possible days.
func TestBestWithoutLimits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := draw(t, 6)
		s, err := dispatch.Solve(p)
		if err != nil {
			t.Fatal(err)
		}
		var want farm.MicroTiyn
		for _, m := range p.Machines {
			best := farm.MicroTiyn(-1 << 60)
			for on := range uint64(1) << len(p.Cost) {
				if allowed(p, m, on, func(int) bool { return false }) {
					best = max(best, gain(p, m, on))
				}
			}
			want += best
		}
		if s.Gain != want || s.Bound != want {
			t.Fatalf("gain %d, bound %d, trying every day gives %d", s.Gain, s.Bound, want)
		}
	})
}

// Whatever binds: limits, ramp and rules hold, the gain is what the hours add up to, and never above the bound.
func TestLimitsHold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := draw(t, 8)
		limit(t, p)
		s, err := dispatch.Solve(p)
		if err != nil {
			t.Fatal(err)
		}
		check(t, p, s, 0)
		if s.Forced == 0 && s.Gain > s.Bound { // a call may free from a run that loses
			t.Fatalf("gain %d above the bound %d", s.Gain, s.Bound)
		}
	})
}

func check(t *rapid.T, p *dispatch.Problem, s *dispatch.Schedule, from int) {
	load, was, forced := make([]int64, len(p.Cost)), int64(0), make([]int64, len(p.Cost))
	var total farm.MicroTiyn
	for i, m := range p.Machines {
		watts := p.Classes[m.Class].MeterWatts(p.PUEMilli)
		if m.On {
			was += watts
		}
		full := func(h int) bool { // no room for another machine of this kind
			forced[h] += watts
			return true
		}
		if !allowed(p, m, s.On[i], full) {
			t.Fatalf("machine %d (%+v) runs %05b against the rules", i, m, s.On[i])
		}
		for h := range p.Cost {
			if s.Running(i, h) {
				load[h] += watts
			}
		}
		total += gain(p, m, s.On[i])
	}
	for h := range p.Cost {
		if load[h] > p.LimitWatts[h] && h >= from || load[h] != s.WattHours[h] {
			t.Fatalf("hour %d: %d W, limit %d, booked %d", h, load[h], p.LimitWatts[h], s.WattHours[h])
		}
		change := load[h] - was
		called := p.Called != nil && p.Called[h]
		if p.Rules.RampWatts > 0 && !called && change > p.Rules.RampWatts {
			t.Fatalf("hour %d: load rises by %d W, ramp %d", h, change, p.Rules.RampWatts)
		}
		was = load[h]
	}
	if total != s.Gain {
		t.Fatalf("hours add up to %d, gain %d", total, s.Gain)
	}
}

// Against every schedule there is, of few machines under limits: never better, since the rules are the same.
func TestNeverBetterThanBruteForce(t *testing.T) {
	worst := 1.0
	rapid.Check(t, func(t *rapid.T) {
		p := draw(t, 3)
		for h := range p.LimitWatts {
			p.LimitWatts[h] = int64(rapid.IntRange(2, 4).Draw(t, "limit")) * 4000
		}
		for i := range p.Machines {
			p.Machines[i].On, p.Machines[i].Hours = false, 9 // nothing is forced
		}
		s, err := dispatch.Solve(p)
		if err != nil {
			t.Fatal(err)
		}
		best := bruteForce(p)
		if s.Gain > best {
			t.Fatalf("gain %d above the best of all, %d", s.Gain, best)
		}
		if best > 0 {
			worst = min(worst, float64(s.Gain)/float64(best))
		}
	})
	if worst < 0.5 {
		t.Errorf("merit order reached only %.0f %% of the best", 100*worst)
	}
	t.Logf("at worst %.1f %% of the best", 100*worst)
}

func bruteForce(p *dispatch.Problem) farm.MicroTiyn {
	var best farm.MicroTiyn
	load := make([]int64, len(p.Cost))
	var search func(i int, sum farm.MicroTiyn)
	search = func(i int, sum farm.MicroTiyn) {
		if i == len(p.Machines) {
			best = max(best, sum)
			return
		}
		m := p.Machines[i]
		watts := p.Classes[m.Class].MeterWatts(p.PUEMilli)
	plans:
		for on := range uint64(1) << len(p.Cost) {
			if !allowed(p, m, on, func(int) bool { return false }) {
				continue
			}
			for h := range p.Cost {
				if on&(1<<h) != 0 && load[h]+watts > p.LimitWatts[h] {
					continue plans
				}
			}
			for h := range p.Cost {
				load[h] += int64(on>>h&1) * watts
			}
			search(i+1, sum+gain(p, m, on))
			for h := range p.Cost {
				load[h] -= int64(on>>h&1) * watts
			}
		}
	}
	search(0, 0)
	return best
}

// A call in the middle of the day leaves what was run, obeys the call, and books every hour once.
func TestReplanKeepsThePast(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := draw(t, 8)
		before, err := dispatch.Solve(p)
		if err != nil {
			t.Fatal(err)
		}
		hour := rapid.IntRange(0, len(p.Cost)-1).Draw(t, "hour")
		if err := p.Apply(dispatch.Call{From: hour, To: len(p.Cost), LimitWatts: int64(rapid.IntRange(0, 3).Draw(t, "limit")) * 4000}); err != nil {
			t.Fatal(err)
		}
		after, err := dispatch.Replan(p, before, hour)
		if err != nil {
			t.Fatal(err)
		}
		for i := range before.On {
			if mask := uint64(1)<<hour - 1; before.On[i]&mask != after.On[i]&mask {
				t.Fatalf("machine %d: %05b became %05b before hour %d", i, before.On[i], after.On[i], hour)
			}
		}
		for h := hour; h < len(p.Cost); h++ {
			if after.WattHours[h] > p.LimitWatts[h] {
				t.Fatalf("hour %d: %d W under a call for %d", h, after.WattHours[h], p.LimitWatts[h])
			}
		}
		if after.Forced == 0 && after.Gain > before.Gain {
			t.Fatalf("a call raised the gain from %d to %d", before.Gain, after.Gain)
		}
	})
}

func BenchmarkDay(b *testing.B) {
	for _, own := range []bool{false, true} {
		p := dispatch.Example(10_000, own, 1)
		b.Run(fmt.Sprint("each its own efficiency=", own), func(b *testing.B) {
			for b.Loop() {
				if _, err := dispatch.Solve(p); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
