package plancmd

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/params"
	"github.com/aqsha/aqsha/planner/power/backtest"
	"github.com/aqsha/aqsha/planner/power/dispatch"
)

func isUsage(err error) bool { var usage cli.UsageError; return errors.As(err, &usage) }

// Files to begin with are written where nothing is: what somebody has edited stays, and then none of the others is written either.
func TestFilesToBeginWith(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "farm")
	paths, err := beginFiles(dir, beginFile{"plan.toml", "a"}, beginFile{"power.toml", "b"})
	if err != nil || len(paths) != 2 {
		t.Fatalf("%v, %v", paths, err)
	}
	for i, want := range []string{"a", "b"} {
		if got, err := os.ReadFile(paths[i]); err != nil || string(got) != want {
			t.Errorf("%s: %q, %v", paths[i], got, err)
		}
	}
	if _, err := beginFiles(dir, beginFile{"other.toml", "c"}, beginFile{"plan.toml", "d"}); !isUsage(err) {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "other.toml")); !os.IsNotExist(err) {
		t.Error("a file was written beside one that was there")
	}
	if got, _ := os.ReadFile(paths[0]); string(got) != "a" {
		t.Errorf("an edited file is %q now", got)
	}
}

// A call is hours and most kilowatts: the limit holds in those hours, and nowhere else.
func TestCallsOfTheGrid(t *testing.T) {
	problem := func() *dispatch.Problem {
		p := &dispatch.Problem{Cost: make([]farm.MicroTiyn, 24), LimitWatts: make([]int64, 24)}
		for h := range p.LimitWatts {
			p.LimitWatts[h] = 3_000_000
		}
		return p
	}
	p := problem()
	if err := (&curtailFlags{calls: []string{"14-17=500", "0-1=0"}}).apply(p); err != nil {
		t.Fatal(err)
	}
	for h, got := range p.LimitWatts {
		want := int64(3_000_000)
		switch {
		case h >= 14 && h < 17:
			want = 500_000
		case h == 0:
			want = 0
		}
		if got != want {
			t.Errorf("%d:00: %d W, want %d", h, got, want)
		}
	}
	for _, text := range []string{"", "14-17", "14=500", "a-17=500", "14-17=many", "14-17=5.5", "14-17=99999999999"} {
		if err := (&curtailFlags{calls: []string{text}}).apply(problem()); !isUsage(err) {
			t.Errorf("%q: %v", text, err)
		}
	}
	for _, text := range []string{"17-14=500", "14-25=500", "-1-3=500", "14-17=-5"} {
		p := problem()
		if err := (&curtailFlags{calls: []string{text}}).apply(p); err == nil {
			t.Errorf("%q is a call: %v", text, p.LimitWatts)
		}
	}
}

// Days before one are those that a bidder knew: that day itself is none of them.
func TestDaysBefore(t *testing.T) {
	days := []backtest.Day{{Date: "2026-01-01"}, {Date: "2026-01-02"}, {Date: "2026-01-05"}}
	for day, want := range map[params.Date]int{"2025-12-31": 0, "2026-01-01": 0, "2026-01-02": 1, "2026-01-03": 2, "2026-01-05": 2, "2027-01-01": 3} {
		if got := before(days, day); len(got) != want {
			t.Errorf("before %s: %d days, want %d", day, len(got), want)
		}
	}
}

// What is no result of a plan is refused by what it is, not computed again.
func TestResultsThatAreNone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "plan.json")
	for content, says := range map[string]string{`{`: "no result", `{"format": "aqsha-farm-plan/99"}`: "no result", `[]`: "no result"} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, _, err := readResult(path); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", content, err)
		}
	}
	if _, _, err := readResult(filepath.Join(t.TempDir(), "none.json")); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	if _, _, err := siteAndPrices(filepath.Join(t.TempDir(), "none.toml"), ""); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

// Before minutes of computing: a language that there is not, a result over the plan, the power file or the prices that it
// is of, and two results in one file, by whatever path.
func TestResultsReplaceNothingThatIsRead(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "farm")
	run(t, "plan", "init", dir).Wants(t, 0)
	plan, power := filepath.Join(dir, "plan.toml"), filepath.Join(dir, "power.toml")
	before, err := os.ReadFile(plan)
	if err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), "link.toml")
	if err := os.Symlink(plan, link); err != nil {
		t.Fatal(err)
	}
	html := filepath.Join(t.TempDir(), "p.html")
	for _, line := range [][]string{
		{"plan", plan, "--html", plan}, {"plan", plan, "--out", filepath.Join(dir, "..", "farm", "plan.toml")}, {"plan", plan, "--out", link},
		{"plan", plan, "--site", power, "--html", power}, {"plan", plan, "--html", html, "--out", html},
		{"plan", "rerun", plan, "--html", plan}, {"power", "bid", power, "--prices", plan, "--out", plan},
		{"power", "bid", power, "--prices", plan, "--out", power}, {"power", "schedule", power, "--hours", power},
	} {
		run(t, line...).Wants(t, 2, "replace")
	}
	for _, line := range [][]string{{"plan", plan, "--lang", "de", "--html", html}, {"plan", "rerun", plan, "--lang", ""}} {
		run(t, line...).Wants(t, 3, "en, kk, ru")
	}
	if after, err := os.ReadFile(plan); err != nil || string(after) != string(before) {
		t.Errorf("the plan is %.40q, %v", after, err)
	}
	if _, err := os.Stat(html); err == nil {
		t.Error("a page was written")
	}
	// A power file that is called as a file of the plan's own would be computed again in its place.
	named := filepath.Join(t.TempDir(), "garch.json")
	text, err := os.ReadFile(power)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(named, text, 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, "plan", plan, "--site", named).Wants(t, 2, "another file of the plan")
}
