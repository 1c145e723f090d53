package cashcmd

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/internal/cli/authoritycmd"
	"github.com/aqsha/aqsha/internal/cli/clitest"
	"github.com/aqsha/aqsha/internal/cli/clitest/served"
	"github.com/aqsha/aqsha/internal/cli/walletcmd"
)

var nouns = clitest.Nouns{NewCashCommand, authoritycmd.NewBankCommand, walletcmd.NewWalletCommand, walletcmd.NewIssueCommand,
	walletcmd.NewPayCommand}

func run(t *testing.T, line ...string) clitest.Ended {
	t.Helper()
	return clitest.Run(t, nouns, append([]string{"cash"}, line...)...)
}

// Keysets are made for a time that can be meant, each added beside those that are there, their secrets their owner's alone; what is
// no keyset is retired by nobody.
func TestKeysetsOfAnOffice(t *testing.T) {
	office := filepath.Join(t.TempDir(), "office")
	at := func(line ...string) clitest.Ended { return run(t, append(line, "--office", office)...) }
	for word, flags := range map[string][]string{
		"1 to 1200":   {"--months", "0"},
		"--months":    {"--months", "x"},
		"redeem":      {"--redeem-months", "1201"},
		"1-2-5":       {"--denominations", "3-7"},
		"\"surplus\"": {"surplus"},
	} {
		if e := at(append([]string{"keys", "new"}, flags...)...); e.Exit != 2 || !strings.Contains(e.Err, strings.Trim(word, `"`)) {
			t.Errorf("%v: exit %d, %s", flags, e.Exit, e.Err)
		}
	}
	if _, err := os.Stat(office); err == nil {
		t.Fatal("an office was begun for a command line that is wrong")
	}
	type keyset struct {
		ID      string
		Amounts json.RawMessage
	}
	var made [2]keyset
	at("keys", "new", "--json").JSON(t, &made[0])
	at("keys", "new", "--months", "12", "--denominations", "binary", "--json").JSON(t, &made[1])
	var list []keyset
	at("keys", "list", "--json").JSON(t, &list)
	if len(list) != 2 || made[0].ID == made[1].ID || made[0].ID == "" {
		t.Errorf("%+v and %+v", made, list)
	}
	err := filepath.WalkDir(office, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s can be read by others: %s", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	if e := at("keys", "retire", "00ffffffffffffff"); e.Exit == 0 {
		t.Errorf("a keyset that is not there is retired: %s", e.Out)
	}
	shown := at("keys", "list").Wants(t, 0, made[0].ID, made[1].ID).Out
	if strings.Contains(shown, "secret") {
		t.Errorf("%s", shown)
	}
	at("keys", "retire", made[0].ID).Wants(t, 0)
}

// What is no token, no amount and no office is refused before a wallet is made or an office asked, with what would be one.
func TestCashThatIsNone(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "evidence.json")
	if err := os.WriteFile(file, []byte(`{"proofs": [`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, line := range [][]string{
		{"booked"},
		{"booked", "cashuX"},
		{"booked", "--check", file},
		{"booked", "--check", file, "--stamp", "aigerim"},
		{"booked", "--check", file, "--key", "k"},
		{"check", "cashuB"},
		{"check", "nonsense"},
		{"verify", filepath.Join(dir, "none")},
		{"verify", dir},
		{"supply", filepath.Join(dir, "none")},
		{"print", "many", filepath.Join(dir, "s.svg")},
		{"withdraw", "aigerim", "many"},
		{"withdraw", "aigerim", "-5"},
		{"send", "1.001"},
		{"request", "x"},
		{"receive", "cashuBnonsense"},
	} {
		e := run(t, line...)
		if e.Exit == 0 {
			t.Errorf("%v: %s", line, e.Out)
		}
		if strings.Contains(e.Err, "goroutine") || strings.Contains(e.Err, "nil pointer") {
			t.Errorf("%v: %s", line, e.Err)
		}
	}
}

// An office without a ledger that knows it does not begin, and a reserve that is nobody's announces nothing.
func TestAnOfficeOfNoReserve(t *testing.T) {
	l := served.Start(t, nouns)
	l.Done("bank", "admit", "Halyk")
	l.Done("issue", "Halyk", "10000")
	l.Done("wallet", "new", "shop", "--bank", "Halyk", "--tier", "business")
	office := filepath.Join(t.TempDir(), "office")
	run(t, "keys", "new", "--office", office).Wants(t, 0)
	if e := l.Run("cash", "keys", "announce", "shop", "--office", office); e.Exit == 0 {
		t.Errorf("a shop's wallet announces keysets: %s", e.Out)
	}
	for _, flags := range [][]string{{"--most", "0"}, {"--cap", "0"}, {"--interval", "1ms"}, {"--interval", "-1m"}, {"--retry", "0s"}} {
		if e := l.Run(append([]string{"cash", "up", "shop", "--office", office}, flags...)...); e.Exit != 2 && e.Exit != 3 {
			t.Errorf("%v: exit %d, %s%s", flags, e.Exit, e.Out, e.Err)
		}
	}
	l.Wrong("no multiple of", "cash", "withdraw", "shop", "501")
}
