package orders

import (
	"path/filepath"
	"slices"
	"time"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/farm/control"
	"github.com/aqsha/aqsha/farm/fleet"
	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// Step is what an entry does to its order. One that is given, and confirmed where a second person is wanted, is begun
// once and ends; or it is withdrawn or missed before it has begun. Nothing follows ended, withdrawn or missed. A crash
// leaves an order begun: it is told as interrupted, and not begun again, for machines may have obeyed.
type Step string

// The steps.
const (
	Given     Step = "given"
	Confirmed Step = "confirmed"
	Withdrawn Step = "withdrawn"
	Begun     Step = "begun"
	Ended     Step = "ended"
	Missed    Step = "missed"
)

// Entry is a line of orders.jsonl.
type Entry struct {
	Order int64     `json:"order"`
	At    time.Time `json:"at"`
	Who   string    `json:"who"`
	Step  Step      `json:"step"`

	// Of one that is given: what is ordered, of which machines (by identity), and from when to when it may begin.
	What     *control.Order `json:"what,omitempty"`
	Machines []string       `json:"machines,omitempty"`
	From     time.Time      `json:"from,omitzero"`
	Until    time.Time      `json:"until,omitzero"`
	Second   bool           `json:"second,omitempty"` // wants a second person
	Plan     string         `json:"plan,omitempty"`   // of a curtailment
	KW       int64          `json:"kw,omitempty"`     // that it is to move

	// Of one that ended: how many machines have done it, and the load that was moved.
	Done   int    `json:"done,omitempty"`
	DoneKW int64  `json:"done_kw,omitempty"`
	Text   string `json:"text,omitempty"` // what went wrong, in English
	// Finding is what Text is a sentence of. Orders that ended before there were findings have none.
	Finding farm.Finding `json:"finding,omitzero"`
}

// State is where an order is.
type State string

// The states.
const (
	Waiting     State = "waiting" // for a second person
	Scheduled   State = "scheduled"
	Due         State = "due"
	Late        State = "late" // its time has passed, and nobody has written that down yet
	Running     State = "running"
	Interrupted State = "interrupted" // was begun by a program that has not ended it
	Finished    State = "ended"
	Dropped     State = "withdrawn"
	Passed      State = "missed"
)

// Order is what its entries make of one.
type Order struct {
	ID      int64   `json:"id"`
	Entries []Entry `json:"entries"`
}

// First is the entry that gave it.
func (o *Order) First() *Entry { return &o.Entries[0] }

// Last is its last entry.
func (o *Order) Last() *Entry { return &o.Entries[len(o.Entries)-1] }

// Confirmer is the second person; "" when there was none.
func (o *Order) Confirmer() string {
	for _, e := range o.Entries {
		if e.Step == Confirmed {
			return e.Who
		}
	}
	return ""
}

// State is where the order is at a time. Running and Interrupted look alike in the file: who has just begun one knows
// which it is.
func (o *Order) State(now time.Time) State {
	switch o.Last().Step {
	case Withdrawn:
		return Dropped
	case Begun:
		return Interrupted
	case Ended:
		return Finished
	case Missed:
		return Passed
	}
	first := o.First()
	switch {
	case !first.Until.IsZero() && now.After(first.Until):
		return Late
	case first.Second && o.Confirmer() == "":
		return Waiting
	case now.Before(first.From):
		return Scheduled
	}
	return Due
}

// Book is all orders of a farm, in the order of their numbers.
type Book struct{ Orders []Order }

// Find is the order of a number.
func (b *Book) Find(id int64) (*Order, error) {
	if id < 1 || id > int64(len(b.Orders)) {
		return nil, farm.Refuse("farm-no-order", "order", "there is no order %d", id)
	}
	return &b.Orders[id-1], nil
}

// maxMachines of an order.
const maxMachines = 100_000

// Take adds an entry, which must follow from those before.
func (b *Book) Take(e Entry) error {
	if e.Who == "" || len(e.Who) > 256 || len(e.Text) > 2000 || e.At.IsZero() {
		return farm.Refuse("farm-bad-order", "who", "order %d: want who and when", e.Order)
	}
	if e.Step == Given {
		return b.give(e)
	}
	o, err := b.Find(e.Order)
	if err != nil {
		return err
	}
	last := o.Last().Step
	open := last == Given || last == Confirmed
	wrong := func(format string, args ...any) error {
		return farm.Refuse("farm-order-state", "order", "order %d: "+format, append([]any{e.Order}, args...)...)
	}
	switch e.Step {
	case Confirmed:
		if !o.First().Second || last != Given {
			return wrong("it waits for nobody: its last step is %q", last)
		}
		if e.Who == o.First().Who {
			return farm.Refuse("farm-second-person", "who",
				"order %d was given by %s, and somebody else must confirm it",
				e.Order, e.Who)
		}
	case Withdrawn, Missed:
		if !open {
			return wrong("it cannot be %s: its last step is %q", e.Step, last)
		}
	case Begun:
		if !open || (o.First().Second && o.Confirmer() == "") {
			return wrong("it cannot begin: its last step is %q", last)
		}
	case Ended:
		if last != Begun {
			return wrong("it cannot end: its last step is %q", last)
		}
	default:
		return wrong("there is no step %q", e.Step)
	}
	if e.At.Before(o.Last().At) {
		e.At = o.Last().At // a clock that was set back
	}
	o.Entries = append(o.Entries, e)
	return nil
}

func (b *Book) give(e Entry) error {
	switch {
	case e.Order != int64(len(b.Orders))+1:
		return farm.Refuse("farm-order-state", "order", "order %d after %d", e.Order, len(b.Orders))
	case e.What == nil || len(e.Machines) == 0 || len(e.Machines) > maxMachines || slices.Contains(e.Machines, ""):
		return farm.Refuse("farm-bad-order", "machines", "want an order of 1 to %d machines", maxMachines)
	case !e.Until.IsZero() && !e.Until.After(e.From):
		return farm.Refuse("farm-bad-order", "until", "its time ends before it begins")
	case e.What.Action == control.Password:
		return farm.Refuse("farm-bad-order", "password",
			"a password is not kept with an order: it is given at once, to groups that need no second person")
	}
	if err := e.What.Validate(); err != nil {
		return err
	}
	b.Orders = append(b.Orders, Order{ID: e.Order, Entries: []Entry{e}})
	return nil
}

const ordersFile = "orders.jsonl"

// Read reads the orders of a farm's folder.
func Read(files vfs.FS, dir string) (*Book, error) {
	b := new(Book)
	return b, durable.ReadEntries(files, filepath.Join(dir, ordersFile), b.Take)
}

// Add lets make say what entries to add to the orders as they are, and adds them, each durable before the next. Nobody
// else adds meanwhile. It returns the orders with those that were added, also when a later one failed.
func Add(files vfs.FS, dir string, make func(b *Book) ([]Entry, error)) (*Book, error) {
	b := new(Book)
	return b, durable.AddEntries(files, filepath.Join(dir, ordersFile), b.Take, func() ([]Entry, error) {
		return make(b)
	})
}

// Give writes an order down that does not go out at once, of these machines.
func Give(files vfs.FS, dir string, e Entry, machines []*fleet.Machine) (*Order, error) {
	watts := int64(0)
	e.Machines = make([]string, 0, len(machines))
	for _, m := range machines {
		e.Machines = append(e.Machines, m.ID)
		watts += m.LoadWatts()
	}
	e.Step, e.KW = Given, (watts+500)/1000
	book, err := Add(files, dir, func(b *Book) ([]Entry, error) {
		e.Order = int64(len(b.Orders)) + 1
		return []Entry{e}, nil
	})
	if err != nil {
		return nil, err
	}
	return &book.Orders[len(book.Orders)-1], nil
}

// Claim begins what is due at a time and writes down what was missed, all in one: of two programs, one gets an order.
// Once something is due, and before it is begun, ready takes what giving it needs; its error leaves all as it was.
func Claim(files vfs.FS, dir, who string, now time.Time, ready func() error) (begun, missed []Order, err error) {
	var due, late []int64
	b, err := Add(files, dir, func(b *Book) (out []Entry, err error) {
		for i := range b.Orders {
			o := &b.Orders[i]
			e := Entry{Order: o.ID, At: now, Who: who}
			switch o.State(now) {
			case Due:
				if len(due) == 0 {
					if err := ready(); err != nil {
						return nil, err
					}
				}
				due, e.Step = append(due, o.ID), Begun
			case Late:
				late, e.Step = append(late, o.ID), Missed
			default:
				continue
			}
			out = append(out, e)
		}
		return out, nil
	})
	if b == nil {
		return nil, nil, err
	}
	// What could not be written down is not begun.
	for _, id := range due {
		if o := b.Orders[id-1]; o.Last().Step == Begun {
			begun = append(begun, o)
		}
	}
	for _, id := range late {
		if o := b.Orders[id-1]; o.Last().Step == Missed {
			missed = append(missed, o)
		}
	}
	return begun, missed, err
}
