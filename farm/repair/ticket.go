package repair

import (
	"slices"
	"strings"
	"time"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/farm/alert"
	"github.com/aqsha/aqsha/money"
)

// Step is what an entry does to its ticket: it is opened once, noted any number of times, closed once, and nothing
// follows.
type Step string

// The steps.
const (
	Opened Step = "opened"
	Noted  Step = "noted"
	Closed Step = "closed"
)

// Outcome is how a ticket ended.
type Outcome string

// The outcomes.
const (
	Repaired     Outcome = "repaired"
	Replaced     Outcome = "replaced"      // the part, or the machine's board
	Scrapped     Outcome = "scrapped"      // the machine, or its board
	NothingFound Outcome = "nothing-found" // counts as no failure
)

// Outcomes lists them.
var Outcomes = []Outcome{Repaired, Replaced, Scrapped, NothingFound}

// Entry is a line of tickets.jsonl.
type Entry struct {
	Ticket int64     `json:"ticket"`
	At     time.Time `json:"at"`
	Who    string    `json:"who"`
	Step   Step      `json:"step"`

	// Of an opening: the machine as it was then, and the alert with since when it held.
	Machine string     `json:"machine,omitempty"`
	Rack    string     `json:"rack,omitempty"`
	Model   string     `json:"model,omitempty"`
	Kind    alert.Kind `json:"kind,omitempty"`
	Codes   string     `json:"codes,omitempty"` // as alert.Change.Codes
	Since   time.Time  `json:"since,omitzero"`

	Board   string     `json:"board,omitempty"` // serial number
	Part    string     `json:"part,omitempty"`
	Cost    money.Tiyn `json:"cost_tiyn,omitempty"` // below zero only to set right what was noted before
	Text    string     `json:"text,omitempty"`
	Outcome Outcome    `json:"outcome,omitempty"` // of a closing
}

// Ticket is a failure of a machine and what was done about it.
type Ticket struct {
	ID       int64      `json:"id"`
	Machine  string     `json:"machine"`
	Rack     string     `json:"rack,omitempty"`
	Model    string     `json:"model,omitempty"`
	Kind     alert.Kind `json:"kind"`
	Codes    string     `json:"codes,omitempty"`
	Since    time.Time  `json:"since"` // when it failed
	Closed   time.Time  `json:"closed,omitzero"`
	Outcome  Outcome    `json:"outcome,omitempty"`
	Boards   []string   `json:"boards,omitempty"`
	Parts    []string   `json:"parts,omitempty"`
	CostTiyn money.Tiyn `json:"cost_tiyn"`
	Entries  []Entry    `json:"entries"`
}

// Open says whether something is still to be done.
func (t *Ticket) Open() bool { return t.Closed.IsZero() }

// Failed says whether the machine had failed, as far as is known.
func (t *Ticket) Failed() bool { return t.Outcome != NothingFound }

const (
	maxText    = 1000 // bytes
	maxName    = 80   // of a board, a part
	maxCost    = money.Tiyn(1_000_000_000_000)
	maxTickets = 1_000_000
)

// Book is a farm's tickets, in order.
type Book struct{ Tickets []Ticket }

// Find is a ticket by its number.
func (b *Book) Find(id int64) (*Ticket, error) {
	if id < 1 || id > int64(len(b.Tickets)) {
		return nil, farm.Refuse("no-ticket", "ticket", "there is no ticket %d; the last is %d", id, len(b.Tickets))
	}
	return &b.Tickets[id-1], nil
}

// OpenFor is the ticket that is open for a machine's alert of a kind.
func (b *Book) OpenFor(machine string, kind alert.Kind) (*Ticket, bool) {
	i := slices.IndexFunc(b.Tickets, func(t Ticket) bool { return t.Open() && t.Machine == machine && t.Kind == kind })
	if i < 0 {
		return nil, false
	}
	return &b.Tickets[i], true
}

