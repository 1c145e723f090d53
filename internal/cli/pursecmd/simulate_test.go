package pursecmd

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/purse/study"
)

func simulated(t *testing.T, args ...string) (string, error) {
	t.Helper()
	command := newSimulateCommand()
	command.Flags().Bool("json", false, "")
	var out bytes.Buffer
	command.SetOut(&out)
	command.SetErr(&out)
	command.SilenceUsage, command.SilenceErrors = true, true
	command.SetArgs(args)
	err := command.ExecuteContext(t.Context())
	return out.String(), err
}

// Every combination is played under every seed, in order, and each run is what the study says of its options.
func TestSimulatePlaysEveryCombination(t *testing.T) {
	out, err := simulated(t, "--purses", "12", "--days", "1", "--offline", "20000,100000", "--look-ups", "0,12.5",
		"--crooks", "10", "--seeds", "2", "--json")
	if err != nil {
		t.Fatal(err)
	}
	var all struct{ Runs []study.Result }
	if err := json.Unmarshal([]byte(out), &all); err != nil || len(all.Runs) != 8 {
		t.Fatalf("%d runs, %v", len(all.Runs), err)
	}
	for i, r := range all.Runs {
		o := r.Options
		if o.Seed != uint64(1+i%2) || o.LookUps != 125*(i/2%2) || o.Crooks != 100 || r.Crooks != 2 ||
			int64(o.Limits.MaxOffline) != []int64{2_000_000, 10_000_000}[i/4] {
			t.Errorf("run %d is of %+v", i, o)
		}
		again, err := study.Run(o)
		if err != nil || again.Fraud != r.Fraud || again.Paid != r.Paid || again.BondBears != r.BondBears {
			t.Errorf("run %d: %+v, again %+v, %v", i, r, again, err)
		}
	}
	out, err = simulated(t, "--purses", "12", "--days", "1")
	if err != nil || !strings.Contains(out, "the bond bears") {
		t.Errorf("%s, %v", out, err)
	}
}

func TestSimulateRefuses(t *testing.T) {
	for _, args := range []string{"--crooks 101", "--look-ups 1.25", "--lost 1,2", "--seeds 0", "--seeds 101",
		"--offline x", "--purses 1", "--offline 100", "--deposit -1"} {
		var usage cli.UsageError
		if out, err := simulated(t, strings.Fields(args)...); !errors.As(err, &usage) {
			t.Errorf("%s: %v %s", args, err, out)
		}
	}
}

// The table in docs/OFFLINE.md is what its command says.
func TestTheTableOfFraudIsTrue(t *testing.T) {
	page, err := os.ReadFile("../../../docs/OFFLINE.md")
	if err != nil {
		t.Fatal(err)
	}
	_, command, found := strings.Cut(string(page), "\naqsha purse simulate ")
	command, _, _ = strings.Cut(command, "\n")
	if !found {
		t.Fatal("the page has no command")
	}
	out, err := simulated(t, append(strings.Fields(command), "--json")...)
	if err != nil {
		t.Fatal(err)
	}
	var all struct{ Runs []study.Result }
	if err := json.Unmarshal([]byte(out), &all); err != nil || len(all.Runs) != 6 {
		t.Fatalf("%d runs, %v", len(all.Runs), err)
	}
	for _, r := range all.Runs {
		o := &r.Options
		row := fmt.Sprintf("| %s | %d %% | %s | %s | %s | %s |", o.Limits.MaxOffline, o.LookUps/10, r.Paid, r.Fraud,
			r.BondBears, r.PayeeBears)
		if !strings.Contains(string(page), row+"\n") {
			t.Errorf("the page has not %s", row)
		}
	}
}
