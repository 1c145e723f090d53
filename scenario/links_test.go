package scenario

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/token"
)

// withoutPage are the steps whose objects no page of the node shows yet: docs/console.md names them.
var withoutPage = []string{"banks", "prove", "purse-mine", "pool-block", "machines", "bad-night", "morning", "schedule",
	"plan", "sale"}

// checkLinks holds that each step leads to what it left, as somebody whom a browser may be, and that whoever it is was
// part of it.
func checkLinks(t *testing.T, w *Stage, record *Record, steps []Step) {
	t.Helper()
	for _, step := range steps {
		if links := record.Links[step.Name]; (len(links) == 0) != slices.Contains(withoutPage, step.Name) {
			t.Errorf("step %s leads to %v", step.Name, links)
		}
		for _, l := range record.Links[step.Name] {
			to, err := url.Parse(l.Path)
			if err != nil || !strings.HasPrefix(l.Path, "/") {
				t.Errorf("step %s: %+v", step.Name, l)
				continue
			}
			own := strings.HasPrefix(to.Path, "/wallet/")
			if own != slices.ContainsFunc(Persons(), func(p Person) bool { return p.Name == l.Role }) ||
				!own && l.Role != "" && l.Role != Auditor {
				t.Errorf("step %s leads to %s as %q", step.Name, l.Path, l.Role)
			}
			if id := to.Query().Get("id"); id != "" && !w.tookPart(t, l.Role, id) {
				t.Errorf("step %s: %s has no part in %s", step.Name, l.Role, id)
			}
		}
	}
}

// tookPart says whether a transaction is in somebody's history.
func (w *Stage) tookPart(t *testing.T, name, id string) bool {
	t.Helper()
	for before := uint64(0); ; {
		history, err := w.Client.API.History(t.Context(), w.id(name), before, 100, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range history.Lines {
			if line.ID.String() == id {
				return true
			}
		}
		if before = history.Next; before == 0 {
			return false
		}
	}
}

// A link is kept once, however often its step is told.
func TestALinkIsKeptOnce(t *testing.T) {
	record, err := OpenRecord(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	w := &Stage{record: record, step: "shopping"}
	for range 2 {
		if err := w.linkReceipt("dana", token.TransactionID{1}); err != nil {
			t.Fatal(err)
		}
	}
	if again, err := OpenRecord(strings.TrimSuffix(record.path, "/story.json")); err != nil ||
		len(again.Links["shopping"]) != 1 {
		t.Errorf("%+v, %v", again, err)
	}
}
