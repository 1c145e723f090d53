package plancmd

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/internal/cli/clitest"
)

// farmNoun is "farm" with what is planned of it.
func farmNoun() *cobra.Command {
	command := &cobra.Command{Use: "farm"}
	command.AddCommand(NewFarmPowerCommand(), NewFarmPlanCommand())
	return command
}

func run(t *testing.T, line ...string) clitest.Ended {
	t.Helper()
	return clitest.Run(t, clitest.Nouns{farmNoun}, append([]string{"farm"}, line...)...)
}

// site is a folder with a power file and simulated prices.
func powerSite(t *testing.T) (dir, file, prices string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "site")
	run(t, "power", "init", dir, "--days", "80").Wants(t, 0, "simulated")
	return dir, filepath.Join(dir, "power.toml"), filepath.Join(dir, "prices.csv")
}

// A schedule runs no more machines than there are, keeps to what was called off, and writes for each reader a file of his own.
func TestASchedule(t *testing.T) {
	dir, file, _ := powerSite(t)
	run(t, "power", "init", dir).Wants(t, 2, "power.toml") // what is there is not written over
	run(t, "power", "init", t.TempDir(), "--days", "0").Wants(t, 2, "--days")
	run(t, "power", "init", t.TempDir(), "--days", "3661").Wants(t, 2, "--days")
	var plain, called struct {
		Hours []map[string]any
		Gain  int64 `json:"gain_tiyn"`
	}
	run(t, "power", "schedule", file, "--json").JSON(t, &plain)
	run(t, "power", "schedule", file, "--curtail", "14-17=500", "--json").JSON(t, &called)
	if len(plain.Hours) != 24 || len(called.Hours) != 24 || called.Gain > plain.Gain {
		t.Errorf("%d and %d hours, gains %d and %d", len(plain.Hours), len(called.Hours), plain.Gain, called.Gain)
	}
	for _, bad := range [][]string{{"--curtail", "14-17"}, {"--curtail", "17-14=500"}, {"--curtail", "14-17=x"}, {"--curtail", "14-25=5"},
		{"--curtail", "14-17=500", "--at", "24"}, {"--at", "-1", "--curtail", "14-17=500"}} {
		if e := run(t, append([]string{"power", "schedule", file}, bad...)...); e.Exit != 2 && e.Exit != 3 {
			t.Errorf("%v: exit %d, %s", bad, e.Exit, e.Out)
		}
	}
	out := t.TempDir()
	hours, machines := filepath.Join(out, "hours.csv"), filepath.Join(out, "machines.csv")
	run(t, "power", "schedule", file, "--hours", hours, "--machines", filepath.Join(out, ".", "hours.csv")).Wants(t, 2, "one file")
	if _, err := os.Stat(hours); err == nil {
		t.Error("a file was written for a command line that is wrong")
	}
	run(t, "power", "schedule", file, "--hours", hours, "--machines", machines).Wants(t, 0)
	for path, column := range map[string]string{hours: "kwh", machines: ""} {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		rows, err := csv.NewReader(strings.NewReader(string(content))).ReadAll()
		if err != nil || len(rows) < 2 || !strings.Contains(strings.Join(rows[0], ","), column) {
			t.Errorf("%s: %d rows, %v", path, len(rows), err)
		}
	}
}

