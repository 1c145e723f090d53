package miningcmd

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/internal/cli/clitest"
	"github.com/aqsha/aqsha/internal/freeport"
)

var nouns = clitest.Nouns{NewPoolCommand, NewMineCommand}

func run(t *testing.T, line ...string) clitest.Ended {
	t.Helper()
	return clitest.Run(t, nouns, line...)
}

// Who mines says for whom, with what and how long, before a thread begins; what cannot be meant is named by its flag.
func TestWhatAMinerIsTold(t *testing.T) {
	pool := []string{"mine", "--pool", "stratum+tcp://127.0.0.1:1", "--user", "a.w"}
	for word, line := range map[string][]string{
		"--pay-to: whose":   {"mine"},
		"--user":            {"mine", "--pool", "stratum+tcp://127.0.0.1:1"},
		"solo mining":       append(pool, "--pay-to", "bc1q"),
		"--threads 4097":    append(pool, "--threads", "4097"),
		"--threads -1":      append(pool, "--threads", "-1"),
		"--blocks -1":       append(pool, "--blocks", "-1"),
		"--duration -1s":    append(pool, "--duration", "-1s"),
		"--difficulty NaN":  append(pool, "--difficulty", "NaN"),
		"--difficulty -1":   append(pool, "--difficulty", "-1"),
		"--difficulty +Inf": append(pool, "--difficulty", "Inf"),
		"--kernel":          append(pool, "--kernel", "abacus"),
		"none.url":          {"mine", "--pool", "@none.url", "--user", "a"},
		"http://x":          {"mine", "--pool", "http://x", "--user", "a"},
		"surplus":           append(pool, "surplus"),
	} {
		run(t, append([]string{}, line...)...).Wants(t, 2, word)
	}
}

// A pool is started by settings that hold together; of those that do not, the field and the bound are named, and no directory is
// made.
func TestAPoolsSettingsAreJudgedFirst(t *testing.T) {
	address, err := freeport.Address("127.0.0.1") // of no node
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "pool")
	up := []string{"pool", "up", "--data", dir, "--bitcoin", "http://" + address, "--operator", "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"}
	for _, wrong := range [][]string{
		{"--fee", "101"}, {"--fee", "-1"}, {"--fee", "NaN"}, {"--pay-every", "-1h"}, {"--pay-minimum", "much"},
		{"--pay-minimum", "-1"}, {"--max-fee-rate", "0"}, {"--pay-confirmations", "0"}, {"--pay-sweep", "-1h"},
		{"--listen", "nowhere"}, {"--listen", "127.0.0.1:0,start=none"}, {"--admin-group", "wheel"}, {"--admin-group", "no-such-group-here=admin"},
		{"--scheme", "luck"}, {"--node-number", "300"}, {"--exempt", "everybody"}, {"--http", "0.0.0.0:0"},
		{"--import", filepath.Join(dir, "none.conf")}, {"--zmq", "nowhere"}, {"--zmq", "tcp://127.0.0.1"},
		{"--second-node", "ftp://127.0.0.1"}, {"--second-node", "@" + filepath.Join(dir, "none")}, {"--wallet", "127.0.0.1:1"},
		{"--http", "127.0.0.1"}, {"--listen", "127.0.0.1:66000"}, {"--job-interval", "0s"}, {"--max-connections", "0"},
		{"--min-difficulty", "NaN"}, {"--start-difficulty", "1e300"}, {"--shares-per-minute", "0"}, {"--coinbase-bytes", "unknown=1"},
		{"--tag", strings.Repeat("x", 41)}, {"--max-template-age", "-1s"}, {"--peer", "nowhere"},
	} {
		e := run(t, append(append([]string{}, up...), wrong...)...)
		if e.Exit == 0 || e.Exit == 5 { // 5: it has asked the node first
			t.Errorf("%v: exit %d, %s%s", wrong, e.Exit, e.Out, e.Err)
		}
		if _, err := os.Stat(dir); err == nil {
			t.Fatalf("%v has made %s", wrong, dir)
		}
	}
	run(t, up...).Wants(t, 5) // nobody is there
}

// Without a pool, or with a copy that is none, what reads a pool's log or speaks to it says so and writes nothing.
func TestPoolsThatAreNotThere(t *testing.T) {
	dir := t.TempDir()
	none := filepath.Join(dir, "none")
	for _, line := range [][]string{
		{"pool", "recompute", "--data", none},
		{"pool", "restore", "--data", none, "--from", dir},
		{"pool", "report", "--data", none},
		{"pool", "admin", "status", "--data", none},
		{"pool", "admin", "fee", "much", "--data", none},
		{"pool", "admin", "payouts", "stop", "--data", none},
		{"pool", "admin", "override", "first", "--data", none},
	} {
		if e := run(t, line...); e.Exit == 0 {
			t.Errorf("%v: %s", line, e.Out)
		}
	}
	run(t, "pool", "fetch", "gopher://x", "--data", filepath.Join(dir, "copy")).Wants(t, 2, "http")
	if _, err := os.Stat(none); err == nil {
		t.Error("a directory was made for a pool that is not there")
	}
	if err := os.MkdirAll(filepath.Join(dir, "torn", "shares"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "torn", "shares", "checkpoint"), []byte("torn"), 0o600); err != nil {
		t.Fatal(err)
	}
	if e := run(t, "pool", "recompute", "--data", filepath.Join(dir, "torn")); e.Exit == 0 {
		t.Errorf("a torn log is recomputed: %s", e.Out)
	}
}

// What is put aside gets a name that is free, and never one that is taken.
func TestNamesThatAreFree(t *testing.T) {
	base := filepath.Join(t.TempDir(), "before-restore")
	seen := map[string]bool{}
	for range 5 {
		name, err := freeName(base)
		if err != nil || seen[name] {
			t.Fatalf("%s, %v", name, err)
		}
		seen[name] = true
		if err := os.Mkdir(name, 0o700); err != nil {
			t.Fatal(err)
		}
	}
}
