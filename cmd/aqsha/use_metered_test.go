package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/aqsha/aqsha/internal/cli/channelcmd"
)

// A month of readings, one a minute, settles in two transactions; both books move by the bill that
// anybody computes from the readings, to the tiyn.
func TestMonthOfPowerAgreesToTheTiyn(t *testing.T) {
	t.Parallel()
	w := newProgramsTown(t, "farm", "power", "meter-7", "court")
	w.run("pay", "bank", "farm", "100000000")
	farm, power := w.balance("farm"), w.balance("power")
	w.run("pay-per-use", "open", "month", "--customer", "farm", "--supplier", "power", "--meter", "meter-7", "--arbiter", "court",
		"--deposit", "60000000", "--cap", "60000000", "--watts", "3000000", "--since", "31d")
	readings := filepath.Join(w.dir, "readings.jsonl")
	w.run("pay-per-use", "read", "month", "--minutes", "43200", "--load", "2500000", "--out", readings)
	var u channelcmd.Usage
	if err := json.Unmarshal([]byte(w.run("pay-per-use", "check", "month", readings, "--json")), &u); err != nil {
		t.Fatal(err)
	}
	if u.Readings != 43_200 || u.Bill < 1_000_000_000 || u.Zones.Total() != u.Wh {
		t.Errorf("%+v", u)
	}
	w.run("pay-per-use", "bill", "month", readings)
	w.run("pay-per-use", "accept", "month")
	w.run("pay-per-use", "leave", "month") // the deposit's rest returns
	w.expect("power", power+int64(u.Bill))
	w.expect("farm", farm-int64(u.Bill))
}

// newBilledDay is a town where an hour of power, delivered under the contract "day", is billed and not accepted yet.
func newBilledDay(t *testing.T) *programsTown {
	t.Helper()
	w := newProgramsTown(t, "farm", "power", "meter-7", "court")
	w.run("pay-per-use", "open", "day", "--customer", "farm", "--supplier", "power", "--meter", "meter-7", "--arbiter", "court",
		"--deposit", "9000", "--cap", "9000", "--watts", "100000", "--since", "25h")
	readings := filepath.Join(w.dir, "readings.jsonl")
	w.run("pay-per-use", "read", "day", "--minutes", "60", "--load", "50000", "--out", readings)
	w.run("pay-per-use", "bill", "day", readings)
	return w
}

// The supplier is frozen when the bill is paid: the money arrives, and is frozen with its wallet.
func TestFrozenSupplierIsPaidFrozen(t *testing.T) {
	t.Parallel()
	w := newBilledDay(t)
	before := w.balance("power")
	w.run("wallet", "freeze", "power", "--case", "C-7")
	w.run("pay-per-use", "accept", "day")
	if w.balance("power") <= before {
		t.Error("the frozen supplier was not paid")
	}
	if out, err := aqsha("pay", "power", "farm", "1", "--data", w.dir).CombinedOutput(); err == nil {
		t.Errorf("a frozen wallet pays: %s", out)
	}
}

// Two processes accept a bill at once: it is paid once. Both succeed if they made the same transaction,
// in the same millisecond, for then it is one.
func TestRacingAcceptances(t *testing.T) {
	t.Parallel()
	w := newBilledDay(t)
	var m struct {
		Billed int64 `json:"billed"`
	}
	if err := json.Unmarshal([]byte(w.run("pay-per-use", "show", "day", "--json")), &m); err != nil {
		t.Fatal(err)
	}
	before := w.balance("power")
	results := make(chan error, 2)
	for range 2 {
		go func() {
			c := aqsha("pay-per-use", "accept", "day", "--data", w.dir)
			c.Stderr = os.Stderr
			results <- c.Run()
		}()
	}
	done := 0
	for range 2 {
		select {
		case err := <-results:
			if err == nil {
				done++
			}
		case <-time.After(time.Minute):
			t.Fatal("an acceptance hangs")
		}
	}
	if got := w.balance("power") - before; done == 0 || got != m.Billed {
		t.Errorf("%d acceptances were executed, %d tiyn paid of %d", done, got, m.Billed)
	}
}
