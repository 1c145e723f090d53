package farmcmd

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aqsha/aqsha/farm/alert"
	"github.com/aqsha/aqsha/farm/fleet"
	"github.com/aqsha/aqsha/farm/monitor"
	"github.com/aqsha/aqsha/farm/notify"
	"github.com/aqsha/aqsha/farm/records"
	"github.com/aqsha/aqsha/farm/usage"
	"github.com/aqsha/aqsha/internal/cli/clitest"
	"github.com/aqsha/aqsha/words"
)

// ran runs "farm …" on a folder.
func ran(t *testing.T, dir string, line ...string) clitest.Ended {
	t.Helper()
	return clitest.Run(t, clitest.Nouns{NewFarmCommand}, append([]string{"farm", "--data", dir}, line...)...)
}

// refused wants a command refused with a code about a field.
func refused(t *testing.T, dir, code, field string, line ...string) {
	t.Helper()
	e := ran(t, dir, append(line, "--json")...)
	if got, of := e.Code(t); got != code || of != field || e.Exit != 3 {
		t.Errorf("%v: exit %d, %s of %s, want %s of %s\n%s", line, e.Exit, got, of, code, field, e.Err)
	}
}

// mistyped wants a command line that cannot be read ended with 2, with a code about a field.
func mistyped(t *testing.T, dir, code, field string, line ...string) {
	t.Helper()
	e := ran(t, dir, append(line, "--json")...)
	if got, of := e.Code(t); got != code || of != field || e.Exit != 2 {
		t.Errorf("%v: exit %d, %s of %s, want 2, %s of %s\n%s", line, e.Exit, got, of, code, field, e.Err)
	}
}

// imported is a folder with four machines at two sites, as an inventory names them.
func imported(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	e := clitest.Feed(t, "ip,serial,mac,model,site,container,rack,owner\n"+
		"10.0.0.7,SMTTYRHBDJAAI0001,a2:b4:c6:d8:e0:f2,Antminer S19 Pro,ekibastuz,c1,r1,x\n"+
		"10.0.0.8,SMTTYRHBDJAAI0002,a2:b4:c6:d8:e0:f3,Antminer S19 Pro,ekibastuz,c2,r1,x\n"+
		"10.0.0.9,WM0000000000003,,WhatsMiner M50S,aktobe,c1,r1,x\n"+
		"10.0.0.10,WM0000000000004,,=HYPERLINK(1),aktobe,c1,r2,x\n", clitest.Nouns{NewFarmCommand}, "farm", "--data", dir, "import", "-")
	e.Wants(t, 0, "4 added, 0 updated", "columns ignored: owner")
	return dir
}

// A list has what its selector names, on the screen, as JSON and as CSV alike; what others have named starts no formula in a
// spreadsheet, and what was written is read back to the same fleet.
func TestAListIsOfItsSelector(t *testing.T) {
	dir := imported(t)
	for selector, want := range map[string]int{"*": 4, "ekibastuz": 2, "ekibastuz/c2": 1, "WM0000000000003": 1} {
		rows, err := csv.NewReader(strings.NewReader(ran(t, dir, "list", selector, "--csv").Wants(t, 0).Out)).ReadAll()
		if err != nil || len(rows) != want+1 {
			t.Errorf("%s as CSV: %d rows, %v", selector, len(rows), err)
		}
		var machines []fleet.Machine
		ran(t, dir, "list", selector, "--json").JSON(t, &machines)
		if len(machines) != want {
			t.Errorf("%s: %d machines, want %d", selector, len(machines), want)
		}
		if out := ran(t, dir, "list", selector).Wants(t, 0, "MACHINE").Out; strings.Count(out, "\n") != want+1 {
			t.Errorf("%s:\n%s", selector, out)
		}
	}
	refused(t, dir, "no-machine", "selector", "list", "mars")
	refused(t, t.TempDir(), "no-machine", "fleet", "list")
	whole := ran(t, dir, "list", "--csv").Out
	if strings.Contains(whole, ",=HYPERLINK") {
		t.Errorf("a formula:\n%s", whole)
	}
	copied := t.TempDir()
	clitest.Feed(t, whole, clitest.Nouns{NewFarmCommand}, "farm", "--data", copied, "import", "-").Wants(t, 0, "4 added")
	if again := ran(t, copied, "list", "--csv").Out; again != whole {
		t.Errorf("read back:\n%s\nand written:\n%s", again, whole)
	}
}

