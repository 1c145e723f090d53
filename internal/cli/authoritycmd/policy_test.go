package authoritycmd

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/words"
)

// Every kind of change that may wait is told from the others before somebody vetoes it.
func TestWhatAProposalChanges(t *testing.T) {
	for want, c := range map[string]token.Change{
		"2 of 3 keys issue":         {Set: token.RoleIssue, Keys: &token.KeySet{Threshold: 2, Keys: make([]token.PublicKey, 3)}},
		"issuing cap 5.00 ₸ a day":  {DailyCap: 5 * money.Tenge},
		"a policy (a bank's new":    {Policy: &token.Policy{RekeyDelayMillis: 60_000}},
		"rules version 5 from":      {Rules: 5, Height: 9},
		"delay of changes 24h0m0s":  {DelayMillis: 86_400_000},
		"keys wait 1m0s, the day":   {Policy: &token.Policy{RekeyDelayMillis: 60_000}},
		"from block 9 on":           {Rules: 5, Height: 9},
		"the day begins 5h0m0s bef": {Policy: &token.Policy{DayOffsetMillis: 5 * 3_600_000}},
	} {
		if got := changeText(words.English, c); !strings.Contains(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// No limit and no count are a dash, not a zero: a wallet of a tier without a limit may pay.
func TestNoLimitIsNotZero(t *testing.T) {
	if limitText(0) != "—" || countText(0) != "—" || limitText(150) != "1.50 ₸" || countText(7) != "7" {
		t.Errorf("%s %s %s %s", limitText(0), countText(0), limitText(150), countText(7))
	}
	balance := 3 * money.Tenge
	if treasuryText(words.English, nil) != "not shown" || treasuryText(words.English, &balance) != "3.00 ₸" {
		t.Errorf("%s, %s", treasuryText(words.English, nil), treasuryText(words.English, &balance))
	}
}

// What a policy says of banknotes is shown where the rules know them, with what is left out in words.
func TestAPolicyIsDescribed(t *testing.T) {
	p := &token.Policy{DayOffsetMillis: 5 * 3_600_000, SnapshotEvery: 1000}
	text := func(rules uint32) string {
		var out bytes.Buffer
		describePolicy(&out, words.English, p, rules)
		return out.String()
	}
	if got := text(cashRules - 1); !strings.Contains(got, "begins 5h0m0s before") || strings.Contains(got, "banknotes") {
		t.Error(got)
	}
	if got := text(cashRules); !strings.Contains(got, "no cap on what circulates") || !strings.Contains(got, "stays in the reserve") ||
		!strings.Contains(got, token.DefaultReserveDay.Format()) {
		t.Error(got)
	}
	p.MaxReserve, p.MaxReserveDay, p.ExpiredCash = 9*money.Tenge, 2*money.Tenge, token.WalletID{7}
	if got := text(cashRules); !strings.Contains(got, "at most 9.00 ₸ in circulation") || !strings.Contains(got, "at most 2.00 ₸ a day") ||
		!strings.Contains(got, "goes to wallet 07") {
		t.Error(got)
	}
}

// A policy's file is whole: an unknown name in it is a mistake, not something that is left out.
func TestAPolicysFile(t *testing.T) {
	dir := t.TempDir()
	write := func(content string) string {
		path := filepath.Join(dir, "policy.json")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	want := token.Policy{Tiers: []token.Tier{{Name: "person", MaxDay: 5}}, LeastToken: 1, SnapshotEvery: 9}
	whole, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	got, err := readPolicy(write(string(whole)))
	if err != nil || len(got.Tiers) != 1 || got.Tiers[0] != want.Tiers[0] || got.SnapshotEvery != 9 {
		t.Errorf("%+v, %v", got, err)
	}
	for _, content := range []string{`{"tires": []}`, `{`, `[]`, `{"snapshot_every": -1}`} {
		var usage cli.UsageError
		if _, err := readPolicy(write(content)); !errors.As(err, &usage) {
			t.Errorf("%s: %v", content, err)
		}
	}
	if _, err := readPolicy(filepath.Join(dir, "none.json")); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	if _, err := readPolicy(write(strings.Repeat(" ", maxPolicyFile+1))); err == nil {
		t.Error("a file without bounds is read")
	}
}

// An applicant's name is what he wrote: the table says so, and it moves nobody's terminal.
func TestApplications(t *testing.T) {
	var out bytes.Buffer
	listApplications(&out, words.English, []api.ApplicationView{{ID: "5f", Name: "marat\x1b[2J\nroot", Made: 1_796_000_000_000}})
	text := out.String()
	if !strings.Contains(text, "NOT CHECKED") || strings.Contains(text, "\x1b") || strings.Count(text, "\n") != 2 ||
		!strings.Contains(text, "2026-11-30") {
		t.Errorf("%q", text)
	}
}

// What a policy says, and what waits, has no word of English in another language, but what tiers are called.
func TestAPolicyIsSaidInEveryLanguage(t *testing.T) {
	p := &token.Policy{DayOffsetMillis: 5 * 3_600_000, SnapshotEvery: 1000, MaxReserve: money.Tenge}
	for _, l := range words.Languages {
		var out bytes.Buffer
		describePolicy(&out, l, p, cashRules)
		for _, c := range []token.Change{{Set: token.RoleIssue, Keys: &token.KeySet{Threshold: 1, Keys: make([]token.PublicKey, 2)}}, {DailyCap: 5}, {Policy: p}, {Rules: 5}, {}} {
			fmt.Fprintln(&out, changeText(l, c))
		}
		listApplications(&out, l, []api.ApplicationView{{State: api.ApplicationWaits}})
		text := regexp.MustCompile(`ed25519:\S+`).ReplaceAllString(out.String(), "")
		if english := regexp.MustCompile(`[A-Za-z]{3,}`).FindString(text); (english != "") != (l == words.English) {
			t.Errorf("%s: %q in %s", l, english, text)
		}
	}
}
