package notify

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/farm/alert"
	"github.com/aqsha/aqsha/farm/usage"
	"github.com/aqsha/aqsha/words"
)

// Reported is an alert that a route was told of, and of whose end it was not told.
type Reported struct {
	Machine string     `json:"machine"`
	Kind    alert.Kind `json:"kind"`
	Since   time.Time  `json:"since"`
	Codes   string     `json:"codes,omitempty"`
}

// same says whether two are of one alert, which may have got other codes meanwhile.
func (t Reported) same(o Reported) bool {
	return t.Machine == o.Machine && t.Kind == o.Kind && t.Since.Equal(o.Since)
}

// State is what a route has been told: a pure function of it and of the farm's alerts says what is to be told.
type State struct {
	Sequence int64      `json:"sequence"` // messages so far
	Line     int64      `json:"line"`     // of alerts.jsonl, until which past alerts were told
	Reported []Reported `json:"reported,omitempty"`
}

// Farm is a farm's alerts as routes are told of them.
type Farm struct {
	Name     string
	Zone     *time.Location
	Subjects []alert.Subject // the machines of the fleet

	state  alert.State
	lines  int64
	raised []raised // since the least line of any route, for what has ended before it was told
	lost   int64    // line up to which some of raised were dropped
	ended  map[alertKey]ended
	at     map[string]int
}

// raised is a machine's alert as a line of alerts.jsonl began it.
type raised struct {
	Reported
	detail string
	found  farm.Finding
	line   int64
}

// ended is the last end of a machine's alert of a kind.
type ended struct {
	since, at time.Time
	finding   farm.Finding
}

// maxRaised bounds what is remembered of alerts that ended before they were reported.
const maxRaised = 20_000

// SetSubjects names the machines that are watched: of others nothing is told.
func (f *Farm) SetSubjects(subjects []alert.Subject) {
	f.Subjects, f.at = subjects, make(map[string]int, len(subjects))
	for i, s := range subjects {
		f.at[s.ID] = i
	}
}

// Take follows a notice. Written is whether it is a line of alerts.jsonl; one that could not be written is told too.
func (f *Farm) Take(n alert.Notice, written bool) {
	if written {
		f.lines++
	}
	for i, machine := range n.Machines {
		before, stood := f.state.Find(machine, n.Kind)
		since := n.At
		if stood {
			since = before.Since
		}
		if stood && !n.Raised {
			if f.ended == nil {
				f.ended = map[alertKey]ended{}
			}
			f.ended[alertKey{machine, n.Kind}] = ended{since, n.At, alert.Over(since, n.At, before.Finding)}
		}
		if n.Raised && !n.Silenced && (!stood || before.Codes != n.Codes) {
			f.raised = append(f.raised, raised{Reported{machine, n.Kind, since, n.Codes}, n.DetailOf(i),
				n.FindingOf(i), f.lines})
		}
	}
	if over := len(f.raised) - maxRaised; over > 0 {
		f.lost = f.raised[over-1].line
		f.raised = slices.Clone(f.raised[over:])
	}
	f.state.Take(n)
}

// Forget drops what every route has been told.
func (f *Farm) Forget(line int64) {
	f.raised = slices.DeleteFunc(f.raised, func(r raised) bool { return r.line <= line })
}

// Standing are the alerts that hold now.
func (f *Farm) Standing() []alert.Standing { return f.state.Standing() }

