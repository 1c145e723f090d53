package session_test

import (
	"testing"

	"github.com/aqsha/aqsha/internal/cli/session"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/words"
)

// Every kind of entry has its name in each language; what the ledger has no kind for keeps its own.
func TestEveryKindOfEntryIsNamed(t *testing.T) {
	seen := 0
	for kind := range 256 {
		name := ledger.SystemKind(kind).String()
		if name == "" {
			continue
		}
		seen++
		if got := session.KindText(words.English, name); got != name {
			t.Errorf("%q is %q in English", name, got)
		}
		for _, l := range []words.Language{words.Kazakh, words.Russian} {
			if got := session.KindText(l, name); got == name {
				t.Errorf("%s has no text of %q", l, name)
			}
		}
	}
	if seen != 7 {
		t.Errorf("%d kinds of entries by the rules", seen)
	}
	if got := session.KindText(words.Russian, "transfer"); got != "платёж" {
		t.Error(got)
	}
	if got := session.KindText(words.Russian, "leaf"); got != "leaf" {
		t.Error(got)
	}
}
