package alert

import (
	"slices"
	"strings"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/farm/usage"
	"github.com/aqsha/aqsha/words"
)

// Kind is what is wrong.
type Kind string

// The kinds, most urgent first.
const (
	Offline  Kind = "offline"
	Hung     Kind = "hung"
	Hot      Kind = "hot"
	Fan      Kind = "fan"
	Board    Kind = "board"
	Pool     Kind = "pool" // another pool or account than allowed
	NoPool   Kind = "nopool"
	NoRate   Kind = "norate" // it answers, and does not say what it hashes
	LowHash  Kind = "lowhash"
	Rejects  Kind = "rejects"
	Delivery Kind = "delivery" // shares missing for the work done
	Code     Kind = "code"     // the firmware shows an error code
)

// Kinds lists them.
var Kinds = []Kind{Offline, Hung, Hot, Fan, Board, Pool, NoPool, NoRate, LowHash, Rejects, Delivery, Code}

// Polls in a row that raise and clear.
const (
	raiseAfter = 2
	clearAfter = 3
)

// Observation is one poll's end.
type Observation struct {
	At       usage.Instant
	Answered bool
	Why      string       // when it did not
	Found    farm.Finding // what Why is a sentence of
	Garbled  bool         // it answered what nobody understands
	Poll     usage.Poll
	Accepted int64 // shares since the start; −1 unknown
	Rejected int64
	HotLimit int64    // °C; 0: not known
	Codes    []string // error codes that the firmware shows, as family/code
}

// Change is an alert that begins or ends. One that ends has no finding before State.End gives it one.
type Change struct {
	Machine int           `json:"machine"`
	Kind    Kind          `json:"kind"`
	Raised  bool          `json:"raised"`
	At      usage.Instant `json:"at"`
	Detail  string        `json:"detail"`           // in English
	Finding farm.Finding  `json:"finding,omitzero"` // the same, for any language
	Codes   string        `json:"codes,omitempty"`  // of kind code: each as family/code, separated by spaces
}

// Detector is the memory of one machine.
type Detector struct {
	steady [9]hysteresis // of the kinds that a poll shows
	hash   hashTest
	reject rejectTest
	send   deliveryTest
	codes  string      // that were told
	last   Observation // the last that answered
	seen   bool
}

// hysteresis counts polls in a row.
type hysteresis struct {
	bad, good int
	on        bool
}

// see takes one poll and says whether the alert changed.
func (h *hysteresis) see(bad bool) bool {
	if bad {
		h.bad, h.good = h.bad+1, 0
	} else {
		h.bad, h.good = 0, h.good+1
	}
	switch {
	case !h.on && h.bad >= raiseAfter:
		h.on = true
	case h.on && h.good >= clearAfter:
		h.on = false
	default:
		return false
	}
	return true
}

// Observe takes a poll of the machine and returns what begins and ends with it.
func (d *Detector) Observe(o Observation) (changes []Change) {
	report := func(kind Kind, raised bool, found farm.Finding) {
		if !raised {
			changes = append(changes, Change{Kind: kind, At: o.At})
			return
		}
		changes = append(changes, Change{Kind: kind, Raised: raised, At: o.At, Detail: found.In(words.English),
			Finding: found})
	}
	// A finding's figures are pairs, which only a change makes into one: most polls change nothing.
	show := func(i int, kind Kind, bad bool, code string, figures ...int64) {
		if d.steady[i].see(bad) {
			report(kind, d.steady[i].on, farm.Found(code, named(code, figures)...))
		}
	}
	// Why it does not answer is written down as the network said it.
	if d.steady[0].see(!o.Answered && !o.Garbled) {
		away := Change{Kind: Offline, Raised: d.steady[0].on, At: o.At}
		if away.Raised {
			away.Detail, away.Finding = o.Why, o.Found
		}
		changes = append(changes, away)
	}
	// What is told not to mine is not judged on its work: alerts of that neither begin nor end while it sleeps.
	asleep := o.Answered && o.Poll.Sleeping
	frozen := o.Answered && !asleep && d.seen && d.last.Poll.Elapsed >= 0 && o.Poll.Elapsed == d.last.Poll.Elapsed &&
		o.Poll.At-d.last.Poll.At > 5*usage.Second
	if d.steady[1].see(frozen || o.Garbled) {
		if o.Garbled {
			changes = append(changes, Change{Kind: Hung, Raised: true, At: o.At, Detail: "answers nonsense: " + o.Why,
				Finding: farm.Found("nonsense").Because(o.Found)})
		} else {
			report(Hung, d.steady[1].on, farm.Found("clock-stands", "seconds", o.Poll.Elapsed))
		}
	}
	if !o.Answered {
		return changes
	}
	p := o.Poll
	limit := o.HotLimit
	if d.steady[2].on {
		limit -= 5 // cool again is well below
	}
	show(2, Hot, o.HotLimit > 0 && p.ChipTemp >= limit, "chips-hot", p.ChipTemp, o.HotLimit)
	if !asleep {
		show(3, Fan, p.SlowestFan == 0, "fan-still")
		show(4, Board, p.Boards >= 0 && p.Boards < p.BoardsDue, "boards", p.Boards, p.BoardsDue)
		show(6, NoPool, !p.PoolAlive, "no-pool")
		show(7, NoRate, !TellsRate(p), "no-rate")
	}
	show(5, Pool, p.PoolWrong, "wrong-pool")
	changes = append(changes, d.seeCodes(o)...)
	if d.seen && !frozen && p.At > d.last.Poll.At && p.Elapsed >= d.last.Poll.Elapsed {
		if d.hash.see(d.last.Poll, p) {
			report(LowHash, d.hash.on, d.hash.found())
		}
		shares, lost := o.Accepted-d.last.Accepted, o.Rejected-d.last.Rejected
		if o.Accepted >= 0 && o.Rejected >= 0 && d.last.Accepted >= 0 && d.last.Rejected >= 0 && shares >= 0 &&
			lost >= 0 {
			if d.reject.see(shares, lost) {
				report(Rejects, d.reject.on, farm.Found("rejects"))
			}
			if d.send.see(d.last.Poll, p, shares, lost) {
				report(Delivery, d.send.on, farm.Found("undelivered"))
			}
		}
	}
	d.last, d.seen = o, true
	return changes
}

