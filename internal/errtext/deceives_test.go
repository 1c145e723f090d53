package errtext_test

import (
	"strings"
	"testing"

	"github.com/aqsha/aqsha/internal/errtext"
)

func TestWhatDeceives(t *testing.T) {
	for _, name := range []string{"Айгерім Қасымова", "Zoë O’Neill-Smith 2", "اسم", "می\u200cخواهم", "👩\u200d🌾", "銀行"} {
		if strings.ContainsFunc(name, errtext.Deceives) {
			t.Errorf("%q is a name", name)
		}
	}
	for _, r := range "\u202e\u202a\u2066\u2069\u200e\u200f\u061c\u200b\u2060\ufeff\u00ad\u2028\u0000\n\x1b\x7f\u0085" {
		if !errtext.Deceives(r) {
			t.Errorf("%U may stand in a name", r)
		}
	}
}
