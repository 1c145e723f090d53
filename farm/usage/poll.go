package usage

import (
	"slices"
	"time"

	"github.com/aqsha/aqsha/farm"
)

// Instant is a time in tenths of a second since 1970.
type Instant int64

// Spans of time as Instants count them.
const (
	Second Instant = 10
	Minute         = 60 * Second
	Hour           = 60 * Minute
	Day            = 24 * Hour
	Grid           = 5 * Minute // leaves are cut at its multiples
)

// At is the instant of a time.
func At(t time.Time) Instant { return Instant(t.UnixMilli() / 100) }

// Time is the instant in UTC.
func (i Instant) Time() time.Time { return time.UnixMilli(int64(i) * 100).UTC() }

// Floor is the last multiple of a step that is not after the instant.
func (i Instant) Floor(step Instant) Instant {
	m := i % step
	if m < 0 {
		m += step
	}
	return i - m
}

// Unknown stands for a number that was not reported.
const Unknown = -1

// PowerSource says where a machine's watts come from.
type PowerSource uint8

// In the order of trust.
const (
	NoPower PowerSource = iota
	ByMachine
	ByNameplate
)

// Poll is what was known of a machine at an instant. Counters are in 10^6 hashes since the mining
// program's start; −1 is not reported.
type Poll struct {
	At             Instant
	Elapsed        int64 // seconds since the mining program started
	RateMHs        int64
	NameplateMHs   int64
	TotalMH        int64
	AcceptedMH     int64
	RejectedMH     int64 // with stale work
	HardwareErrors int64
	ChipTemp       int64 // °C
	SlowestFan     int64 // rpm
	Watts          int64
	Source         PowerSource
	NominalWatts   int64
	Boards         int64 // live
	BoardsDue      int64 // that the machine should have
	CapPermille    int64 // of the nameplate that the power limit leaves; 1000: no limit
	PoolAlive      bool
	PoolWrong      bool
	Throttled      bool // slowed down by heat
	Sleeping       bool // told not to mine
}

// Nameplate is what the machine should hash in a span.
func (p Poll) Nameplate(span Instant) farm.Hashes {
	return farm.Hashes(p.NameplateMHs * 100_000 * int64(span)) // 10^6 / 10 per tenth of a second
}

// State is what a machine is doing at an instant.
type State uint8

// States; those after Running in the order of priority.
const (
	Running State = iota
	Planned
	Curtailed
	Outage
	Repair
	Lost // unknown
	States
)

var stateNames = [States]string{"running", "planned", "curtailed", "outage", "repair", "unknown"}

func (s State) String() string { return stateNames[s] }

// ParseState reads the name of a state that a person can mark.
func ParseState(name string) (State, error) {
	if i := slices.Index(stateNames[:], name); i >= int(Planned) && i < int(Lost) {
		return State(i), nil
	}
	return 0, farm.Refuse("unknown-state", "state", "%q is not one of planned, curtailed, outage, repair", name)
}

// Annotation says that a machine does not run between two instants, and why.
type Annotation struct {
	From, To Instant
	State    State
}

// stateAt is the mark of the highest priority at an instant, or Lost, and the instant at which that may change.
func stateAt(annotations []Annotation, at, end Instant) (State, Instant) {
	state := Lost
	for _, m := range annotations {
		switch {
		case m.To <= m.From || m.State <= Running || m.State >= Lost:
		case at < m.From:
			end = min(end, m.From)
		case at < m.To:
			state, end = min(state, m.State), min(end, m.To)
		}
	}
	return state, end
}
