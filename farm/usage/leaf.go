package usage

import (
	"math/bits"

	"github.com/aqsha/aqsha/farm"
)

// Cause is where a part of the nameplate's work went. The causes partition it, in the order of the
// waterfall: what is lost while not running, what is lost while running, and what was accepted.
type Cause uint8

// The causes. Gain is negative or zero, Luck has either sign, the others are never negative.
const (
	CausePlanned Cause = iota
	CauseCurtailed
	CauseOutage
	CauseRepair
	CauseUnknown
	CauseBoards   // dead hash boards
	CauseCap      // the power limit
	CauseHeat     // the firmware slows down by heat
	CauseSlow     // unexplained
	CauseIdle     // no pool gives work
	CauseGain     // faster than the nameplate allows here
	CauseInvalid  // hardware errors
	CauseUnsent   // hashed while no pool took it, or for somebody else
	CauseRejected // rejected or stale shares
	CauseLuck     // shares found less or, below zero, more than the work stands for
	Accepted      // not a loss
	Causes
)

var causeNames = [Causes]string{"planned", "curtailed", "outage", "repair", "unknown", "boards", "cap", "heat", "slow",
	"idle", "gain", "invalid", "unsent", "rejected", "luck", "accepted"}

func (c Cause) String() string { return causeNames[c] }

// MarshalText is the cause's name.
func (c Cause) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// causeOf is the cause to which the time of a state belongs.
func causeOf(s State) Cause { return CausePlanned + Cause(s-Planned) }

// Leaf is a machine between two cuts.
type Leaf struct {
	From, To Instant
	State    State
	// Work is the nameplate's work by cause; its sum is Nameplate.
	Work      [Causes]farm.Hashes
	Nameplate farm.Hashes
	// Gain is what would have been accepted on top if a cause had not been, everything else, the power
	// cap too, being as it was. It is less than Work where another limit binds.
	Gain [Causes]farm.Hashes
	// Energy in tenths of a joule, by source; NormEnergy is what the accepted work costs at the nameplate's efficiency.
	Energy     [3]int64
	NormEnergy int64
	Estimated  bool // counters were missing or absurd; the work is the rate's
}

// levels are the steps of a running leaf's waterfall.
type levels struct {
	nameplate, boards, cap, heat, hashed, valid, sent, rejected, accepted farm.Hashes
	// what is missing below heat is the pool's
	idle bool
}

// conditions are what limits a running leaf.
type conditions struct {
	boards, due int64 // summed over both ends; due 0: not known
	capPermille int64
	throttled   bool
	poolDead    bool
	poolWrong   bool // its shares are somebody else's
}

// measured is what counters say of a running leaf.
type measured struct {
	hashed, invalid, rejected, accepted farm.Hashes
	delivered                           bool // accepted and rejected are known
}

func walkDown(nameplate farm.Hashes, c conditions, m measured) levels {
	l := levels{nameplate: nameplate, hashed: m.hashed, idle: c.poolDead}
	l.boards = nameplate
	if c.due > 0 && c.boards < c.due {
		l.boards = nameplate.Share(max(c.boards, 0), c.due)
	}
	l.cap = l.boards
	if c.capPermille >= 0 && c.capPermille < 1000 {
		l.cap = min(l.boards, nameplate.Share(c.capPermille, 1000))
	}
	l.heat = l.cap
	if c.throttled {
		l.heat = max(0, min(l.cap, m.hashed))
	}
	l.valid = m.hashed - min(m.invalid, m.hashed)
	if c.poolWrong {
		return l
	}
	l.sent = l.valid
	if !m.delivered {
		l.accepted = l.sent // nobody says otherwise
		return l
	}
	l.rejected, l.accepted = m.rejected, m.accepted
	if c.poolDead {
		l.sent = min(l.valid, m.rejected+m.accepted)
	}
	return l
}

// split turns levels into work by cause.
func (l levels) split() (work [Causes]farm.Hashes) {
	work[CauseBoards] = l.nameplate - l.boards
	work[CauseCap] = l.boards - l.cap
	work[CauseHeat] = l.cap - l.heat
	missing := l.heat - l.hashed
	switch {
	case missing < 0:
		work[CauseGain] = missing
	case l.idle:
		work[CauseIdle] = missing
	default:
		work[CauseSlow] = missing
	}
	work[CauseInvalid] = l.hashed - l.valid
	work[CauseUnsent] = l.valid - l.sent
	work[CauseRejected] = l.rejected
	work[CauseLuck] = l.sent - l.rejected - l.accepted
	work[Accepted] = l.accepted
	return work
}

// gains runs the leaf again with one cause away at a time.
func (l levels) gains(c conditions) (gain [Causes]farm.Hashes) {
	again := func(from, to farm.Hashes) farm.Hashes { // what is accepted follows a level in proportion
		if to <= from {
			return 0
		}
		if from <= 0 {
			return to
		}
		return max(0, mulDiv(l.accepted, to, from)-l.accepted)
	}
	capped := l.nameplate // every board alive: the power cap may bind now
	if c.capPermille >= 0 && c.capPermille < 1000 {
		capped = l.nameplate.Share(c.capPermille, 1000)
	}
	if l.boards < l.nameplate {
		gain[CauseBoards] = again(l.cap, capped)
	}
	if l.cap < l.boards {
		gain[CauseCap] = again(l.cap, l.boards)
	}
	gain[CauseHeat] = again(l.heat, l.cap)
	short := CauseSlow
	if l.idle {
		short = CauseIdle
	}
	gain[short] = again(l.hashed, l.heat)
	gain[CauseInvalid] = again(l.valid, l.hashed)
	gain[CauseUnsent] = again(l.sent, l.valid)
	gain[CauseRejected] = l.rejected
	return gain
}

// mulDiv is a·b/c rounded down for amounts not below zero, saturating at the largest amount.
func mulDiv(a, b, c farm.Hashes) farm.Hashes {
	const most = 1<<63 - 1
	hi, lo := bits.Mul64(uint64(a), uint64(b))
	if hi >= uint64(c) {
		return most
	}
	quotient, _ := bits.Div64(hi, lo, uint64(c))
	return farm.Hashes(min(quotient, most))
}
