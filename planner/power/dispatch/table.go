package dispatch

import (
	"math"

	"github.com/aqsha/aqsha/farm"
)

// plan is the hours of one machine.
type plan struct {
	on     uint64
	gain   farm.MicroTiyn
	forced int // the hour in which the run that was on ended because there was no room; −1: none
}

// impossible is a value that no sum of gains reaches.
const impossible = farm.MicroTiyn(math.MinInt64 / 4)

// table is the dynamic program's scratch: the best value from an hour on, by state. States are: off for 1…MinRest
// hours, on for 1…MinRun hours, and on since before the day began. A solver uses one for all its groups.
type table struct {
	value [MaxHours + 1][2*MaxHours + 2]farm.MicroTiyn
	runs  [MaxHours][2*MaxHours + 2]bool // run in this hour
	open  [MaxHours]bool
	up    [MaxHours]bool
	down  [MaxHours]bool
	gain  [MaxHours]farm.MicroTiyn
}

// best finds the best plan of a machine of the group; limited: within what is left of room and ramp.
func (t *table) best(s *solver, g *group, limited bool) plan {
	t.prepare(s, g, limited)
	rest, run := s.rules.MinRest, s.rules.MinRun
	first := rest + run // state: on since before
	for i := range first + 1 {
		t.value[s.hours][i] = 0
	}
	lost := s.Earnings[g.class] * farm.MicroTiyn(s.rules.StartMinutes) / 60
	for h := s.hours - 1; h >= 0; h-- {
		next, now := &t.value[h+1], &t.value[h]
		for k := 1; k <= rest; k++ { // off
			stay := next[min(k, rest-1)]
			start := impossible
			if k == rest && t.open[h] && t.up[h] {
				start = next[rest+min(1, run)-1] + t.gain[h] - lost
			}
			now[k-1], t.runs[h][k-1] = max(stay, start), start > stay
		}
		for k := 1; k <= run; k++ { // on, begun within the day
			stay, stop := impossible, impossible
			if t.open[h] {
				stay = next[rest+min(k+1, run)-1] + t.gain[h]
			}
			if k == run && t.down[h] {
				stop = next[0]
			}
			now[rest+k-1], t.runs[h][rest+k-1] = max(stay, stop, impossible), stay >= stop
		}
		stay, stop := impossible, impossible // on since before
		if t.open[h] {
			stay = next[first] + t.gain[h]
		}
		if !t.open[h] || (!g.committed(h, run) && t.down[h]) {
			stop = next[0]
		}
		now[first], t.runs[h][first] = max(stay, stop, impossible), stay >= stop
	}
	return t.read(s, g, first, rest, run)
}

// prepare says what is possible in each hour, and what it gains.
func (t *table) prepare(s *solver, g *group, limited bool) {
	for h := range s.hours {
		t.gain[h] = s.Earnings[g.class] - s.Cost[h]*farm.MicroTiyn(g.watts)/1000
		t.open[h], t.up[h], t.down[h] = s.Open == nil || s.Open[h], true, true
		if !limited {
			continue
		}
		t.open[h] = s.hourRoom(g, h) >= g.watts
		if s.ramped(h) {
			t.up[h] = s.rules.RampWatts-s.net[h] >= g.watts
			t.down[h] = s.rules.RampWatts+s.net[h] >= g.watts
		}
	}
}

// read follows the best decisions, from the machine's state at the day's beginning. forced is the hour in which a
// limit ended a run before its least time; −1 for none.
func (t *table) read(s *solver, g *group, first, rest, run int) plan {
	p := plan{forced: -1}
	state := first
	if !g.on {
		state = min(max(1, g.hours), rest) - 1
	}
	p.gain = t.value[0][state]
	for h := range s.hours {
		runs := t.runs[h][state]
		if runs {
			p.on |= 1 << h
		}
		// States in order: running long enough (first), resting 1 to rest hours, then running 1 to run hours. They
		// are walked as solve has filled them in.
		switch {
		case state == first && !runs:
			if !t.open[h] {
				p.forced = h
			}
			state = 0
		case state == first:
		case state < rest && runs:
			state = rest
		case state < rest:
			state = min(state+1, rest-1)
		case runs:
			state = min(state+1, rest+run-1)
		default:
			state = 0
		}
	}
	return p
}
