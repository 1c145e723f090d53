package repair

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/farm/alert"
	"github.com/aqsha/aqsha/farm/fleet"
	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/internal/sim/diskfault"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/txlog/vfs"
)

var noon = time.Date(2026, 11, 3, 12, 0, 0, 0, time.UTC)

func at(hours int) time.Time { return noon.Add(time.Duration(hours) * time.Hour) }

func opening(id int64, hour int, machine string, kind alert.Kind) Entry {
	return Entry{Ticket: id, At: at(hour), Who: "a", Step: Opened, Machine: machine, Kind: kind, Since: at(hour)}
}

func closing(id int64, hour int, outcome Outcome) Entry {
	return Entry{Ticket: id, At: at(hour), Who: "a", Step: Closed, Outcome: outcome}
}

func book(t *testing.T, entries ...Entry) *Book {
	t.Helper()
	b := new(Book)
	for _, e := range entries {
		if err := b.Take(e); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

// What is refused is refused by its code and changes nothing.
func TestEntriesAreChecked(t *testing.T) {
	note := func(change func(e *Entry)) Entry {
		e := Entry{Ticket: 1, At: at(2), Step: Noted, Text: "looked"}
		change(&e)
		return e
	}
	for name, tc := range map[string]struct {
		entry Entry
		code  string
	}{
		"a gap":            {opening(4, 5, "M1", alert.Hot), "bad-ticket"},
		"again":            {opening(3, 5, "M1", alert.Fan), "ticket-open"},
		"no kind":          {opening(3, 5, "M1", "odd"), "bad-ticket"},
		"no machine":       {opening(3, 5, "", alert.Hot), "bad-ticket"},
		"later than now":   {func() Entry { e := opening(3, 5, "M1", alert.Hot); e.Since = at(6); return e }(), "bad-ticket"},
		"nobody's":         {note(func(e *Entry) { e.Ticket = 9 }), "no-ticket"},
		"number 0":         {note(func(e *Entry) { e.Ticket = 0 }), "no-ticket"},
		"closed":           {note(func(e *Entry) { e.Ticket = 2 }), "ticket-closed"},
		"nothing":          {note(func(e *Entry) { e.Text = "" }), "bad-ticket"},
		"long":             {note(func(e *Entry) { e.Text = strings.Repeat("x", maxText+1) }), "bad-ticket"},
		"two lines a part": {note(func(e *Entry) { e.Part = "fan\nboard" }), "bad-ticket"},
		"below nothing":    {note(func(e *Entry) { e.Cost = -101 }), "bad-ticket"},
		"riches":           {note(func(e *Entry) { e.Cost = maxCost }), "bad-ticket"},
		"no outcome":       {closing(1, 5, ""), "bad-ticket"},
		"no step":          {Entry{Ticket: 1, At: at(2), Step: "sold"}, "bad-ticket"},
	} {
		b := book(t, opening(1, 0, "M1", alert.Fan), opening(2, 0, "M2", alert.Fan), closing(2, 1, Repaired),
			Entry{Ticket: 1, At: at(1), Step: Noted, Cost: 100, Part: "fan"})
		before := fmt.Sprintf("%+v", b)
		var refusal *farm.Error
		if err := b.Take(tc.entry); !errors.As(err, &refusal) || refusal.Code != tc.code {
			t.Errorf("%s: %v, want %s", name, err, tc.code)
		}
		if after := fmt.Sprintf("%+v", b); after != before {
			t.Errorf("%s changed the tickets to %s", name, after)
		}
	}
}

// A board that was repaired is followed by its serial into the next machine, and a ticket costs what its entries do.
func TestABoardIsFollowed(t *testing.T) {
	noted := func(id int64, hour int, board, part string, cost money.Tiyn) Entry {
		return Entry{Ticket: id, At: at(hour), Step: Noted, Board: board, Part: part, Cost: cost}
	}
	b := book(t, opening(1, 0, "M1", alert.Board), noted(1, 1, "B7", "hash board", 50_000), noted(1, 2, "B9", "", 0),
		closing(1, 3, Replaced), opening(2, 9, "M2", alert.Code), noted(2, 10, "B7", "hash board", 20_000),
		noted(2, 10, "", "", -5_000), closing(2, 11, Scrapped), opening(3, 20, "M2", alert.Fan))
	var history []string
	for _, t := range b.OfBoard("B7") {
		history = append(history, fmt.Sprintf("%d %s %s %d %v", t.ID, t.Machine, t.Outcome, int64(t.CostTiyn), t.Boards))
	}
	if want := []string{"1 M1 replaced 50000 [B7 B9]", "2 M2 scrapped 15000 [B7]"}; !slices.Equal(history, want) {
		t.Errorf("%q, want %q", history, want)
	}
	if len(b.OfBoard("B8")) != 0 {
		t.Error("a board that nobody saw has tickets")
	}
}

// Mean time between failures against a hand's count: hours in repair are no hours of work, overlapping ones count
// once, what was no failure does not count, and machines of unknown age neither.
func TestFailures(t *testing.T) {
	place, _ := fleet.ParsePlace("north/c1/r1/s1")
	other, _ := fleet.ParsePlace("north/c1/r2/s1")
	since := at(0).Unix()
	machines := []fleet.Machine{
		{ID: "M1", Model: "S19", Place: place, Since: since}, {ID: "M2", Model: "S19", Place: other, Since: since},
		{ID: "M3", Model: "M50", Place: place, Since: since}, {ID: "M4", Model: "M50", Place: place},
	}
	fan := opening(1, 10, "M1", alert.Fan)
	fan.Part, fan.Cost = "fan", 1000
	supply := opening(2, 15, "M1", alert.Hot) // until 30, over the first until 20
	supply.Part, supply.Cost = "power supply", 7000
	b := book(t, fan, supply, closing(1, 20, Repaired), closing(2, 30, Replaced),
		opening(3, 50, "M2", alert.LowHash), closing(3, 60, NothingFound),
		opening(4, 90, "M2", alert.Fan),                                  // and still
		opening(5, 10, "M4", alert.Fan), opening(6, 10, "M9", alert.Fan)) // of unknown age, and gone
	for by, want := range map[string][]Failures{
		"model": {{"M50", 1, 100, 0, -1, 0}, {"S19", 2, 80 + 90, 3, 56, 8000}},
		"rack":  {{"north/c1/r1", 2, 180, 2, 90, 8000}, {"north/c1/r2", 1, 90, 1, 90, 0}},
		"part":  {{"(none)", 3, 270, 1, 270, 0}, {"fan", 3, 270, 1, 270, 1000}, {"power supply", 3, 270, 1, 270, 7000}},
	} {
		if got, err := b.Failures(machines, by, at(100)); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("by %s: %+v, %v, want %+v", by, got, err, want)
		}
	}
	if _, err := b.Failures(machines, "colour", at(100)); err == nil {
		t.Error("an unknown way to count was taken")
	}
}

// The time worked is what is left of the hours when those of any ticket are taken out, hour by hour.
func TestHoursWorked(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var tickets []*Ticket
		broken := map[int]bool{}
		for range rapid.IntRange(0, 6).Draw(t, "tickets") {
			from := rapid.IntRange(-20, 60).Draw(t, "from")
			to := from + rapid.IntRange(0, 40).Draw(t, "for")
			ticket := &Ticket{Since: at(from)}
			if rapid.Bool().Draw(t, "open") {
				to = 1000
			} else {
				ticket.Closed = at(to)
			}
			tickets = append(tickets, ticket)
			for hour := from; hour < to; hour++ {
				broken[hour] = true
			}
		}
		want := 0
		for hour := range 50 {
			if !broken[hour] {
				want++
			}
		}
		if got := worked(tickets, at(0), at(50)); got != time.Duration(want)*time.Hour {
			t.Fatalf("%v, want %d h", got, want)
		}
	})
}