// OfBoard are the tickets that name a board by its serial number, in whatever machines it was.
func (b *Book) OfBoard(serial string) (tickets []Ticket) {
	for _, t := range b.Tickets {
		if slices.Contains(t.Boards, serial) {
			tickets = append(tickets, t)
		}
	}
	return tickets
}

// Take follows an entry, or refuses it and changes nothing.
func (b *Book) Take(e Entry) error {
	if err := e.check(); err != nil {
		return err
	}
	if e.Step == Opened {
		// Numbers without gaps: an entry that is missing from the trail is found by it.
		if next := int64(len(b.Tickets)) + 1; e.Ticket != next || next > maxTickets {
			return farm.Refuse("bad-ticket", "ticket", "ticket %d is opened where %d is next", e.Ticket, next)
		}
		if open, there := b.OpenFor(e.Machine, e.Kind); there {
			return farm.Refuse("ticket-open", "machine", "ticket %d is open for the alert %s of %s", open.ID, e.Kind,
				e.Machine)
		}
		b.Tickets = append(b.Tickets, Ticket{ID: e.Ticket, Machine: e.Machine, Rack: e.Rack, Model: e.Model,
			Kind: e.Kind, Codes: e.Codes, Since: e.Since})
		b.Tickets[len(b.Tickets)-1].add(e, e.Cost)
		return nil
	}
	t, err := b.Find(e.Ticket)
	if err != nil {
		return err
	}
	if !t.Open() {
		return farm.Refuse("ticket-closed", "ticket", "ticket %d was closed on %s", t.ID,
			t.Closed.UTC().Format("2006-01-02 15:04 UTC"))
	}
	// Checked before anything is changed: costs may be corrected downward, and never below nothing.
	cost, err := money.Add(t.CostTiyn, e.Cost)
	if err != nil || cost < 0 || cost > maxCost {
		return farm.Refuse("bad-ticket", "cost", "ticket %d would cost %s", t.ID, cost.Format())
	}
	if e.Step == Closed {
		t.Closed, t.Outcome = e.At, e.Outcome
	}
	t.add(e, cost)
	return nil
}

func (t *Ticket) add(e Entry, cost money.Tiyn) {
	if e.Board != "" && !slices.Contains(t.Boards, e.Board) {
		t.Boards = append(t.Boards, e.Board)
	}
	if e.Part != "" && !slices.Contains(t.Parts, e.Part) {
		t.Parts = append(t.Parts, e.Part)
	}
	t.CostTiyn, t.Entries = cost, append(t.Entries, e)
}

func (e *Entry) check() error {
	refuse := func(field, format string, args ...any) error {
		return farm.Refuse("bad-ticket", field, format, args...)
	}
	if len(e.Text) > maxText || strings.ContainsRune(e.Text, 0) {
		return refuse("text", "want at most %d bytes", maxText)
	}
	if len(e.Board) > maxName || len(e.Part) > maxName || strings.ContainsAny(e.Board+e.Part, "\r\n\x00") {
		return refuse("part", "want boards and parts of at most %d bytes", maxName)
	}
	// Below 0 corrects what was booked too high. Whether the ticket's sum stays at 0 or above is seen when it is
	// added.
	if e.Cost > maxCost || e.Cost < -maxCost {
		return refuse("cost", "want at most %s", maxCost.Format())
	}
	switch e.Step {
	case Opened:
		if e.Machine == "" || len(e.Machine) > maxName || !slices.Contains(alert.Kinds, e.Kind) {
			return refuse("machine", "want a machine and a kind of alert")
		}
		if e.Since.IsZero() || e.Since.After(e.At) || e.Cost < 0 {
			return refuse("since", "want it before the ticket, and a cost of at least 0")
		}
	case Closed:
		if !slices.Contains(Outcomes, e.Outcome) {
			return refuse("outcome", "%q is not one of %v", e.Outcome, Outcomes)
		}
	case Noted:
		if e.Text == "" && e.Part == "" && e.Board == "" && e.Cost == 0 {
			return refuse("text", "a note says something")
		}
	default:
		return refuse("step", "%q is no step", e.Step)
	}
	return nil
}
