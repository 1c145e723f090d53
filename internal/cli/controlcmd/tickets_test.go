package controlcmd

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/farm/alert"
	"github.com/aqsha/aqsha/farm/control"
	"github.com/aqsha/aqsha/farm/records"
	"github.com/aqsha/aqsha/farm/repair"
	"github.com/aqsha/aqsha/farm/tune"
	"github.com/aqsha/aqsha/internal/cli/clitest"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/words"
)

// alarmed lets alerts hold for machines of a farm since an hour.
func (f place) alarmed(kind alert.Kind, machines ...string) {
	f.t.Helper()
	var lines strings.Builder
	for _, m := range machines {
		line, err := json.Marshal(alert.Notice{At: time.Now().Add(-time.Hour), Kind: kind, Raised: true, Scope: m,
			Machines: []string{m}, Detail: "seen"})
		if err != nil {
			f.t.Fatal(err)
		}
		lines.Write(append(line, '\n'))
	}
	f.write("alerts.jsonl", lines.String())
}

// A ticket goes from an alert to its end once: each alert has one, a closed one takes nothing more, and what is written is
// judged before it is.
func TestATicketFromAlertToEnd(t *testing.T) {
	f := newFarm(t)
	f.alarmed(alert.Fan, "SMT0000", "SMT0004")
	f.run("", "tickets").Wants(t, 0, "No ticket.")
	var none []repair.Ticket
	f.run("", "tickets", "--json").JSON(t, &none)
	if none == nil {
		t.Error("no ticket is null")
	}
	f.run("", "ticket", "open", "*", "--kind", "broken").Wants(t, 2, "no kind of alert")
	f.run("", "ticket", "open", "*", "--cost", "many").Wants(t, 2, "--cost")
	var opened []repair.Ticket
	f.run("", "ticket", "open", "*", "--json").JSON(t, &opened)
	if len(opened) != 2 || opened[0].Machine != "SMT0000" || opened[1].ID != 2 || opened[0].Kind != alert.Fan {
		t.Fatalf("%+v", opened)
	}
	f.refused("no-alert", "selector", "", "ticket", "open", "*")
	f.refused("no-alert", "selector", "", "ticket", "open", "ekibastuz/c1", "--kind", "hot")
	f.run("", "ticket", "open", "SMT0002", "--kind", "board", "--board", "NGS1", "--note", "smells").Wants(t, 0,
		"3  SMT0002  ekibastuz/c1/r1", "smells", "NGS1")
	f.refused("bad-ticket", "text", "", "ticket", "note", "1")
	f.refused("bad-ticket", "cost", "", "ticket", "note", "1", "--cost", "-1")
	f.run("", "ticket", "note", "1", "fan\x1b[2J ordered", "--cost", "4500", "--part", "fan").Wants(t, 0, `fan\x1b[2J`, "4\u202f500.00")
	f.run("", "ticket", "note", "1", "cheaper", "--cost=-500.50").Wants(t, 0, "3\u202f999.50")
	f.run("", "ticket", "note", "one").Wants(t, 2, "no ticket's number")
	f.refused("no-ticket", "ticket", "", "ticket", "note", "9", "x")
	f.refused("bad-ticket", "outcome", "", "ticket", "close", "1", "mended")
	f.run("", "ticket", "close", "1", "repaired", "--part", "fan").Wants(t, 0, "repaired")
	f.refused("ticket-closed", "ticket", "", "ticket", "close", "1", "repaired")
	f.refused("ticket-closed", "ticket", "", "ticket", "note", "1", "more")
}

// Lists show what was asked for: open ones, those of a part of the farm or of a machine that has left it, a board's whole
// story; failures are counted by what they are counted by and by nothing else.
func TestListsOfTickets(t *testing.T) {
	f := newFarm(t)
	f.alarmed(alert.Board, "SMT0000", "SMT0004", "SMT0005")
	f.run("", "ticket", "open", "*").Wants(t, 0)
	f.run("", "ticket", "note", "1", "--board", "NGS1").Wants(t, 0)
	f.run("", "ticket", "close", "1", "replaced", "--part", "board", "--cost", "100").Wants(t, 0)
	f.run("", "ticket", "close", "2", "nothing-found").Wants(t, 0)
	for line, want := range map[string][]int64{
		"":                      {3},
		"--all":                 {1, 2, 3},
		"ekibastuz/c2 --all":    {2, 3},
		"SMT0005":               {3},
		"--board NGS1":          {1},
		"--board NGS2":          {},
		"ekibastuz/c1":          {},
		"ekibastuz/c1/r1 --all": {1},
	} {
		var list []repair.Ticket
		f.run("", append([]string{"tickets", "--json"}, strings.Fields(line)...)...).JSON(t, &list)
		got := []int64{}
		for _, ticket := range list {
			got = append(got, ticket.ID)
		}
		if len(got) != len(want) {
			t.Errorf("tickets %s: %v, want %v", line, got, want)
			continue
		}
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("tickets %s: %v, want %v", line, got, want)
			}
		}
	}
	f.refused("no-machine", "selector", "", "tickets", "mars")
	f.refused("unknown-group", "by", "", "tickets", "--by", "colour")
	f.run("", "tickets", "--by", "model", "--earned").Wants(t, 2)
	var failures []repair.Failures
	f.run("", "tickets", "--by", "model", "--json").JSON(t, &failures)
	for _, row := range failures {
		if row.Failures > 2 { // one was replaced, one is open, one was nothing
			t.Errorf("%+v", row)
		}
	}
	f.run("", "tickets", "--by", "part").Wants(t, 0, "PART", "HOURS BETWEEN")
}

