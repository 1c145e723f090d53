package simulate

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/farm/usage"
)

// Kind is a way to break.
type Kind string

// The faults.
const (
	Offline   Kind = "offline"   // no power: connections are refused
	Silent    Kind = "silent"    // connections are taken and nothing is said
	Hung      Kind = "hung"      // the program hangs: the API repeats itself, nothing is hashed
	Garbage   Kind = "garbage"   // the API answers nonsense
	Slow      Kind = "slow"      // the API takes seconds
	BoardDead Kind = "board"     // one hash board stops
	Hot       Kind = "hot"       // cooling fails: the firmware slows down by heat
	FanDead   Kind = "fan"       // a fan stands still
	LowHash   Kind = "lowhash"   // a tenth slower, nobody knows why
	Rejects   Kind = "rejects"   // a tenth of the shares is rejected
	WrongPool Kind = "wrongpool" // works for somebody else's account
	Theft     Kind = "theft"     // a sixth of the shares goes elsewhere; the API shows nothing
	NoPool    Kind = "nopool"    // the pool does not answer
	Reboot    Kind = "reboot"    // starts anew at the beginning, away for a minute
	Counters  Kind = "counters"  // starts anew, and its counter of hashes goes on from a wrong number
)

// Kinds lists the faults.
var Kinds = []Kind{Offline, Silent, Hung, Garbage, Slow, BoardDead, Hot, FanDead, LowHash, Rejects, WrongPool, Theft,
	NoPool, Reboot, Counters}

// Fault is a machine's fault over a time; To 0: for ever.
type Fault struct {
	Kind     Kind
	From, To usage.Instant
}

// at says whether the fault is there at an instant.
func (f Fault) at(t usage.Instant) bool { return t >= f.From && (f.To == 0 || t < f.To) }

// Order is a fault of a number of machines, as written on a command line.
type Order struct {
	Kind     Kind
	Machines int
	After    time.Duration
	For      time.Duration // 0: for ever
}

// ParseOrder reads "board:3", "board:3@10m" (after ten minutes) and "offline:300@1h+30m" (for thirty minutes). Anything
// else is refused with what is wanted.
func ParseOrder(text string) (Order, error) {
	var o Order
	bad := func() (Order, error) {
		return Order{}, farm.Refuse("bad-fault", "fault",
			"%q: want KIND:MACHINES[@AFTER[+FOR]] such as board:3@10m, KIND one of %v", text, Kinds)
	}
	kind, rest, ok := strings.Cut(text, ":")
	if o.Kind = Kind(kind); !ok || !slices.Contains(Kinds, o.Kind) {
		return bad()
	}
	count, when, timed := strings.Cut(rest, "@")
	var err error
	if o.Machines, err = strconv.Atoi(count); err != nil || o.Machines < 1 {
		return bad()
	}
	if !timed {
		return o, nil
	}
	after, long, ends := strings.Cut(when, "+")
	if o.After, err = time.ParseDuration(after); err != nil || o.After < 0 {
		return bad()
	}
	if ends {
		if o.For, err = time.ParseDuration(long); err != nil || o.For <= 0 {
			return bad()
		}
	}
	return o, nil
}
