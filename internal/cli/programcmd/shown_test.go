package programcmd

import (
	"bytes"
	"testing"

	"github.com/aqsha/aqsha/contract"
	"github.com/aqsha/aqsha/money"
)

// Numbers of a template are shown in their units, and every number that it has is decided about; those of somebody
// else's definition by the same name are shown as they are.
func TestNumbersInTheirUnits(t *testing.T) {
	text, _ := contract.Template("order")
	source, problems := contract.Parse(text)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	d := &source.Definition
	for _, test := range []struct {
		where, name string
		n           int64
		want        string
	}{
		{"term", "until", 1_796_000_000_000, "2026-11-30 05:53:20 (UTC+05)"}, {"term", "first_due", 1_796_000_000_000, "2026-11-30 05:53:20 (UTC+05)"},
		{"state", "delivered", 0, "not yet"}, {"term", "warranty", 365 * 86_400_000, "365d"}, {"term", "inspect", 5_400_000, "1h30m0s"},
		{"term", "price", 123_456, money.Tiyn(123_456).Format()}, {"state", "kept", 50, "0.50 ₸"}, {"term", "share", 250, "25 %"},
		{"term", "retention", 55, "5.5 %"}, {"term", "penalty", 1, "0.1 %"}, {"state", "penalty", 100, "1.00 ₸"}, {"term", "milestones", 3, "3"},
		{"state", "done", 2, "2"},
	} {
		if got := unitText(unitOf(d, test.where, test.name), test.n); got != test.want {
			t.Errorf("%s %s %d is shown as %q, want %q", test.where, test.name, test.n, got, test.want)
		}
	}
	other, problems := contract.Parse(bytes.Replace(text, []byte("min(terms.milestones, terms.price) > 0"), []byte("min(terms.milestones, terms.price) > 1"), 1))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	if got := unitText(unitOf(&other.Definition, "term", "until"), 1_796_000_000_000); got != "1796000000000" {
		t.Errorf("another definition of that name: %q", got)
	}
}