// What machines are said to be is taken whole or not at all, and of no machine that is not there: nothing is made for it.
func TestWhatMachinesAreSaidToBe(t *testing.T) {
	dir := imported(t)
	before, err := os.ReadFile(filepath.Join(dir, "fleet.json"))
	if err != nil {
		t.Fatal(err)
	}
	for words, exit := range map[string]int{"watts=3300 limit=none": 2, "watts=0": 3, "watts=NaN": 3, "nameplate=100 nameplate=90": 2,
		"colour=red": 2, "limit=1000": 3, "b": 2, "watts": 2, "=": 2} {
		if e := ran(t, dir, append([]string{"set", "ekibastuz"}, strings.Fields(words)...)...); e.Exit != exit {
			t.Errorf("%v: exit %d, want %d", words, e.Exit, exit)
		}
	}
	if after, err := os.ReadFile(filepath.Join(dir, "fleet.json")); err != nil || string(after) != string(before) {
		t.Error("what was refused has changed the fleet")
	}
	ran(t, dir, "set", "ekibastuz", "watts=3300", "limit=85").Wants(t, 0, "3300 W", "hot from 85 °C", "SMTTYRHBDJAAI0002")
	ran(t, dir, "set", "ekibastuz/c1", "limit=-").Wants(t, 0)
	ran(t, dir, "set", "ekibastuz").Wants(t, 2)
	none := filepath.Join(t.TempDir(), "none")
	refused(t, none, "no-machine", "fleet", "set", "*", "watts=3300")
	if _, err := os.Stat(none); !errors.Is(err, fs.ErrNotExist) {
		t.Error("a folder was made for machines that are not there")
	}
	if l := words.Of("en"); heatLimitText(l, 0) != "no heat limit" || heatLimitText(l, 90) != "hot from 90 °C" {
		t.Error(heatLimitText(l, 0), heatLimitText(l, 90))
	}
}

// Alerts are held back for machines that are there, for a time that ends; two who say so at once are both heard, and what
// has run out goes.
func TestSilences(t *testing.T) {
	dir := imported(t)
	refused(t, dir, "no-machine", "selector", "silence", "ekibastus")
	refused(t, dir, "farm-out-of-range", "for", "silence", "*", "--for", "0s")
	refused(t, dir, "farm-out-of-range", "for", "silence", "*", "--for", "31d")
	mistyped(t, dir, "farm-unknown-kind", "kind", "silence", "*", "--kind", "noise")
	if _, err := os.Stat(filepath.Join(dir, "silences.json")); !errors.Is(err, fs.ErrNotExist) {
		t.Fatal("what was refused is written")
	}
	over := alert.Silence{Selector: "*", Until: usage.At(time.Now().Add(-time.Hour))}
	if err := monitor.WriteSilences(dir, []alert.Silence{over}); err != nil {
		t.Fatal(err)
	}
	var both sync.WaitGroup
	for n := range 8 {
		both.Go(func() {
			s := alert.Silence{Selector: "ekibastuz", Until: usage.At(time.Now().Add(time.Hour)), Why: fmt.Sprint(n)}
			if err := monitor.AddSilence(dir, s, usage.At(time.Now())); err != nil {
				t.Error(err)
			}
		})
	}
	both.Wait()
	ran(t, dir, "silence", "aktobe", "--for", "2h", "--kind", "offline", "--why", "fans").Wants(t, 0, "held back until")
	list, err := monitor.ReadSilences(dir)
	if err != nil || len(list) != 9 || list[0].Selector != "aktobe" || len(list[0].Kinds) != 1 {
		t.Errorf("%+v, %v", list, err)
	}
	if err := os.WriteFile(filepath.Join(dir, "silences.json"), []byte(`[{"sel`), 0o600); err != nil {
		t.Fatal(err)
	}
	ran(t, dir, "silence", "*").Wants(t, 1, "silences.json")
	if torn, _ := os.ReadFile(filepath.Join(dir, "silences.json")); string(torn) != `[{"sel` {
		t.Errorf("a torn file was written over: %s", torn)
	}
}

// Who reads the farm's API has a token that is shown once and kept as a hash; a name is given once, and a file that is there
// is not written over.
func TestAccesses(t *testing.T) {
	dir := imported(t)
	ran(t, dir, "access").Wants(t, 0, "Nobody has access.")
	for _, bad := range [][]string{{"a,b"}, {"office", "--role", "king"}, {"office", "--role", "owner", "--selector", "ekibastuz"}} {
		if code, _ := ran(t, dir, append([]string{"access", "new", "--json"}, bad...)...).Code(t); code != "farm-bad-access" {
			t.Errorf("%v: %s", bad, code)
		}
	}
	file := filepath.Join(dir, "office.token")
	ran(t, dir, "access", "new", "office", "--for", "0", "--out", file).Wants(t, 0, "office is viewer of *")
	ran(t, dir, "access", "new", "other", "--out", file).Wants(t, 2, "is there already")
	again := filepath.Join(dir, "again.token")
	refused(t, dir, "farm-access-there", "name", "access", "new", "office", "--out", again)
	if _, err := os.Stat(again); !errors.Is(err, fs.ErrNotExist) {
		t.Error("a token that opens nothing stays behind")
	}
	token, err := os.ReadFile(file)
	if err != nil || len(strings.TrimSpace(string(token))) < 32 {
		t.Fatalf("%q, %v", token, err)
	}
	shown := strings.TrimSpace(ran(t, dir, "access", "new", "aigerim", "--role", "operator", "--selector", "ekibastuz").Wants(t, 0).Out)
	ran(t, dir, "access").Wants(t, 0, "aigerim", "operator", "never")
	kept, err := os.ReadFile(filepath.Join(dir, "accesses.json"))
	if err != nil || strings.Contains(string(kept), shown) || strings.Contains(string(kept), strings.TrimSpace(string(token))) {
		t.Errorf("a token is kept as it is: %v", err)
	}
	ran(t, dir, "access", "revoke", "office").Wants(t, 0)
	refused(t, dir, "farm-no-access", "name", "access", "revoke", "office")
}

