package dispatch

import (
	"cmp"
	"slices"

	"github.com/aqsha/aqsha/farm"
)

// group is machines alike in class and state.
type group struct {
	class    int
	on       bool
	hours    int // in the state, as far as it matters
	watts    int64
	machines []int
}

// committed says whether its machines must still run in an hour.
func (g *group) committed(hour, minRun int) bool { return g.on && hour < minRun-g.hours }

// solver is what is left of the limits while machines are being placed. One goroutine has it for one problem.
// Invariant: room holds reserved, so that a machine in the middle of its least run always finds its power.
type solver struct {
	*Problem
	hours    int
	rules    Rules
	room     []int64 // watts left
	reserved []int64 // of them, for machines that must finish a run and are not placed yet
	net      []int64 // starts less stops into an hour, watts
	out      Schedule
	table    table
}

// Solve schedules a day: machines alike form a group, groups are placed in order of merit, and a machine's own plan is
// the best within what those before have left (a dynamic program over hours and states). Each is optimal for itself;
// where limits or the ramp bind, all together need not be, and Bound says what could be gained at most.
func Solve(p *Problem) (*Schedule, error) {
	if err := p.Check(); err != nil {
		return nil, err
	}
	s := &solver{Problem: p, hours: len(p.Cost), rules: p.Rules, room: slices.Clone(p.LimitWatts),
		reserved: make([]int64, len(p.Cost)), net: make([]int64, len(p.Cost))}
	s.rules.MinRun, s.rules.MinRest = min(max(1, s.rules.MinRun), MaxHours), min(max(1, s.rules.MinRest), MaxHours)
	s.out = Schedule{On: make([]uint64, len(p.Machines)), WattHours: make([]int64, s.hours),
		Starts: make([]int, s.hours), ByClass: make([]farm.MicroTiyn, len(p.Classes))}
	groups := s.groups()
	for _, g := range groups {
		for h := range s.hours {
			if g.committed(h, s.rules.MinRun) {
				s.reserved[h] += g.watts * int64(len(g.machines))
			}
		}
	}
	for _, g := range groups {
		s.place(g)
	}
	return &s.out, nil
}

// groups are in order of merit: the least energy for a hash, then those that run already.
func (s *solver) groups() []*group {
	type key struct {
		class, hours int
		on           bool
	}
	index := map[key]*group{}
	var groups []*group
	for i, m := range s.Machines {
		// Beyond the shortest run or rest hours make no difference: machines that the rules cannot tell apart are one
		// group, and are solved once.
		k := key{m.Class, min(m.Hours, s.rules.MinRest), m.On}
		if m.On {
			k.hours = min(m.Hours, s.rules.MinRun)
		}
		g := index[k]
		if g == nil {
			g = &group{class: k.class, on: k.on, hours: k.hours, watts: s.Classes[m.Class].MeterWatts(s.PUEMilli)}
			index[k] = g
			groups = append(groups, g)
		}
		g.machines = append(g.machines, i)
	}
	slices.SortStableFunc(groups, func(a, b *group) int {
		if a.on != b.on && s.Classes[a.class].MilliJTH == s.Classes[b.class].MilliJTH {
			if a.on {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(s.Classes[a.class].MilliJTH, s.Classes[b.class].MilliJTH),
			cmp.Compare(a.class, b.class), cmp.Compare(b.hours, a.hours))
	})
	return groups
}

// place gives a group's machines their hours, as many at once as have room in the same ones.
func (s *solver) place(g *group) {
	free := s.table.best(s, g, false)
	s.out.Bound += free.gain * farm.MicroTiyn(len(g.machines))
	for left := g.machines; len(left) > 0; {
		p := s.table.best(s, g, true)
		n := s.fits(g, p, len(left))
		for _, m := range left[:n] {
			s.out.On[m] = p.on
		}
		left = left[n:]
		s.take(g, p, n)
	}
}

// hourRoom is what one more machine of the group finds in an hour.
func (s *solver) hourRoom(g *group, hour int) int64 {
	if s.Open != nil && !s.Open[hour] {
		return 0
	}
	if g.committed(hour, s.rules.MinRun) {
		return s.room[hour]
	}
	return s.room[hour] - s.reserved[hour]
}

// ramped says whether the change into an hour counts against the ramp limit.
func (s *solver) ramped(hour int) bool {
	return s.rules.RampWatts > 0 && (s.Called == nil || !s.Called[hour])
}

// fits is how many machines can have this plan.
func (s *solver) fits(g *group, p plan, most int) int {
	n := int64(most)
	running := g.on
	for h := range s.hours {
		on := p.on&(1<<h) != 0
		if on {
			n = min(n, s.hourRoom(g, h)/g.watts)
		}
		if on != running && s.ramped(h) && h != p.forced {
			change := s.rules.RampWatts - s.net[h]
			if !on {
				change = s.rules.RampWatts + s.net[h]
			}
			n = min(n, change/g.watts)
		}
		running = on
	}
	return int(max(1, n)) // the plan was made within what is left, so that one always fits
}

// take books n machines with a plan: their power by hour, what they start and stop, and their gain. What was reserved
// for them is given back as it is used.
func (s *solver) take(g *group, p plan, n int) {
	watts, running := g.watts*int64(n), g.on
	for h := range s.hours {
		on := p.on&(1<<h) != 0
		if g.committed(h, s.rules.MinRun) {
			s.reserved[h] -= watts
		}
		if on {
			s.room[h] -= watts
			s.out.WattHours[h] += watts
		}
		switch {
		case on && !running:
			s.net[h] += watts
			s.out.Starts[h] += n
		case !on && running:
			s.net[h] -= watts
		}
		running = on
	}
	if p.forced >= 0 && g.committed(p.forced, s.rules.MinRun) {
		s.out.Forced += n
	}
	s.out.Gain += p.gain * farm.MicroTiyn(n)
	s.out.ByClass[g.class] += p.gain * farm.MicroTiyn(n)
}