// Whatever the disk does, each step that was acknowledged is there, in order, and the next can be taken.
func TestTicketsSurviveTheirDisk(t *testing.T) {
	t.Parallel()
	add := func(files vfs.FS) error {
		_, err := Add(files, "farm", func(b *Book) ([]Entry, error) {
			id := int64(len(b.Tickets)) + 1
			return []Entry{opening(id, 0, fmt.Sprint("M", id), alert.Fan)}, nil
		})
		return err
	}
	diskfault.Every(t, func(files vfs.FS) error { return errors.Join(files.MkdirAll("farm"), add(files)) },
		func(files vfs.FS) (done int, err error) {
			for done = 1; done < 9; done++ {
				if err := add(files); err != nil {
					return done, err
				}
			}
			return done, nil
		}, func(files vfs.FS, done int) error {
			b, err := Read(files, "farm")
			if err != nil {
				return err
			}
			if len(b.Tickets) < done || len(b.Tickets) > done+2 { // with what the check of the killed process added
				return fmt.Errorf("%d tickets were opened, %d are there", done, len(b.Tickets))
			}
			return add(files)
		})
}

// A file that does not follow from itself is damage: nothing is read from it and nothing added.
func TestDamagedTicketsAreRefused(t *testing.T) {
	dir := t.TempDir()
	lines, err := durable.OpenLines(vfs.OS, filepath.Join(dir, ticketsFile), func([]byte) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	err = errors.Join(lines.Append([]byte(`{"ticket":2,"step":"opened","machine":"M1","kind":"fan"}`)), lines.Close())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Read(vfs.OS, dir); err == nil {
		t.Error("it was read")
	}
	if _, err := Add(vfs.OS, dir, func(*Book) ([]Entry, error) { return nil, nil }); err == nil {
		t.Error("it was added to")
	}
}

// FuzzEntries takes any lines for a file of tickets: refused, or tickets that hold together.
func FuzzEntries(f *testing.F) {
	f.Add(`{"ticket":1,"at":"2026-11-03T12:00:00Z","step":"opened","machine":"M1","kind":"fan","since":"2026-11-03T12:00:00Z"}`)
	f.Add(`{"ticket":1,"step":"closed","outcome":"repaired","cost_tiyn":9223372036854775807}`)
	f.Fuzz(func(t *testing.T, text string) {
		b := new(Book)
		for line := range strings.Lines(text) {
			var e Entry
			if json.Unmarshal([]byte(line), &e) == nil {
				_ = b.Take(e) // what is refused changes nothing
			}
		}
		for i, ticket := range b.Tickets {
			var sum money.Tiyn
			for _, e := range ticket.Entries {
				sum += e.Cost
			}
			if ticket.ID != int64(i)+1 || sum != ticket.CostTiyn || sum < 0 || sum > maxCost {
				t.Fatalf("%+v", ticket)
			}
		}
	})
}