// Routes and acknowledgements: a route that is not there is named with those that are; who sees to what is said once.
func TestWhoIsCalled(t *testing.T) {
	dir := imported(t)
	refused(t, dir, "unknown-route", "route", "alerts", "test", "night")
	ran(t, dir, "alerts", "ack", "*", "--kind", "noise").Wants(t, 2, "no kind of alert")
	ran(t, dir, "alerts", "ack", "*", "--note", strings.Repeat("x", records.MaxNote+1)).Wants(t, 2, "--note")
	if e := ran(t, dir, "alerts", "ack", "*"); e.Exit != 3 {
		t.Errorf("nothing holds: exit %d, %s%s", e.Exit, e.Out, e.Err)
	}
	line, err := json.Marshal(alert.Notice{At: time.Now().Add(-time.Hour), Kind: alert.Hot, Raised: true,
		Scope: "WM0000000000003", Machines: []string{"WM0000000000003"}, Detail: "\x1b[2J91 °C"})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "alerts.jsonl"), append(line, '\n'), 0o600); err != nil {
		t.Fatal(err)
	}
	if out := ran(t, dir, "alerts").Wants(t, 0, "hot", "91 °C").Out; strings.ContainsRune(out, 0x1b) {
		t.Errorf("%q", out)
	}
	var acks []notify.Acknowledgement
	ran(t, dir, "alerts", "ack", "aktobe", "--note", "fan ordered", "--json").JSON(t, &acks)
	if len(acks) != 1 || acks[0].Machine != "WM0000000000003" || acks[0].Who == "" {
		t.Errorf("%+v", acks)
	}
	ran(t, dir, "alerts").Wants(t, 0, "sees to it: fan ordered")
	mistyped(t, dir, "bad-time", "since", "alerts", "--since", "yesterday")
	var notices []alert.Notice
	ran(t, dir, "alerts", "--since", "2020-01-01", "--json").JSON(t, &notices)
	if len(notices) != 1 || !notices[0].Raised {
		t.Errorf("%+v", notices)
	}
	ran(t, dir, "sites", "alerts").Wants(t, 0, "hot")
	ran(t, dir, "sites", "tickets").Wants(t, 0)
	ran(t, dir, "sites", "colours").Wants(t, 2)
}

// What work is worth is added, with the subsidy of its day; what is no figure is named by its flag and not written.
func TestPricesOfWork(t *testing.T) {
	dir := imported(t)
	for want, flags := range map[string]string{
		"fees":       "--difficulty 150e12 --bitcoin-price 50000000 --fees x",
		"difficulty": "--difficulty 0 --bitcoin-price 50000000",
		"bitcoin":    "--difficulty 150e12 --bitcoin-price -1",
		"from":       "--difficulty 150e12 --bitcoin-price 50000000 --from never",
	} {
		e := ran(t, dir, append([]string{"price", "--json"}, strings.Fields(flags)...)...)
		if _, field := e.Code(t); e.Exit != 3 && want != "from" || want == "from" && e.Exit != 2 || !strings.Contains(field, want) {
			t.Errorf("%s: exit %d, %s", flags, e.Exit, e.Err)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "prices.csv")); !errors.Is(err, fs.ErrNotExist) {
		t.Error("a price that was refused is written")
	}
	ran(t, dir, "price", "--bitcoin-price", "1").Wants(t, 2, "difficulty")
	// (3.125 + 0.02) BTC · 144 blocks · 1e12 / (150e12 · 2^32 / 600 s) a day; half as many coins after the halving.
	for from, want := range map[string]int64{"2024-04-20": 42, "2026-10-01": 42, "2028-04-17": 42, "2028-04-19": 21, "2033-01-01": 11} {
		var worth struct {
			Satoshi int64 `json:"satoshi_per_th_day"`
		}
		if ran(t, dir, "price", "--difficulty", "150e12", "--fees", "0.02", "--bitcoin-price", "50000000", "--from", from,
			"--json").JSON(t, &worth); worth.Satoshi != want {
			t.Errorf("from %s a TH/s earns %d satoshi a day, want %d", from, worth.Satoshi, want)
		}
	}
	if code, field := ran(t, dir, "price", "--difficulty", "150e12", "--bitcoin-price", "1", "--from", "2010-01-01", "--json").Code(t); code != "farm-out-of-range" || field != "from" {
		t.Errorf("before the first block that is known: %s of %s", code, field)
	}
}