// What a step says is a line: what was done, with which part and board, and what it cost, no more.
func TestAStepIsALine(t *testing.T) {
	for want, e := range map[string]repair.Entry{
		"opened": {Step: repair.Opened},
		"noted, fan ordered, fan, 4\u202f500.00 ₸": {Step: repair.Noted, Text: "fan ordered", Part: "fan", Cost: 450_000},
		"closed, NGS1, -1.00 ₸":                    {Step: repair.Closed, Board: "NGS1", Cost: -100},
	} {
		if got := entryText(words.English, e); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if ru, kk := entryText(words.Russian, repair.Entry{Step: repair.Opened}), entryText(words.Kazakh, repair.Entry{Step: repair.Closed}); ru != "открыта" || kk != "жабылды" {
		t.Errorf("%q, %q", ru, kk)
	}
	for _, outcome := range repair.Outcomes {
		for _, l := range words.Languages {
			if key := "ticket-outcome." + string(outcome); l.Text(key) == key {
				t.Errorf("%s does not say %s", l, outcome)
			}
		}
	}
	for ppm, want := range map[int64]string{0: "0.00 %", 123_456: "12.34 %", 1_000_000: "100.00 %", 99: "0.00 %"} {
		if got := percent(ppm); got != want {
			t.Errorf("%d: %q, want %q", ppm, got, want)
		}
	}
}

// A tuning tries at least two settings, each of which a machine could take, at a price of power that is none below zero and
// of work that is known.
func TestWhatATuningTries(t *testing.T) {
	for name, c := range map[string]struct {
		names []string
		watts []int64
		ok    bool
	}{
		"one":         {names: []string{"default"}},
		"two":         {names: []string{"default", "445MHz"}, ok: true},
		"watts":       {watts: []int64{3400, 3000, 2600}, ok: true},
		"no watts":    {watts: []int64{3400, 0}},
		"too many":    {watts: []int64{3400, 1_000_000}},
		"without one": {names: []string{"default", ""}},
	} {
		list, err := tuneProfiles(c.names, c.watts, 20)
		if (err == nil) != c.ok || c.ok && len(list) != len(c.names)+len(c.watts) {
			t.Errorf("%s: %v, %v", name, list, err)
		}
		for i, o := range list {
			if c.ok && c.watts != nil && (o.Action != control.Power || o.Watts != c.watts[i]) {
				t.Errorf("%s: %+v", name, o)
			}
		}
	}
	f := newFarm(t)
	f.run("", "tune", "ekibastuz/c1", "--profile", "default").Wants(t, 2, "at least two")
	f.run("", "tune", "ekibastuz/c1", "--profile", "a", "--watts", "1").Wants(t, 2)
	e := f.run("", "tune", "ekibastuz/c2", "--watts", "3000,2600", "--power-price", "-1", "--json")
	if e.Exit != 2 && e.Exit != 3 {
		t.Errorf("power below nothing: exit %d, %s", e.Exit, e.Err)
	}
	b, err := records.Open(f.dir) // as a watch leaves it
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	f.refused("no-price", "prices.csv", "", "tune", "ekibastuz/c2", "--watts", "3000,2600")
	f.write("prices.csv", "from,difficulty,reward_btc,bitcoin_kzt\n2026-01-01T00:00:00Z,140000000000000,3.14500000,50000000\n")
	var split struct {
		Tuned, Held []string
		Missing     map[string]string
	}
	f.run("", "tune", "*", "--watts", "3000,2600", "--dry-run", "--hold", "50", "--json").JSON(t, &split)
	if len(split.Tuned)+len(split.Held)+len(split.Missing) != 6 {
		t.Errorf("%+v", split)
	}
	f.refused("farm-person", "machines", "", "tune", "*", "--watts", "3000,2600", "--allow-control")
	f.refused("control-off", "allow-control", "", "tune", "ekibastuz/c2", "--watts", "3000,2600")
}

// A gain that was not measured, or is not shown to be above zero, is said as that, and never as a figure alone.
func TestHowAGainIsSaid(t *testing.T) {
	window := []tune.Window{{RateMHs: 100_000_000, Watts: 3000}}
	out := tune.Result{Profiles: []string{"default", "low"}, Returned: 2, Seed: 7, Machines: []tune.Tuned{
		{Machine: "a\x1b[2J", Best: 1, Windows: window, Net: []farm.MicroTiyn{24_000_000}, Change: -1_000_000},
		{Machine: "b", Held: true, Windows: window, Net: []farm.MicroTiyn{0}},
		{Machine: "c", Problem: "gone", Windows: window},
	}}
	text := said(t, &out)
	for _, want := range []string{`a\x1b[2J`, "low", "(held)", "not measured: gone", "The gain was not measured: 2 machines"} {
		if !strings.Contains(text, want) {
			t.Errorf("want %q in\n%s", want, text)
		}
	}
	out.Gain = &tune.Interval{Mean: 1_000_000, Low: -1_000_000, High: 3_000_000}
	if text = said(t, &out); !strings.Contains(text, "It is not shown to be above zero: 2 machines") || !strings.Contains(text, "seed 7") {
		t.Error(text)
	}
	out.Shown = true
	if text = said(t, &out); strings.Contains(text, "not shown") {
		t.Error(text)
	}
	if got := perDay(1_000_000); got != money.Tiyn(24).Format() {
		t.Errorf("a micro-tiyn an hour: %s a day", got)
	}
}

func said(t *testing.T, out *tune.Result) string {
	t.Helper()
	e := clitest.Run(t, clitest.Nouns{func() *cobra.Command {
		return &cobra.Command{Use: "x", RunE: func(command *cobra.Command, _ []string) error { return showTuned(command, out) }}
	}}, "x")
	return e.Wants(t, 0).Out
}
