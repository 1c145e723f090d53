package cli

import (
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
)

// What begins now ends no earlier, whichever way its end is written, and a flag's refusal names it.
func TestNothingEndsBeforeItBegins(t *testing.T) {
	command := &cobra.Command{}
	command.Flags().String("due", "30d", "")
	now := uint64(time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC).UnixMilli())
	for text, want := range map[string]time.Duration{"30d": 720 * time.Hour,
		"0s": 0, "-1d": -1, "-2h": -1, "2020-01-01": -1, "2026-09-01": -1,
		"1960-01-01": -1, "2026-09-02": 7 * time.Hour, "soon": -1, "": -1} {
		if err := command.Flags().Set("due", text); err != nil {
			t.Fatal(err)
		}
		until, err := UntilFlag(command, "due", now)
		switch {
		case want == -1 && (err == nil || !strings.Contains(err.Error(), "--due")):
			t.Errorf("%q: until %d, %v", text, until, err)
		case want >= 0 && (err != nil || until != now+uint64(want.Milliseconds())):
			t.Errorf("%q: until %d, %v, want %s after", text, until, err, want)
		}
	}
}
