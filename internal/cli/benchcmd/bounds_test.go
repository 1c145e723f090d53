package benchcmd

import (
	"os"
	"testing"

	"github.com/aqsha/aqsha/internal/cli/clitest"
)

// What is to be measured is judged before a network is made for it: nothing is left behind by a command line that is wrong.
func TestBenchesAreJudgedFirst(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, line := range [][]string{
		{"ledger", "--through", "pigeon"},
		{"ledger", "--wallets", "many"},
		{"ledger", "--wallets", "0"},
		{"ledger", "--wallets", "-5"},
		{"ledger", "--wallets", "999"},
		{"ledger", "--transfers", "4095"},
		{"ledger", "--live-tokens", "0"},
		{"ledger", "--transfers", "0"},
		{"ledger", "--runs", "0"},
		{"ledger", "--two-owners", "101"},
		{"ledger", "--two-owners", "-1"},
		{"ledger", "--grow-to", "-1"},
		{"ledger", "--wallets", "100000001"},
		{"soak", "--load", "0"},
		{"soak", "--load", "NaN"},
		{"soak", "--load", "1.1"},
		{"soak", "--duration", "0s"},
		{"soak", "--duration", "200h"},
		{"soak", "--wallets", "0"},
		{"restart", "--after", "-1s"},
		{"restart", "--load", "-1"},
		{"restart", "--live-tokens", "-1"},
		{"contracts", "--contracts", "0"},
		{"contracts", "--expiring", "-1"},
		{"contracts", "--runs", "0"},
		{"contracts", "--unit-runs", "0"},
		{"contracts", "--wallets", "0"},
		{"copies", "--clients", "0"},
		{"copies", "--clients", "101"},
		{"copies", "--rounds", "0"},
		{"copies", "--for", "0s"},
		{"copies", "--for", "-1s"},
		{"copies", "--for", "2h"},
		{"cluster", "--validators", ""},
		{"cluster", "--validators", "0"},
		{"cluster", "--validators", "4,11"},
		{"cluster", "--validators", "four"},
		{"abuse", "--duration", "1ms"},
		{"abuse", "--duration", "2m"},
		{"abuse", "--rounds", "0"},
		{"abuse", "--rounds", "101"},
		{"restart", "--load", "x"},
		{"soak", "--duration", "long"},
		{"uses", "surplus"},
		{"compare"},
		{"nothing"},
		{},
	} {
		e := clitest.Run(t, clitest.Nouns{NewBenchCommand}, append([]string{"bench"}, line...)...)
		if e.Exit != 2 {
			t.Errorf("bench %v: exit %d, %s%s", line, e.Exit, e.Out, e.Err)
		}
	}
	left, err := os.ReadDir(".")
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
