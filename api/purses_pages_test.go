package api

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/token"
)

// Read part by part, however large the parts are, and while more purses are convicted and more names opened, the lists of
// purses are whole: nothing twice, and nothing left out of what was there at the beginning.
func TestPursesAreReadInParts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.IntRange(1, 5).Draw(t, "limit")
		convicted := map[token.WalletID]bool{}
		convict := func() { convicted[token.WalletID{rapid.Byte().Draw(t, "purse"), 1}] = true }
		for range rapid.IntRange(0, 12).Draw(t, "convicted") {
			convict()
		}
		opened := rapid.IntRange(0, 12).Draw(t, "opened")
		first, firstOpened := len(convicted), opened
		before := map[token.WalletID]bool{}
		for id := range convicted { // any order: a set
			before[id] = true
		}
		var after token.WalletID
		var got []token.WalletID
		var openings []NameOpening
		for {
			view := PursesView{}
			for id := range convicted { // sorted below
				view.Convicted = append(view.Convicted, id)
			}
			slices.SortFunc(view.Convicted, func(a, b token.WalletID) int { return slices.Compare(a[:], b[:]) })
			for i := range opened {
				view.Opened = append(view.Opened, NameOpening{Opening: ledger.Opening{TimeMillis: uint64(i)}})
			}
			view.part(after, len(openings), limit)
			if len(view.Convicted) > limit || len(view.Opened) > limit || view.Figures.Convicted != len(convicted) ||
				view.Figures.Opened != opened {
				t.Fatalf("%+v", view)
			}
			got, openings = append(got, view.Convicted...), append(openings, view.Opened...)
			if view.NextOpened != 0 && view.NextOpened != len(openings) ||
				view.NextConvicted != (token.WalletID{}) && view.NextConvicted != got[len(got)-1] {
				t.Fatalf("the lists go on at %v and %d, not behind what was shown", view.NextConvicted, view.NextOpened)
			}
			if view.NextConvicted == (token.WalletID{}) && view.NextOpened == 0 {
				break
			}
			if len(got) > 0 {
				after = got[len(got)-1]
			}
			if rapid.Bool().Draw(t, "more") && len(convicted) < 40 {
				convict()
				opened++
			}
		}
		for i := 1; i < len(got); i++ {
			if slices.Compare(got[i-1][:], got[i][:]) >= 0 {
				t.Fatalf("%v are not in order, each once", got)
			}
		}
		for _, id := range got {
			delete(before, id)
		}
		if len(before) != 0 || len(got) < first || len(openings) < firstOpened || len(openings) > opened {
			t.Errorf("%d of %d convicted, %d of %d opened; left out: %v", len(got), first, len(openings), firstOpened, before)
		}
		for i, o := range openings {
			if o.TimeMillis != uint64(i) {
				t.Errorf("opening %d is in place %d", o.TimeMillis, i)
			}
		}
	})
}