// Due is what a route is to be told now, with the state that it has once it was told; ok is whether there is anything.
// If there is nothing, the state needs no writing down: it is found again from what was written before.
// Quiet hours and gathering are the caller's: whatever time passes, what is due grows together.
func Due(r *Route, s State, f *Farm, acks []Acknowledgement, now time.Time) (m Message, next State, ok bool) {
	next = State{Sequence: s.Sequence + 1, Line: f.lines}
	reported := make(map[alertKey]Reported, len(s.Reported))
	for _, t := range s.Reported {
		reported[alertKey{t.Machine, t.Kind}] = t
	}
	var fresh, others []alert.Standing
	for _, held := range f.Standing() {
		at, watched := f.at[held.Machine]
		if !watched || held.Silenced || !r.wants(held.Kind, f.Subjects[at]) {
			continue
		}
		before, known := reported[alertKey{held.Machine, held.Kind}]
		// What was reported stays reported until it ends; with new codes it is news, but not to a route that only
		// wants what nobody has seen to.
		if known && before.Since.Equal(held.Since) && (before.Codes == held.Codes || r.After > 0) {
			next.Reported = append(next.Reported, before)
			others = append(others, held)
			continue
		}
		// The next one in line is called when nobody has said that he sees to it.
		if r.After > 0 && (now.Sub(held.Since) < r.After || acknowledged(acks, held)) {
			others = append(others, held)
			continue
		}
		fresh = append(fresh, held)
	}
	m = Message{Farm: f.Name, Route: r.Name, Sequence: next.Sequence, At: now}
	for _, n := range f.group(f.changes(fresh), f.changes(others)) {
		severity := SeverityOf(n.Kind, n.Group)
		wanted := severity.AtLeast(r.Severity)
		if wanted {
			m.Raised = append(m.Raised, lineOf(n, severity, r.Language))
		}
		// What was reported is remembered even where it no longer is wanted, so that its end is told to whoever heard
		// of its beginning.
		for _, machine := range n.Machines {
			held, _ := f.state.Find(machine, n.Kind)
			if before, known := reported[alertKey{machine, n.Kind}]; wanted {
				next.Reported = append(next.Reported, Reported{machine, n.Kind, held.Since, held.Codes})
			} else if known && before.Since.Equal(held.Since) {
				next.Reported = append(next.Reported, before)
			}
		}
	}
	m.Recovered = f.recovered(r, s.Reported, now)
	m.Past, m.Missed = f.past(r, s, f.changes(append(fresh, others...)))
	if len(m.Raised)+len(m.Recovered)+len(m.Past) == 0 {
		// A number is given to what is sent alone: a receiver that misses one knows that it was lost on the way.
		next.Sequence = s.Sequence
		return Message{}, next, false
	}
	return m, next, true
}

type alertKey struct {
	machine string
	kind    alert.Kind
}

// together is how far apart alerts begin that are taken for one event.
const together = 10 * usage.Minute

// group makes notices of what is to be told, which may be a part of an event: the rest was told before, is not due yet
// or has ended. What is a group, and so how severe it is, is judged on the whole event.
func (f *Farm) group(fresh, others []alert.Change) (notices []alert.Notice) {
	if len(fresh) == 0 {
		return nil
	}
	type member struct {
		machine int
		kind    alert.Kind
	}
	type span struct{ first, last usage.Instant }
	due, spans := make(map[member]bool, len(fresh)), map[alert.Kind]span{}
	for _, c := range fresh {
		due[member{c.Machine, c.Kind}] = true
		s, known := spans[c.Kind]
		if !known {
			s = span{c.At, c.At}
		}
		spans[c.Kind] = span{min(s.first, c.At), max(s.last, c.At)}
	}
	// The fresh come first: a notice's time and words are those of its first machine.
	event := slices.Clone(fresh)
	for _, c := range others {
		s, known := spans[c.Kind]
		if known && !due[member{c.Machine, c.Kind}] && c.At >= s.first-together && c.At <= s.last+together {
			event = append(event, c)
		}
	}
	for _, n := range alert.Group(event, f.Subjects) {
		part := n.Only(func(machine string) bool { return due[member{f.at[machine], n.Kind}] })
		if len(part.Machines) > 0 {
			notices = append(notices, part)
		}
	}
	return notices
}