// A power file that is torn, or says what cannot be, is named with what is wrong; nothing is scheduled.
func TestPowerFilesThatAreNone(t *testing.T) {
	_, file, prices := powerSite(t)
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	bad := filepath.Join(t.TempDir(), "bad.toml")
	for name, text := range map[string]string{
		"torn":    string(content[:len(content)/2]) + "\n[[",
		"empty":   "",
		"unknown": "colour = \"red\"\n" + string(content),
		"a day":   strings.Replace(string(content), "2026-", "2026-13-", 1),
	} {
		if err := os.WriteFile(bad, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, verb := range []string{"ceiling", "schedule"} {
			if e := run(t, "power", verb, bad); e.Exit == 0 {
				t.Errorf("%s, %s: %s", name, verb, e.Out)
			}
		}
	}
	run(t, "power", "ceiling", filepath.Join(t.TempDir(), "none.toml")).Wants(t, 2, "none.toml")
	run(t, "power", "ceiling", file).Wants(t, 0, "ceiling a kWh", "from")
	run(t, "power", "bid", file).Wants(t, 2, "prices")
	run(t, "power", "bid", file, "--prices", filepath.Join(t.TempDir(), "none.csv")).Wants(t, 2, "none.csv")
	run(t, "power", "backtest", file, "--prices", prices, "--train", "100000").Wants(t, 3)
	run(t, "power", "backtest", file, "--prices", prices, "--train", "-1").Wants(t, 3)
}

// Bids are below what a kWh is worth, of the days before alone: what the day itself cost changes none of them.
func TestBidsKnowOnlyThePast(t *testing.T) {
	_, file, prices := powerSite(t)
	type bids struct {
		Bids []struct {
			Hour         int
			Bid, Ceiling int64
		}
	}
	var first, second bids
	run(t, "power", "bid", file, "--prices", prices, "--json").JSON(t, &first)
	if len(first.Bids) == 0 {
		t.Fatal("no bid")
	}
	for _, b := range first.Bids {
		if b.Bid > b.Ceiling {
			t.Errorf("hour %d: %d is bid for what is worth %d", b.Hour, b.Bid, b.Ceiling)
		}
	}
	content, err := os.ReadFile(prices)
	if err != nil {
		t.Fatal(err)
	}
	later := filepath.Join(t.TempDir(), "later.csv")
	lines := strings.SplitAfter(string(content), "\n")
	last := lines[len(lines)-2]
	day, _, _ := strings.Cut(last, ",")
	if err := os.WriteFile(later, []byte(strings.ReplaceAll(string(content), day+",", "2027-01-01,")), 0o600); err != nil {
		t.Fatal(err)
	}
	if e := run(t, "power", "bid", file, "--prices", later, "--json"); e.Exit == 0 {
		e.JSON(t, &second)
	}
	run(t, "power", "bid", file, "--prices", file).Wants(t, 3)
}

// Registers are all of the same plan and figures or none is written; a row that is none is named by its line.
func TestRegisters(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "farm")
	run(t, "plan", "init", dir).Wants(t, 0)
	run(t, "plan", "init", dir).Wants(t, 2, "plan.toml")
	file := filepath.Join(dir, "plan.toml")
	out := filepath.Join(t.TempDir(), "registers")
	write := func(name, content string) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for flag, rows := range map[string][]string{
		"--metered":  {"day,kwh\nyesterday,5\n", "day,kwh\n2026-10-01,-5\n", "day,kwh\n2026-10-01,NaN\n", "day\n", "day,kwh\n2026-10-01\n"},
		"--received": {"day,btc,price_kzt,sold_btc\n2026-10-01,x,1,1\n", "day,btc,price_kzt,sold_btc\n2026-10-01,-1,1,1\n", "btc\n"},
	} {
		for _, content := range rows {
			if e := run(t, "plan", "registers", file, flag, write("rows.csv", content), "--out", out); e.Exit == 0 {
				t.Errorf("%s %q: %s", flag, content, e.Out)
			}
		}
	}
	if _, err := os.Stat(out); err == nil {
		t.Error("registers of figures that were refused are written")
	}
	run(t, "plan", "registers", file, "--out", out).Wants(t, 0, "planned")
	if _, err := os.Stat(filepath.Join(out, "levy.csv")); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(out, "tax.csv")); err == nil {
		t.Error("a tax register without coins received")
	}
	run(t, "plan", "registers", file, "--received", write("coins.csv", "day,btc,price_kzt,sold_btc\n2026-10-01,0.5,50000000,0.1\n"),
		"--out", out).Wants(t, 0)
	if tax, err := os.ReadFile(filepath.Join(out, "tax.csv")); err != nil || len(tax) == 0 {
		t.Errorf("%v", err)
	}
}
