package repair

import (
	"strings"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/farm/alert"
	"github.com/aqsha/aqsha/farm/faults"
	"github.com/aqsha/aqsha/farm/fleet"
	"github.com/aqsha/aqsha/farm/records"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// Open opens a ticket for each alert that holds for a selection of machines and has none, each with what first says.
// With a kind only for alerts of that kind; of one machine also when none holds, as of what somebody saw. It returns
// the tickets that were opened.
func Open(b *records.Records, selector string, kind alert.Kind, first Entry) ([]Ticket, error) {
	before := 0
	book, err := Add(vfs.OS, b.Dir, func(book *Book) ([]Entry, error) {
		before = len(book.Tickets)
		return openings(b, book, selector, kind, first)
	})
	if err != nil {
		return nil, err
	}
	return book.Tickets[before:], nil
}

// openings are the tickets to open: one for each alert that holds and has none.
func openings(b *records.Records, book *Book, selector string, kind alert.Kind, first Entry) ([]Entry, error) {
	machines, err := b.Fleet.Select(selector)
	if err != nil {
		return nil, err
	}
	standing, _, err := b.Standing()
	if err != nil {
		return nil, err
	}
	var entries []Entry
	add := func(m *fleet.Machine, s alert.Standing) {
		e := first
		e.Ticket, e.Machine = int64(len(book.Tickets)+len(entries))+1, m.ID
		e.Rack, e.Model = m.Place.RackPath(), m.Model
		e.Kind, e.Codes, e.Since = s.Kind, s.Codes, s.Since
		if e.Part == "" {
			e.Part = partOf(s)
		}
		if e.Since.After(e.At) {
			e.Since = e.At
		}
		entries = append(entries, e)
	}
	for _, m := range machines {
		for _, s := range standing {
			if _, open := book.OpenFor(m.ID, s.Kind); s.Machine == m.ID && (kind == "" || s.Kind == kind) && !open {
				add(m, s)
			}
		}
	}
	// A person may see what no detector does: named machine and kind open a ticket without an alert.
	if len(entries) == 0 && kind != "" && len(machines) == 1 {
		add(machines[0], alert.Standing{Kind: kind, Since: first.At})
	}
	if len(entries) == 0 {
		return nil, farm.Refuse("no-alert", "selector", "no alert holds for %s that has no ticket", selector)
	}
	return entries, nil
}

// partOf is the spare part that an alert asks for, as far as is known.
func partOf(s alert.Standing) string {
	for _, text := range strings.Fields(s.Codes) {
		if family, code, err := faults.Parse(text); err == nil {
			if part := faults.Explain(family, code, "en").Part; part != "" {
				return part
			}
		}
	}
	return map[alert.Kind]string{alert.Fan: "fan", alert.Board: "hash board"}[s.Kind]
}