// recovered are the ends of what a route was told of. Of a machine that left the fleet nothing is said.
func (f *Farm) recovered(r *Route, reported []Reported, now time.Time) (lines []Line) {
	var changes []alert.Change
	for _, t := range reported {
		at, watched := f.at[t.Machine]
		if held, holds := f.state.Find(t.Machine, t.Kind); watched && !(holds && held.Since.Equal(t.Since)) {
			c := alert.Change{Machine: at, Kind: t.Kind, At: usage.At(now), Codes: t.Codes}
			if end, known := f.ended[alertKey{t.Machine, t.Kind}]; known && end.since.Equal(t.Since) {
				c.At, c.Finding, c.Detail = usage.At(end.at), end.finding, end.finding.In(words.English)
			}
			changes = append(changes, c)
		}
	}
	for _, n := range alert.Group(changes, f.Subjects) {
		lines = append(lines, lineOf(n, SeverityOf(n.Kind, n.Group), r.Language))
	}
	return lines
}

// past are alerts that began and ended before the route could be told of them; missed is whether there were more than
// are remembered. A route that is called later is told of what holds only, which is holding.
func (f *Farm) past(r *Route, s State, holding []alert.Change) (lines []Line, missed bool) {
	if r.After > 0 {
		return nil, false
	}
	var changes []alert.Change
	times, first := map[Reported]int{}, map[Reported]int{} // by machine, kind and codes
	for _, b := range f.raised {
		at, watched := f.at[b.Machine]
		if b.line <= s.Line || !watched || !r.wants(b.Kind, f.Subjects[at]) {
			continue
		}
		if held, holds := f.state.Find(b.Machine, b.Kind); holds && held.Since.Equal(b.Since) {
			continue // told as what holds
		}
		if slices.ContainsFunc(s.Reported, func(t Reported) bool { return t.same(b.Reported) }) {
			continue // told as recovered
		}
		again := Reported{Machine: b.Machine, Kind: b.Kind, Codes: b.Codes}
		if times[again]++; times[again] > 1 { // a machine that comes and goes is one line, and no group of many
			c := &changes[first[again]]
			c.Detail = fmt.Sprintf("%s ×%d", b.detail, times[again])
			c.Finding = farm.Found("times", "count", times[again]).Because(b.found)
			continue
		}
		first[again] = len(changes)
		changes = append(changes, alert.Change{Machine: at, Kind: b.Kind, Raised: true, At: usage.At(b.Since),
			Detail: b.detail, Finding: b.found, Codes: b.Codes})
	}
	for _, n := range f.group(changes, holding) {
		if severity := SeverityOf(n.Kind, n.Group); severity.AtLeast(r.Severity) {
			lines = append(lines, lineOf(n, severity, r.Language))
		}
	}
	return lines, f.lost > s.Line
}

// changes are alerts that hold as the detector told of them, to be grouped.
func (f *Farm) changes(standing []alert.Standing) (changes []alert.Change) {
	for _, held := range standing {
		changes = append(changes, alert.Change{Machine: f.at[held.Machine], Kind: held.Kind, Raised: true,
			At: usage.At(held.Since), Detail: held.Detail, Finding: held.Finding,
			Codes: held.Codes})
	}
	return changes
}

// Acknowledgement is somebody's word that he sees to an alert. It holds until the alert ends.
type Acknowledgement struct {
	At      time.Time  `json:"at"`
	Who     string     `json:"who"`
	Machine string     `json:"machine"`
	Kind    alert.Kind `json:"kind"`
	Since   time.Time  `json:"since"` // of the alert
	Note    string     `json:"note,omitempty"`
}

// Of says whether an alert is the one that was acknowledged.
func (a Acknowledgement) Of(s alert.Standing) bool {
	return a.Machine == s.Machine && a.Kind == s.Kind && a.Since.Equal(s.Since)
}

func acknowledged(acks []Acknowledgement, s alert.Standing) bool {
	return slices.ContainsFunc(acks, func(a Acknowledgement) bool { return a.Of(s) })
}

// plain keeps what machines and people wrote from being more than text in a line.
func plain(text string) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' || (r >= 0x7f && r < 0xa0) || r == '\u2028' || r == '\u2029' || (r >= '\u202a' && r <= '\u202e') ||
			(r >= '\u2066' && r <= '\u2069') {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
	if runes := []rune(text); len(runes) > maxDetail {
		return string(runes[:maxDetail]) + "…"
	}
	return text
}

// maxDetail bounds what a machine's own words add to a line.
const maxDetail = 400