// figuresOf are the names of the figures of findings that a poll shows.
var figuresOf = map[string][]string{"chips-hot": {"degrees", "limit"}, "boards": {"work", "due"}}

func named(code string, figures []int64) (pairs []any) {
	for i, name := range figuresOf[code] {
		pairs = append(pairs, name, figures[i])
	}
	return pairs
}

// TellsRate says whether a poll says anything of the machine's work; one that does not is of no use to the account.
func TellsRate(p usage.Poll) bool {
	return p.RateMHs != usage.Unknown || p.TotalMH != usage.Unknown || p.Sleeping
}

// seeCodes raises the codes that a firmware shows, again when others come to those that were told, and
// clears them together.
func (d *Detector) seeCodes(o Observation) []Change {
	h := &d.steady[slices.Index(shown[:], Code)]
	codes := slices.Sorted(slices.Values(o.Codes))
	text := strings.Join(codes, " ")
	change := Change{Kind: Code, Raised: true, At: o.At, Codes: text, Finding: farm.Found("codes", "codes", text)}
	switch changed := h.see(text != ""); {
	case changed && !h.on:
		change.Raised, change.Codes, change.Finding = false, d.codes, farm.Finding{}
		d.codes = ""
	case changed, h.on && text != "" && h.bad >= raiseAfter && !containsAll(d.codes, codes):
		d.codes = text
	default:
		return nil
	}
	change.Detail = change.Finding.In(words.English)
	return []Change{change}
}

func containsAll(reported string, codes []string) bool {
	have := strings.Fields(reported)
	return !slices.ContainsFunc(codes, func(c string) bool { return !slices.Contains(have, c) })
}

// shown are the kinds that a single poll shows, in the order of Detector.steady.
var shown = [9]Kind{Offline, Hung, Hot, Fan, Board, Pool, NoPool, NoRate, Code}

// Resume takes up alerts that held when the watch was last stopped, so that they end by the same rule
// as if it had not been: otherwise nobody would ever clear those of a machine that was mended meanwhile.
func (d *Detector) Resume(kinds ...Kind) {
	for _, kind := range kinds {
		if i := slices.Index(shown[:], kind); i >= 0 {
			d.steady[i].on = true
		}
		switch kind {
		case LowHash:
			d.hash.on = true
		case Rejects:
			d.reject.on = true
		case Delivery:
			d.send.on = true
		}
	}
}

// On lists the alerts that hold.
func (d *Detector) On() (kinds []Kind) {
	for i, kind := range shown {
		if d.steady[i].on {
			kinds = append(kinds, kind)
		}
	}
	for kind, on := range map[Kind]bool{LowHash: d.hash.on, Rejects: d.reject.on, Delivery: d.send.on} {
		if on {
			kinds = append(kinds, kind)
		}
	}
	return kinds
}
