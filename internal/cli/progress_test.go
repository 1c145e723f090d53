package cli

import (
	"strings"
	"testing"
	"time"
)

// Work that is short says nothing; long work says a line every five seconds, with what is left at its pace, and none
// when it is done.
func TestLongWorkIsSpokenOf(t *testing.T) {
	for name, c := range map[string]struct {
		step time.Duration
		want string
	}{
		"short": {time.Second / 10, ""},
		"long":  {2 * time.Second, "refits: 3 of 10, about 14s more\nrefits: 6 of 10, about 8s more\nrefits: 9 of 10, about 2s more\n"},
	} {
		var b strings.Builder
		at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		progress := speak(&b, "refits", func() time.Time { return at })
		for done := 1; done <= 10; done++ {
			at = at.Add(c.step)
			progress(done, 10)
		}
		if b.String() != c.want {
			t.Errorf("%s: %q", name, b.String())
		}
	}
}
