package words_test

import (
	"slices"
	"testing"

	"github.com/aqsha/aqsha/words"
)

// However a code is typed it is found, and one that is nearly right is named.
func TestCodesAsTheyAreTyped(t *testing.T) {
	for _, typed := range []string{"limit-day", "LIMIT-DAY", " Limit_Day ", "limit day", "urn:aqsha:problem:limit-day"} {
		if got := words.CodeOf(typed); got != "limit-day" {
			t.Errorf("%q is read as %q", typed, got)
		}
	}
	for typed, want := range map[string]string{
		"limit-dya": "limit-day", "limitday": "limit-day", "overloadd": "overloaded", "insufficient": "insufficient-funds",
		"TOKEN-NOT-LIV": "token-not-live", "bad-signatures": "bad-signature",
	} {
		if near := words.NearCodes(typed); len(near) > 3 || !slices.Contains(near, want) {
			t.Errorf("near %q are %v, without %s", typed, near, want)
		}
	}
	for _, typed := range []string{"", "x", "nothing of the kind"} {
		if near := words.NearCodes(typed); len(near) > 0 {
			t.Errorf("near %q are %v", typed, near)
		}
	}
}
