package usage

import "github.com/aqsha/aqsha/farm"

// restartSlack is how far a machine's seconds may lag behind ours before a restart is seen in them.
const restartSlack = 5 * Second

// hardwareErrorMH is the work of a nonce that turned out wrong: difficulty 1, 2^32 hashes.
const hardwareErrorMH = 4295

// LongestGap is the longest silence that the next poll resolves. Longer ones are unknown, so that a
// day's account is settled two days after its end, whatever comes later.
const LongestGap = 2 * Day

// Walker turns a machine's polls, in order of time, into leaves.
type Walker struct {
	Annotations []Annotation // may overlap
	Emit        func(Leaf)

	last  Poll
	begun bool
	blank bool // last is only an instant
}

// Begin starts the account of a machine at an instant before its first poll: the time until then is unknown.
func (w *Walker) Begin(at Instant) { w.last, w.begun, w.blank = Poll{At: at}, true, true }

// Add accounts for the time since the last poll. A poll that is not later than the last one is ignored.
func (w *Walker) Add(p Poll) {
	if !w.begun {
		w.last, w.begun = p, true
		return
	}
	if p.At <= w.last.At {
		return
	}
	if w.blank || p.At-w.last.At > LongestGap {
		w.idle(p, w.last.At, p.At)
	} else {
		w.interval(w.last, p)
	}
	w.last, w.blank = p, false
}

// Finish accounts for the time from the last poll to an end after which nothing is known. A machine
// without any poll has the nameplate of like.
func (w *Walker) Finish(end Instant, like Poll) {
	if w.begun && end > w.last.At {
		if !w.blank {
			like = w.last
		}
		w.idle(like, w.last.At, end)
		w.last.At = end
	}
}

// interval accounts for the time between two polls.
func (w *Walker) interval(a, b Poll) {
	start := a.At // of the time in which the program ran
	span := b.At - a.At
	restarted := b.Elapsed >= 0 && Instant(b.Elapsed)*Second+restartSlack < span
	if !restarted && a.Elapsed >= 0 && b.Elapsed >= 0 && b.Elapsed < a.Elapsed {
		restarted = true
	}
	if restarted {
		start = max(a.At, b.At-Instant(b.Elapsed)*Second)
		w.idle(b, a.At, start)
	}
	if start == b.At {
		return
	}
	m, estimated := measure(a, b, b.At-start, restarted)
	if a.Sleeping && b.Sleeping && m.hashed == 0 {
		w.resting(b, start, b.At)
		return
	}
	if m.hashed == 0 {
		if annotated, end := stateAt(w.Annotations, start, b.At); annotated != Lost || end < b.At {
			w.halted(a, b, start, m, estimated)
			return
		}
	}
	w.run(a, b, start, b.At, start, b.At, m, estimated)
}

// resting is the time of a machine that was told to sleep: curtailed, unless something stronger is marked.
func (w *Walker) resting(p Poll, from, to Instant) {
	for from < to {
		state, end := stateAt(w.Annotations, from, min(to, from.Floor(Grid)+Grid))
		w.stopped(p, from, end, min(state, Curtailed))
		from = end
	}
}

// halted is the time of a machine that answers and hashes nothing, where marks explain a part of it.
func (w *Walker) halted(a, b Poll, start Instant, m counters, estimated bool) {
	for from := start; from < b.At; {
		state, end := stateAt(w.Annotations, from, b.At)
		if state == Lost {
			w.run(a, b, from, end, start, b.At, m, estimated)
		} else {
			for at := from; at < end; {
				next := min(end, at.Floor(Grid)+Grid)
				w.stopped(b, at, next, state)
				at = next
			}
		}
		from = end
	}
}

// idle is time in which nothing is known to have run.
func (w *Walker) idle(p Poll, from, to Instant) {
	for from < to {
		state, end := stateAt(w.Annotations, from, min(to, from.Floor(Grid)+Grid))
		w.stopped(p, from, end, state)
		from = end
	}
}

func (w *Walker) stopped(p Poll, from, to Instant, state State) {
	leaf := Leaf{From: from, To: to, State: state, Nameplate: p.Nameplate(to - from)}
	leaf.Work[causeOf(state)] = leaf.Nameplate
	w.Emit(leaf)
}

