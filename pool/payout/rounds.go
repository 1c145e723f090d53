package payout

import "slices"

// span is shares from an index of the log up to another, exclusive.
type span struct{ from, to uint64 }

// Rounds say which shares a block of the pool has paid already, for PROP. A share is open until a
// block that stands has paid it. Blocks are named by the index of the share that solved them. The
// zero Rounds have every share open.
//
// A coinbase is laid out before its block is found, so a round is asked for as it was at a position
// of the log: two jobs that count the same shares pay the same, whatever block comes in between.
//
// Invariants: final is ordered and disjoint, and changes are in the order of the log. The spans of two standing blocks
// may overlap: jobs that were out together pay the same shares.
type Rounds struct {
	final    []span // paid by blocks that can no longer be orphaned
	standing []round
	changes  []change // oldest first
}

// round is the shares that a block has paid.
type round struct {
	block uint64
	spans []span
}

// change is what was paid before the log's entry at an index changed it.
type change struct {
	at   uint64
	paid []span
}

// paid is ordered and disjoint.
func (r *Rounds) paid() []span {
	all := slices.Clone(r.final)
	for _, one := range r.standing {
		all = append(all, one.spans...)
	}
	return union(all)
}

// asOf is what was paid when the log had position entries.
func (r *Rounds) asOf(position uint64) []span {
	for _, c := range r.changes {
		if c.at >= position {
			return c.paid
		}
	}
	return r.paid()
}

// Close ends a round with a block whose split counts the shares before position. The entry at index
// at of the log says so.
func (r *Rounds) Close(block, at, position uint64) {
	spans := without(span{0, position}, r.asOf(position))
	r.changed(at)
	r.standing = append(r.standing, round{block, spans})
}

// Reopen takes back what a block has paid: it is an orphan. What it returns restores it. Only what no other standing
// block has paid is open again.
func (r *Rounds) Reopen(block, at uint64) (restore func(at uint64)) {
	i := slices.IndexFunc(r.standing, func(one round) bool { return one.block == block })
	if i < 0 {
		return func(uint64) {}
	}
	r.changed(at)
	gone := r.standing[i]
	r.standing = slices.Delete(r.standing, i, i+1)
	return func(at uint64) {
		r.changed(at)
		r.standing = append(r.standing, gone)
	}
}

func (r *Rounds) changed(at uint64) { r.changes = append(r.changes, change{at, r.paid()}) }

// Settle notes that a block can no longer be orphaned.
func (r *Rounds) Settle(block uint64) {
	for i, one := range r.standing {
		if one.block == block {
			r.final = union(append(r.final, one.spans...))
			r.standing = slices.Delete(r.standing, i, i+1)
			return
		}
	}
}

// Forget drops what no job from position on asks for.
func (r *Rounds) Forget(position uint64) {
	for len(r.changes) > 0 && r.changes[0].at < position {
		r.changes = r.changes[1:]
	}
}

// Oldest is the index of the first share that a round may still want.
func (r *Rounds) Oldest() uint64 {
	if len(r.final) == 0 || r.final[0].from > 0 {
		return 0
	}
	oldest := r.final[0].to
	for _, c := range r.changes { // a job of before may still ask
		if len(c.paid) == 0 || c.paid[0].from > 0 {
			return 0
		}
		oldest = min(oldest, c.paid[0].to)
	}
	return oldest
}

// union orders spans and joins those that touch.
func union(spans []span) []span {
	slices.SortFunc(spans, func(a, b span) int { return compare(a.from, b.from) })
	var joined []span
	for _, s := range spans {
		if n := len(joined); n > 0 && s.from <= joined[n-1].to {
			joined[n-1].to = max(joined[n-1].to, s.to)
		} else if s.from < s.to {
			joined = append(joined, s)
		}
	}
	return joined
}

// without is what is left of a span outside others, which are ordered and disjoint.
func without(whole span, others []span) (left []span) {
	for _, o := range others {
		if o.from >= whole.to {
			break
		}
		if o.from > whole.from {
			left = append(left, span{whole.from, o.from})
		}
		whole.from = max(whole.from, o.to)
	}
	if whole.from < whole.to {
		left = append(left, whole)
	}
	return left
}

// within tells whether an index is in one of ordered spans.
func within(index uint64, spans []span) bool {
	_, found := slices.BinarySearchFunc(spans, index, func(s span, index uint64) int {
		switch {
		case s.to <= index:
			return -1
		case s.from > index:
			return 1
		}
		return 0
	})
	return found
}
