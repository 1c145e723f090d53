package miningcmd

import (
	"bytes"
	"errors"
	"math"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/pool/admin"
	"github.com/aqsha/aqsha/pool/miner"
	"github.com/aqsha/aqsha/pool/payments"
	"github.com/aqsha/aqsha/pool/settings"
	"github.com/aqsha/aqsha/words"
)

// Nobody mines for somebody who was not named: alone an address is paid, at a pool a user, never both.
func TestForWhomOneMines(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pool.url")
	if err := os.WriteFile(file, []byte("stratum+tcp://127.0.0.1:3333\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		flags mineFlags
		says  string
	}{
		{mineFlags{payTo: "bc1q"}, ""},
		{mineFlags{pools: []string{"stratum+tcp://a:1", "stratum+ssl://b:2"}, user: "u"}, ""},
		{mineFlags{pools: []string{"@" + file}, user: "u", threads: 4096}, ""},
		{mineFlags{}, "--pay-to: whose"},
		{mineFlags{pools: []string{"stratum+tcp://a:1"}}, "--user: who"},
		{mineFlags{pools: []string{"stratum+tcp://a:1"}, user: "u", payTo: "bc1q"}, "--pay-to is for solo"},
		{mineFlags{payTo: "bc1q", threads: -1}, "--threads -1"},
		{mineFlags{payTo: "bc1q", threads: 4097}, "--threads 4097"},
		{mineFlags{pools: []string{"ftp://a"}, user: "u"}, "ftp"},
		{mineFlags{pools: []string{"@" + file + "2"}, user: "u"}, "--pool:"},
	} {
		err := c.flags.check()
		if c.says == "" && err != nil || c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
			t.Errorf("%+v: %v, want %q", c.flags, err, c.says)
		}
	}
	f := mineFlags{pools: []string{"@" + file}, user: "u"}
	if err := f.check(); err != nil || f.pools[0] != "stratum+tcp://127.0.0.1:3333" {
		t.Errorf("%v, %v", f.pools, err)
	}
}

// sound is a pool's flags as they are without any given.
func sound() *poolUp {
	return &poolUp{fee: 2, payMinimum: "0.001", maxFeeRate: 50, payDepth: 6, payEvery: time.Hour}
}

// Every setting of payments has its bounds, and what is beyond them is refused by its name before a node is asked.
func TestBoundsOfPayments(t *testing.T) {
	if err := sound().checkFlags(); err != nil {
		t.Fatal(err)
	}
	for field, changes := range map[string][]func(*poolUp){
		"fee":       {func(p *poolUp) { p.fee = -0.1 }, func(p *poolUp) { p.fee = 100.1 }, func(p *poolUp) { p.fee = math.NaN() }},
		"pay_every": {func(p *poolUp) { p.payEvery = -1 }},
		"pay_minimum": {func(p *poolUp) { p.payMinimum = "" }, func(p *poolUp) { p.payMinimum = "-1" }, func(p *poolUp) { p.payMinimum = "21000001" },
			func(p *poolUp) { p.payMinimum = "1.123456789" }},
		"max_fee_rate":      {func(p *poolUp) { p.maxFeeRate = 0 }, func(p *poolUp) { p.maxFeeRate = 10_001 }, func(p *poolUp) { p.maxFeeRate = math.NaN() }},
		"pay_confirmations": {func(p *poolUp) { p.payDepth = 0 }, func(p *poolUp) { p.payDepth = 1001 }},
		"pay_sweep":         {func(p *poolUp) { p.paySweep = -1 }},
		"admin_group": {func(p *poolUp) { p.adminGroups = []string{"wheel"} }, func(p *poolUp) { p.adminGroups = []string{"=admin"} },
			func(p *poolUp) { p.adminGroups = []string{"root=king"} }, func(p *poolUp) { p.adminGroups = []string{"no-such-group-here=admin"} }},
	} {
		for i, change := range changes {
			up := sound()
			change(up)
			var wrong *settings.ConfigError
			if err := up.checkFlags(); !errors.As(err, &wrong) || wrong.Field != field {
				t.Errorf("%s, change %d: %v", field, i, err)
			}
		}
	}
	o, err := sound().payOptions()
	if err != nil || o.Minimum != 100_000 || o.Confirmations != 6 || o.MaxFeeRate != 50 {
		t.Errorf("%+v, %v", o, err)
	}
	up := sound()
	if up.payMinimum = "0"; true {
		if o, err := up.payOptions(); err != nil || o.Minimum != 1 {
			t.Errorf("the least payment of nothing is a satoshi: %+v, %v", o, err)
		}
	}
}

