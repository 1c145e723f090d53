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

// A slow beginning is not the pace of the rest: ten seconds before the first step of ten thousand quick ones, and the
// line after five seconds more has what is left by the steps alone; before a hundredth is done there is no estimate.
func TestASlowBeginningIsNoPace(t *testing.T) {
	var b strings.Builder
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	progress := speak(&b, "refits", func() time.Time { return at })
	at = at.Add(10 * time.Second)
	progress(1, 10_000)
	at = at.Add(6 * time.Second)
	progress(50, 10_000)
	at = at.Add(6 * time.Second)
	progress(6001, 10_000)
	want := "refits: 1 of 10000\nrefits: 50 of 10000\nrefits: 6001 of 10000, about 8s more\n"
	if b.String() != want {
		t.Errorf("%q", b.String())
	}
}
