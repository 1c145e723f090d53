package miningcmd

import (
	"encoding/csv"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/internal/cli/clitest"
	"github.com/aqsha/aqsha/pool/sharelog"
)

// line is one of a person with a right number.
func line(wallet, name string) string { return wallet + ",900101300017," + name + ",L-1,2026-01-01\n" }

// The report has one line for each payment that is certain, in the columns that are filed; a wallet that nobody has
// claimed is named beside it, and a name cannot become a formula.
func TestTheReportThatAPoolFiles(t *testing.T) {
	records := append(honest(t),
		&sharelog.Payment{Number: 1, TimeMillis: minute + 4_000_000, Payees: []sharelog.Payee{{User: 1, Amount: 700}, {User: 2, Amount: 300}}},
		&sharelog.Sent{Number: 1, TimeMillis: minute + 4_000_001, TxID: [32]byte{5}},
		&sharelog.Settled{Number: 1, TimeMillis: minute + 4_000_002, Outcome: sharelog.OutcomeConfirmed, TxID: [32]byte{5}, Height: 8})
	dir := published(t, records...)
	header := "wallet,iin_bin,name,licence,licence_date\n"
	members := clitest.Put(t, header+line(alice, "=Alice()"), t.TempDir(), "m.csv")
	e := run(t, "pool", "report", "--data", dir, "--members", members).Wants(t, 0)
	rows, err := csv.NewReader(strings.NewReader(e.Out)).ReadAll()
	if err != nil || len(rows) != 3 {
		t.Fatalf("%v\n%s%s", err, e.Out, e.Err)
	}
	if strings.HasPrefix(rows[1][1], "=") || rows[1][4] != alice || rows[1][6] != "0.00000700" || rows[2][6] != "0.00000300" || rows[2][0] != "" {
		t.Errorf("%q", rows)
	}
	if !strings.Contains(e.Err, bob) || strings.Contains(e.Err, alice) {
		t.Errorf("unclaimed: %s", e.Err)
	}
	// The same from a sheet that a spreadsheet program saved, with its mark of the encoding.
	if again := run(t, "pool", "report", "--data", dir, "--members", clitest.Put(t, "\ufeff"+header+line(alice, "=Alice()"), t.TempDir(), "m.csv")); again.Out != e.Out {
		t.Errorf("exit %d\n%s%s", again.Exit, again.Out, again.Err)
	}
	// Only the day of the payment has it, in the zone that is asked for.
	for span, want := range map[[2]string]int{{"2026-05-28", "2026-05-28"}: 1, {"2026-05-29", "2026-05-29"}: 3, {"2026-05-30", "2100-01-01"}: 1} {
		e := run(t, "pool", "report", "--data", dir, "--members", members, "--from", span[0], "--to", span[1])
		if got := strings.Count(e.Out, "\n"); got != want {
			t.Errorf("%v: %d lines\n%s%s", span, got, e.Out, e.Err)
		}
	}
	for says, wrong := range map[string][]string{
		"before":         {"--from", "2026-05-02", "--to", "2026-05-01"},
		"2026-13":        {"--from", "2026-13-01"},
		"Nowhere":        {"--zone", "Nowhere/City"},
		"none.csv":       {"--members", "none.csv"},
		"iin_bin":        {"--members", clitest.Put(t, alice+",900101300018,A,L,2026-01-01\n", t.TempDir(), "m.csv")},
		"twice":          {"--members", clitest.Put(t, line(alice, "A")+line(alice, "B"), t.TempDir(), "m.csv")},
		"another number": {"--members", clitest.Put(t, alice+"\n", t.TempDir(), "m.csv")},
	} {
		e := run(t, append([]string{"pool", "report", "--data", dir, "--members", members}, wrong...)...)
		if e.Exit != 2 || !strings.Contains(e.Err, says) || e.Out != "" {
			t.Errorf("%v: exit %d\n%s%s", wrong, e.Exit, e.Out, e.Err)
		}
	}
}
