package dispatch

import (
	"math/bits"

	"github.com/aqsha/aqsha/farm"
)

// Call is a curtailment: from an hour to another no more than so many watts.
type Call struct {
	From, To   int
	LimitWatts int64
}

// Apply puts a call into a problem: hours [From, To). Of calls for one hour the lowest limit holds. It changes the
// problem's own lists.
func (p *Problem) Apply(c Call) error {
	if c.From < 0 || c.To > len(p.Cost) || c.From >= c.To || c.LimitWatts < 0 {
		return farm.Refuse("call", "curtailment",
			"want hours within 0 to %d in order and a limit of at least 0, got %d to %d, %d W", len(p.Cost), c.From,
			c.To, c.LimitWatts)
	}
	if p.Called == nil {
		p.Called = make([]bool, len(p.Cost))
	}
	for h := c.From; h < c.To; h++ {
		p.Called[h], p.LimitWatts[h] = true, min(p.LimitWatts[h], c.LimitWatts)
	}
	return nil
}

// At is the state of a schedule's machines as an hour begins.
func (s *Schedule) At(p *Problem, hour int) []Machine {
	states := make([]Machine, len(p.Machines))
	for i, m := range p.Machines {
		states[i] = m
		if hour == 0 {
			continue
		}
		states[i].On = s.Running(i, hour-1)
		before := s.On[i] & (1<<hour - 1) << (64 - hour) // the last hour is the highest bit
		if !states[i].On {
			before = ^before
		}
		states[i].Hours = min(hour, bits.LeadingZeros64(^before))
		if states[i].Hours == hour && m.On == states[i].On {
			states[i].Hours += m.Hours
		}
	}
	return states
}

// Replan keeps what was run before an hour and solves the rest again; p has the calls applied.
func Replan(p *Problem, s *Schedule, hour int) (*Schedule, error) {
	if hour < 0 || hour >= len(p.Cost) || len(s.On) != len(p.Machines) {
		return nil, farm.Refuse("call", "hour", "want an hour of the schedule's day and its machines, got %d", hour)
	}
	rest := *p
	// With the hours that each has run or rested: a start just before the call is still bound by its shortest run.
	rest.Machines = s.At(p, hour)
	rest.Cost, rest.LimitWatts = p.Cost[hour:], p.LimitWatts[hour:]
	if p.Open != nil {
		rest.Open = p.Open[hour:]
	}
	if p.Called != nil {
		rest.Called = p.Called[hour:]
	}
	tail, err := Solve(&rest)
	if err != nil {
		return nil, err
	}
	out := &Schedule{On: make([]uint64, len(s.On)), WattHours: append(append([]int64{}, s.WattHours[:hour]...),
		tail.WattHours...),
		Starts:  append(append([]int{}, s.Starts[:hour]...), tail.Starts...),
		ByClass: make([]farm.MicroTiyn, len(p.Classes)), Forced: tail.Forced}
	for i := range s.On {
		out.On[i] = s.On[i]&(1<<hour-1) | tail.On[i]<<hour
		gain := p.gainOf(i, s.On[i], hour)
		out.Gain += gain
		out.ByClass[p.Machines[i].Class] += gain
	}
	// The past is what it is: a bound is only of the hours that are left.
	out.Bound = out.Gain + tail.Bound
	out.Gain += tail.Gain
	for c := range out.ByClass {
		out.ByClass[c] += tail.ByClass[c]
	}
	return out, nil
}

// gainOf is what one machine gains in the first hours of a schedule. A start costs the earnings of StartMinutes, as in
// the dynamic program.
func (p *Problem) gainOf(machine int, on uint64, hours int) farm.MicroTiyn {
	m := p.Machines[machine]
	watts := farm.MicroTiyn(p.Classes[m.Class].MeterWatts(p.PUEMilli))
	running := m.On
	var gain farm.MicroTiyn
	for h := range hours {
		runs := on&(1<<h) != 0
		if runs {
			gain += p.Earnings[m.Class] - p.Cost[h]*watts/1000
			if !running {
				gain -= p.Earnings[m.Class] * farm.MicroTiyn(p.Rules.StartMinutes) / 60
			}
		}
		running = runs
	}
	return gain
}
