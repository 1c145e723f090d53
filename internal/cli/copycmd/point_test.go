package copycmd

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/words"
)

func isUsage(err error) bool { var usage cli.UsageError; return errors.As(err, &usage) }

// A ledger is restored to a size or to a time, in the network's zone unless another is said; a day is all of it.
func TestPointsInTime(t *testing.T) {
	at := func(text string) uint64 {
		when, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			t.Fatal(err)
		}
		return uint64(when.UnixMilli())
	}
	for _, c := range []struct {
		flags []string
		want  point
		wrong bool
	}{
		{nil, point{}, false},
		{[]string{"--to-size", "7"}, point{size: 7}, false},
		{[]string{"--to-time", "2026-11-28"}, point{millis: at("2026-11-28T23:59:59.999+05:00")}, false},
		{[]string{"--to-time", "2026-11-28T17:30"}, point{millis: at("2026-11-28T17:30:00+05:00")}, false},
		{[]string{"--to-time", "2026-11-28 17:30"}, point{millis: at("2026-11-28T17:30:00+05:00")}, false},
		{[]string{"--to-time", "2026-11-28T17:30:15Z"}, point{millis: at("2026-11-28T17:30:15Z")}, false},
		{[]string{"--to-time", "2026-11-28T17:30:15.250+01:00"}, point{millis: at("2026-11-28T17:30:15.250+01:00")}, false},
		{[]string{"--to-size", "0"}, point{}, true},
		{[]string{"--to-size", "7", "--to-time", "2026-11-28"}, point{}, true},
		{[]string{"--to-time", "yesterday"}, point{}, true},
		{[]string{"--to-time", "2026-13-01"}, point{}, true},
		{[]string{"--to-time", "1969-12-31"}, point{}, true},
	} {
		command := &cobra.Command{}
		addPointFlags(command)
		if err := command.ParseFlags(c.flags); err != nil {
			t.Fatal(err)
		}
		got, err := pointOf(command)
		if c.wrong && !isUsage(err) || !c.wrong && (err != nil || got != c.want) {
			t.Errorf("%v: %+v, %v; want %+v", c.flags, got, err, c.want)
		}
	}
}

// A block is of the past that is restored if it ends by the size, or was made by the time.
func TestBlocksUpToAPoint(t *testing.T) {
	block := func(size, millis uint64) (b api.BlockView) { b.Size, b.TimeMillis = size, millis; return b }
	for _, c := range []struct {
		p    point
		b    api.BlockView
		want bool
	}{
		{point{size: 10}, block(10, 1<<50), true}, {point{size: 10}, block(11, 0), false},
		{point{millis: 5}, block(99, 5), true}, {point{millis: 5}, block(0, 6), false},
	} {
		if got := c.p.holds(c.b); got != c.want {
			t.Errorf("%+v holds %+v: %t", c.p, c.b, got)
		}
	}
	if !(point{}).whole() || (point{size: 1}).whole() || (point{millis: 1}).whole() {
		t.Error("which points are the whole ledger")
	}
}

// What is lost is said apart: what somebody relies on, what was left behind, and what is not known.
func TestWhatIsLostInWords(t *testing.T) {
	for _, c := range []struct {
		l     lost
		wants []string
	}{
		{lost{}, nil},
		{lost{Answered: 3}, []string{"3 were signed or acknowledged"}},
		{lost{LeftBehind: 2, fence: 40, epoch: 6}, []string{"2 lie beyond entry 40, where the leader of epoch 6 began"}},
		{lost{Answered: 1, LeftBehind: 2, Unknown: 5}, []string{"1 were signed", "; 2 lie beyond", "; of 5 it is not known"}},
	} {
		got := c.l.String()
		for _, want := range c.wants {
			if !strings.Contains(got, want) {
				t.Errorf("%+v: want %q in %q", c.l, want, got)
			}
		}
		if len(c.wants) == 0 && got != "" {
			t.Errorf("%q of nothing", got)
		}
	}
	id := token.TransactionID{1}
	if got := (lostEntry{Index: 4, What: "transfer", Transaction: &id}).String(); !strings.HasPrefix(got, "entry 4: payment, transaction 01") {
		t.Error(got)
	}
	if got := (lostEntry{Index: 4, What: "leaf"}).String(); got != "entry 4: leaf" {
		t.Error(got)
	}
}

// What is set aside is all of the ledger and nothing else, and is there again under the name that is said.
func TestALedgerIsSetAside(t *testing.T) {
	dir := t.TempDir()
	if aside, err := setAside(dir); err != nil || aside != "" {
		t.Errorf("nothing was there: %q, %v", aside, err)
	}
	for _, part := range append([]string{"keys"}, node.LedgerParts...) {
		if err := os.WriteFile(filepath.Join(dir, part), []byte(part), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	aside, err := setAside(dir)
	if err != nil || filepath.Dir(aside) != dir {
		t.Fatalf("%q, %v", aside, err)
	}
	for _, part := range node.LedgerParts {
		if got, err := os.ReadFile(filepath.Join(aside, part)); err != nil || string(got) != part {
			t.Errorf("%s: %q, %v", part, got, err)
		}
		if _, err := os.Stat(filepath.Join(dir, part)); !os.IsNotExist(err) {
			t.Errorf("%s is still there", part)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "keys")); err != nil {
		t.Error("keys were set aside")
	}
}

// What became of a promotion and of a restore is said whole in each language: no word of English is left, but options, files and names.
func TestPromotionsAreSaidInEveryLanguage(t *testing.T) {
	r := Promotion{Size: 7, Epoch: 2, Promised: []string{"b1"}, Proof: "p1", Reported: []string{"u1"}, Untold: []string{"u2"}, Followers: []string{"f1"}, Acks: 1,
		AcksWere: 2, GivenUp: []string{"g1"}, Lost: 3, LostFrom: "u3"}
	quoted := regexp.MustCompile(`'[^']*'|"[^"]*"`)
	for _, l := range words.Languages {
		var out bytes.Buffer
		r.describe(&out, l, "d1")
		staffBack{Kept: true, SetAside: "s1"}.describe(&out, l)
		backedUp{}.describe(&out, l)
		fmt.Fprintln(&out, (&lost{Answered: 1, LeftBehind: 2, Unknown: 3}).in(l))
		text := quoted.ReplaceAllString(out.String(), "")
		if english := regexp.MustCompile(`[A-Za-z]{3,}`).FindString(text); (english != "") != (l == words.English) {
			t.Errorf("%s: %q in %s", l, english, text)
		}
		if lines := strings.Count(out.String(), "\n"); lines != 17 {
			t.Errorf("%s: %d lines: %s", l, lines, &out)
		}
	}
}
