package notify_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aqsha/aqsha/farm/alert"
	"github.com/aqsha/aqsha/farm/notify"
)

// Numbers of alerts and machines have the forms of their language.
func TestNumbersInWords(t *testing.T) {
	for _, c := range []struct {
		language string
		count    int
		title    string
		line     string
	}{{"en", 1, "north: 1 alert", "no answer: rack, "}, {"en", 2, "north: 2 alerts", "(2 machines)"},
		{"ru", 1, "north: 1 тревога", "не отвечает: rack, "},
		{"ru", 3, "north: 3 тревоги", "(3 устройства)"},
		{"ru", 5, "north: 5 тревог", "(5 устройств)"},
		{"ru", 21, "north: 21 тревога", "(21 устройство)"},
		{"kk", 21, "north: 21 дабыл", "(21 құрылғы)"}} {
		m := notify.Message{Farm: "north", Raised: []notify.Line{{Kind: alert.Offline, Scope: "rack", Count: c.count}}}
		if title := m.Title(c.language); title != c.title {
			t.Errorf("%s: %q, want %q", c.language, title, c.title)
		}
		if text := m.Text(c.language, time.UTC); !strings.Contains(text, c.line) {
			t.Errorf("%s: no %q in %q", c.language, c.line, text)
		}
	}
}
