package terminal

import (
	"strings"
	"testing"
)

// What others have named moves no cursor, sets no colour and turns no text: it is shown as what it is. Line ends, tabs and
// every letter stay.
func TestLinesGiveNobodyTheCursor(t *testing.T) {
	for text, want := range map[string]string{
		"әңгіме\tцена — 5 ₸\n█▀▄\u00a0": "әңгіме\tцена — 5 ₸\n█▀▄\u00a0",
		"a\x1b[2Jb\n":      `a\x1b[2Jb` + "\n",
		"a\u009b31mb":      `a\u009b31mb`,
		"a\x9bb":           `a\x9bb`,
		"pay \u202eelbuod": `pay \u202eelbuod`,
		"a\rb\x00\x07":     `a\rb\x00\a`,
		"\ufffd":           "\ufffd",
		`a\b "c"`:          `a\b "c"`,
	} {
		if got := Lines(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
	if got := Plain("a\nb\t\x1b\"c"); got != `a\nb\t\x1b"c` {
		t.Errorf("Plain: %q", got)
	}
}

// What is shown once is shown the same when it is shown again.
func FuzzLines(f *testing.F) {
	for _, seed := range []string{"", "a\x1bb", "\xff\xfe", "\u202e", "ә\n\t"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := Lines(text)
		if Lines(got) != got {
			t.Fatalf("%q becomes %q and then %q", text, got, Lines(got))
		}
		if strings.ContainsAny(got, "\x00\x07\x08\r\x1b\x7f") {
			t.Fatalf("%q becomes %q", text, got)
		}
		if strings.Count(got, "\n") != strings.Count(text, "\n") {
			t.Fatalf("%q becomes %q: other lines", text, got)
		}
	})
}