// A system's group has the role that is given for it.
func TestGroupsOfTheSystem(t *testing.T) {
	group, err := user.LookupGroupId("0")
	if err != nil {
		t.Skip("this system does not know its groups: ", err)
	}
	up := sound()
	up.adminGroups = []string{group.Name + "=support"}
	got, err := up.groups()
	want, _ := admin.ParseRole("support")
	if err != nil || len(got) != 1 || got[group.Name] != want {
		t.Errorf("%v, %v", got, err)
	}
}

// What a log misses is said with what becomes of it.
func TestWhatALogMisses(t *testing.T) {
	for want, m := range map[string]payments.Missing{
		"set aside": {Aside: true, Coinbase: true},
		"coinbase of block 7: 0.00000005 to 2 users for what the log owes, 0.00000003 beyond; waits: it has 1 of 100 confirmations": {Coinbase: true, Height: 7,
			Payees: 2, Booked: money.Satoshi(5), Beyond: 3, Waits: "it has 1 of 100 confirmations"},
		"sent by hand or by an earlier program: 0.00000000 to 0 users for what the log owes, 0.00000000 beyond": {Unmarked: true},
		"payment: 0.00000001 to 1 users for what the log owes, 0.00000000 beyond":                               {Booked: 1, Payees: 1},
	} {
		if got := missingLine(words.English, &m); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// A summary is the same each time, whatever shares were rejected for.
func TestASummary(t *testing.T) {
	s := miner.Summary{Kernel: "avx2", Threads: 2, Accepted: 5, Rejected: map[string]uint64{"stale": 2, "above target": 1, "duplicate": 3}}
	var first string
	for range 20 {
		var out bytes.Buffer
		printSummary(&out, words.English, s)
		if first == "" {
			first = out.String()
		}
		if out.String() != first {
			t.Fatalf("%s\n%s", first, out.String())
		}
	}
	if !strings.Contains(first, "accepted 5, rejected 6") || !strings.Contains(first, "  rejected 1: above target\n  rejected 3: duplicate\n  rejected 2: stale\n") {
		t.Error(first)
	}
}

// A copy that is put back is of the same log, and what it replaces is kept under a name that nothing has.
func TestALogThatIsPutBack(t *testing.T) {
	dir, copied := t.TempDir(), t.TempDir()
	write := func(at, name, text string) {
		t.Helper()
		if err := errors.Join(os.MkdirAll(filepath.Dir(filepath.Join(at, name)), 0o700), os.WriteFile(filepath.Join(at, name), []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	write(dir, "log.pub", "key\n")
	write(copied, "log.pub", "key")
	if err := sameKey(dir, copied); err != nil {
		t.Error(err)
	}
	write(copied, "log.pub", "another")
	var usage cli.UsageError
	if err := sameKey(dir, copied); !errors.As(err, &usage) {
		t.Error(err)
	}
	if err := sameKey(dir, t.TempDir()); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	kept, err := freeName(filepath.Join(dir, "before"))
	if err != nil || kept != filepath.Join(dir, "before-1") {
		t.Fatalf("%s, %v", kept, err)
	}
	write(dir, "shares/old", "old")
	write(dir, "books.sqlite", "books")
	write(dir, "fresh/new", "new")
	r := &poolRestore{dir: dir}
	if err := r.exchange(kept, filepath.Join(dir, "shares"), filepath.Join(dir, "fresh")); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{"shares/new": "new", "before-1/shares/old": "old", "before-1/books.sqlite": "books"} {
		if got, err := os.ReadFile(filepath.Join(dir, path)); err != nil || string(got) != want {
			t.Errorf("%s: %q, %v", path, got, err)
		}
	}
	if again, err := freeName(filepath.Join(dir, "before")); err != nil || again != filepath.Join(dir, "before-2") {
		t.Errorf("%s, %v", again, err)
	}
}
