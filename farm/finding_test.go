package farm_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/words"
)

// latin is a word of English where there should be none.
var latin = regexp.MustCompile(`[A-Za-z]{2,}`)

// An error of the network, of ours and of a machine is found to be something that is said in every language.
func TestFindingsOfErrors(t *testing.T) {
	dial := func(err error) error {
		return &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", err)}
	}
	for want, err := range map[string]error{
		"did not answer in time":       fmt.Errorf("reading: %w", context.DeadlineExceeded),
		"refuses the connection":       dial(syscall.ECONNREFUSED),
		"the network has no way to it": dial(syscall.EHOSTUNREACH),
		"the connection broke off":     io.ErrUnexpectedEOF,
		"was ended before it answered": context.Canceled,
		"The machine refused the password": fmt.Errorf("not ordered: %w", farm.Refuse("denied", "password",
			"the machine does not take it")),
		`The machine does not do it: "busy"`: farm.Refuse("refused", "reboot", "the machine says: %q", "busy"),
		"what nobody foresaw":                errors.New("what nobody foresaw"),
	} {
		content, failed := json.Marshal(farm.FindingOf(err))
		var found farm.Finding
		if failed = errors.Join(failed, json.Unmarshal(content, &found)); failed != nil {
			t.Fatal(failed)
		}
		if got := found.In(words.English); got != want {
			t.Errorf("%v: %q, want %q", err, got, want)
		}
		for _, l := range words.Languages[1:] {
			said := found.In(l)
			for _, others := range []string{"busy", "what nobody foresaw"} { // their words, quoted
				said = strings.ReplaceAll(said, "«"+others+"»", "")
			}
			if said == "" || latin.MatchString(said) {
				t.Errorf("%s: %v: %q", l, err, said)
			}
		}
	}
	if f := farm.FindingOf(nil); !f.IsZero() || f.In(words.Russian) != "" {
		t.Errorf("%+v", f)
	}
}

// What this program has no text for says the English sentence, not a code or half a sentence.
func TestAFindingThatIsNotKnown(t *testing.T) {
	deep := farm.Found("no-answer")
	for range 100 {
		deep = farm.Found("nonsense").Because(deep)
	}
	for _, f := range []farm.Finding{{}, farm.Found("of-a-later-program"), farm.Found("refusal", "code", "no-such-code"),
		farm.Found("nonsense").Because(farm.Finding{}), farm.Found("nonsense").Because(farm.Found("of-a-later-program")), deep} {
		if got := f.Say(words.Russian, "in English"); got != "in English" {
			t.Errorf("%+v: %q", f, got)
		}
	}
	if got := farm.Found("no-answer").Say(words.Russian, "in English"); got != "не ответило вовремя" {
		t.Error(got)
	}
}

// A machine's own words are passed on, and what this program adds to them is not taken for theirs.
func TestAMachinesOwnWords(t *testing.T) {
	found := farm.FindingOf(farm.Refuse("refused", "set_led", "the machine says: %q (and we say this)", `a "no"`))
	if found.Values["says"] != `a "no"` {
		t.Errorf("%+v", found)
	}
	err := farm.WithFinding(farm.Refuse("no-control", "mode", "no mode sleeps"), farm.Found("no-sleep"))
	var refusal *farm.Error
	if got := farm.FindingOf(fmt.Errorf("order 7: %w", err)).Code; got != "no-sleep" || !errors.As(err, &refusal) ||
		refusal.Code != "no-control" || err.Error() != "mode: no mode sleeps" {
		t.Errorf("%s, %v, %+v", got, err, refusal)
	}
}