// run emits the running leaves of [from, to), a part of the measured span, cut at the grid. Each gets
// its share, by time, of what was counted.
func (w *Walker) run(a, b Poll, from, to, start, end Instant, m counters, estimated bool) {
	c := conditions{capPermille: b.CapPermille, throttled: a.Throttled || b.Throttled, poolDead: !a.PoolAlive &&
		!b.PoolAlive, poolWrong: a.PoolWrong && b.PoolWrong}
	if b.Boards >= 0 && b.BoardsDue > 0 {
		// The mean of both ends, doubled so that it stays a whole number: a board that was lost in between was there
		// for half of the time.
		before := b.Boards
		if a.Boards >= 0 && a.BoardsDue == b.BoardsDue {
			before = a.Boards
		}
		c.boards, c.due = before+b.Boards, 2*b.BoardsDue
	}
	for from < to {
		next := min(to, from.Floor(Grid)+Grid)
		piece := m.part(from, next, start, end)
		l := walkDown(b.Nameplate(next-from), c, piece)
		leaf := Leaf{From: from, To: next, Nameplate: l.nameplate, Work: l.split(), Gain: l.gains(c),
			Estimated: estimated}
		if b.Watts >= 0 {
			watts := b.Watts
			// Two sources have no mean: what the machine says and what its nameplate says are kept apart.
			if a.Watts >= 0 && a.Source == b.Source {
				watts = (a.Watts + b.Watts) / 2
			}
			leaf.Energy[b.Source] = watts * int64(next-from)
		}
		if b.NameplateMHs > 0 && b.NominalWatts > 0 {
			leaf.NormEnergy = int64(mulDiv(l.accepted, farm.Hashes(b.NominalWatts),
				farm.Hashes(b.NameplateMHs*100_000)))
		}
		w.Emit(leaf)
		from = next
	}
}

// counters are what a span's counters say, in 10^6 hashes, because a gap may last for days.
type counters struct {
	hashed, invalid, rejected, accepted int64
	delivered                           bool
}

// part is the share of [from, to) in [start, end), in hashes. Shares add up because each is a
// difference of running ones.
func (c counters) part(from, to, start, end Instant) measured {
	share := func(mh int64) farm.Hashes {
		h := farm.Hashes(mh)
		return 1_000_000 * (h.Share(int64(to-start), int64(end-start)) - h.Share(int64(from-start), int64(end-start)))
	}
	return measured{share(c.hashed), share(c.invalid), share(c.rejected), share(c.accepted), c.delivered}
}

// measure takes what was done in the running part of an interval from the counters.
func measure(a, b Poll, span Instant, restarted bool) (c counters, estimated bool) {
	nameplate := b.NameplateMHs * int64(span) / 10
	bound := nameplate + nameplate/2 + 50
	hashed, ok := counted(a.TotalMH, b.TotalMH, restarted, bound)
	if !ok {
		// Missing or absurd, as some counters are after a reboot: what the rate says.
		rate := b.RateMHs
		if a.RateMHs >= 0 && !restarted {
			rate = (a.RateMHs + b.RateMHs) / 2
		}
		hashed, estimated = min(max(rate, 0), 2*b.NameplateMHs+1)*int64(span)/10, true
		hashed = min(hashed, bound)
	}
	c.hashed = hashed
	if errors := b.HardwareErrors - a.HardwareErrors; b.HardwareErrors >= 0 && a.HardwareErrors >= 0 && !restarted &&
		errors > 0 {
		c.invalid = min(hashed, min(errors, 1<<40)*hardwareErrorMH)
	}
	// Shares are few: work beyond 8 hours of the nameplate's or difficulty 2^20 is beyond any luck.
	shares := 8*b.NameplateMHs*int64(min(span, Hour))/10 + nameplate + 1<<32
	if accepted, ok := counted(a.AcceptedMH, b.AcceptedMH, restarted, shares); ok {
		c.accepted, c.delivered = accepted, true
		if rejected, ok := counted(a.RejectedMH, b.RejectedMH, restarted, shares); ok {
			c.rejected = rejected
		}
	}
	return c, estimated
}

// counted is the growth of a counter. After a restart it counts from zero, or, in firmwares that keep
// it, goes on; the first reading within the bound is taken.
func counted(before, after int64, restarted bool, bound int64) (int64, bool) {
	if after < 0 || (before < 0 && !restarted) {
		return 0, false // not there, or grown since nobody knows when
	}
	readings := []int64{after - before, after}
	if restarted {
		readings[0], readings[1] = after, after-before
	}
	if before < 0 {
		readings = readings[:1]
	}
	for _, mh := range readings {
		if mh >= 0 && mh <= bound {
			return mh, true
		}
	}
	return 0, false
}
