package node_test

import (
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/internal/sim/disk"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// A key is warned of from thirty days before its end on, and after it; one that has longer is not.
func TestKeysNearTheirEndAreWarnedOf(t *testing.T) {
	now := time.UnixMilli(sim.StartMillis + 1000)
	f := newFleet(t, func(c *node.Config) {
		c.NoIndex = true
		c.Keys = []node.KeyLife{{Name: "fresh", Ends: now.AddDate(0, 0, 31)}, {Name: "old", Ends: now.AddDate(0, 0, 29)}, {Name: "dead", Ends: now.Add(-time.Hour)}}
	})
	warnings := f.leader.Warnings()
	if len(warnings) != 2 || !strings.Contains(warnings[0], "dead ended on 2025-12-31") || !strings.Contains(warnings[1], "old ends on 2026-01-30, in 29 days") {
		t.Errorf("%q", warnings)
	}
}

// A disk is warned of when little of it is free, in parts and in bytes: a small disk that is half empty has room, and a
// large one of which many gigabytes are left.
func TestADiskThatIsNearlyFullIsWarnedOf(t *testing.T) {
	for _, c := range []struct {
		free, total uint64
		warned      bool
	}{
		{3256 << 20, 252 << 30, true},
		{5 << 30, 252 << 30, false},
		{1 << 30, 2 << 30, false},
		{1 << 20, 2 << 30, true},
		{0, 2 << 30, true},
		{0, 0, false}, // a file system that does not say
	} {
		f := newFleet(t, func(config *node.Config) {
			config.NoIndex = true
			config.Options.FS = disk.Own{FS: vfs.OS, Room: vfs.Space{Free: c.free, Total: c.total}}
		})
		warnings := f.leader.Warnings()
		if warned := len(warnings) == 1 && strings.HasPrefix(warnings[0], "the disk is nearly full: "); warned != c.warned || len(warnings) > 1 {
			t.Errorf("%d of %d bytes: %q", c.free, c.total, warnings)
		}
	}
}

// aging is a fleet whose clock is moved by hand and whose key sets live a hundred days.
type aging struct {
	*fleet
	clock  *atomic.Uint64
	policy uint64 // the policy set's next sequence
}

func newAging(t *testing.T, change func(c *node.Config)) *aging {
	a := &aging{clock: new(atomic.Uint64), policy: 1}
	a.day(0)
	a.fleet = newFleet(t, func(c *node.Config) {
		c.NoIndex, c.KeyDays, c.Now = true, 100, a.clock.Load
		if change != nil {
			change(c)
		}
	})
	return a
}

// day moves the clock to noon of a day after genesis.
func (a *aging) day(n int) {
	a.clock.Store(uint64(time.UnixMilli(sim.StartMillis).AddDate(0, 0, n).UnixMilli()) + 43_200_000)
}

func (a *aging) submit(tx *token.Transaction) token.WalletID {
	a.t.Helper()
	if _, err := a.leader.Submit(a.t.Context(), tx); err != nil {
		a.t.Fatal(err)
	}
	return token.RegisteredID(tx.ID())
}

func (a *aging) valid() uint64 { return a.clock.Load() + 1_800_000 }

// decide is a decision of the policy set, with proof of possession of one key.
func (a *aging) decide(body func(sequence uint64) token.Body, possession ...token.PrivateKey) token.WalletID {
	a.t.Helper()
	groups := [][]sim.Signature{a.world.By(token.RolePolicy, 2)}
	for i, key := range possession {
		groups = append(groups, sim.One(token.RolePossession, i, key))
	}
	a.policy++
	return a.submit(a.world.Sign(body(a.policy-1), a.valid(), groups...))
}

func (a *aging) admit(name string) token.WalletID {
	a.t.Helper()
	tx, bank := a.world.Admit(name, a.policy, a.valid())
	a.policy++
	a.submit(tx)
	return bank
}

func (a *aging) one(name string) token.KeySet {
	return token.KeySet{Threshold: 1, Keys: []token.PublicKey{a.world.Key(name).Public()}}
}

func (a *aging) expect(n *node.Node, want ...string) {
	a.t.Helper()
	if diff := cmp.Diff(want, n.Warnings()); diff != "" {
		a.t.Error(diff)
	}
	if n.CountWarnings() != len(want) {
		a.t.Errorf("%d are counted, want %d", n.CountWarnings(), len(want))
	}
}

// The sets of the authority, of banks and of agencies are warned of by their ages, on a leader, on its follower, and
// after a restart; renewal ends it, suspension too.
func TestKeySetsOnTheLedgerAreWarnedOf(t *testing.T) {
	a := newAging(t, nil)
	a.day(10)
	bank := a.admit("Қазына")
	a.day(20)
	agency := a.decide(func(s uint64) token.Body { return &token.SetAgency{Sequence: s, Name: "ministry", Keys: a.one("m")} }, a.world.Key("m"))

	central := func(format string, more ...any) (warnings []string) {
		for _, set := range []string{"root", "issue", "policy", "enforcement"} {
			warnings = append(warnings, fmt.Sprintf("the life of the authority's %s keys (2 of 3) "+format, append([]any{set}, more...)...))
		}
		return warnings
	}
	for _, tc := range []struct {
		day  int
		want []string
	}{
		{69, nil},
		{70, central("ends on 2026-04-11, in 29 days")},
		{79, central("ends on 2026-04-11, in 20 days")},
		{80, append(central("ends on 2026-04-11, in 19 days"), `the life of the keys of bank "Қазына" (1 of 1) ends on 2026-04-21, in 30 days`)},
		{100, append(central("ended on 2026-04-11: renewal is due"), `the life of the keys of bank "Қазына" (1 of 1) ends on 2026-04-21, in 10 days`,
			`the life of the keys of agency "ministry" (1 of 1) ends on 2026-05-01, in 20 days`)},
	} {
		a.day(tc.day)
		a.expect(a.leader, tc.want...)
	}

	c := a.copyConfig()
	c.NoIndex, c.KeyDays = true, 100
	follower, stop := follow(t, c, to(a.leader), nil)
	until(t, "the follower has everything", func() bool { return follower.Head().Root == a.leader.Head().Root })
	a.expect(follower, a.leader.Warnings()...)
	_ = stop()

	a.decide(func(s uint64) token.Body {
		return &token.RenewIntermediary{Sequence: s, Intermediary: bank, Keys: a.one("new")}
	}, a.world.Key("new"))
	a.decide(func(s uint64) token.Body {
		return &token.SetAgency{Sequence: s, Agency: agency, Name: "ministry", Keys: a.one("m"), Suspended: true}
	})
	a.expect(a.leader, central("ended on 2026-04-11: renewal is due")...)
	keys := a.one("root 2")
	a.submit(a.world.Sign(&token.Propose{By: token.RoleRoot, Sequence: 1, Change: token.Change{Set: token.RoleRoot, Keys: &keys}}, a.valid(),
		a.world.By(token.RoleRoot, 2), sim.One(token.RolePossession, 0, a.world.Key("root 2"))))
	a.day(102)
	a.submit(a.world.Issue(1, bank, a.valid(), 1)) // with this block the proposal takes effect
	a.expect(a.leader, central("ended on 2026-04-11: renewal is due")[1:]...)

	// From the snapshot, and from the log alone: the same.
	for _, reverify := range []bool{false, true} {
		if err := a.leader.Close(); err != nil {
			t.Fatal(err)
		}
		a.config.Reverify = reverify
		a.open()
		a.expect(a.leader, central("ended on 2026-04-11: renewal is due")[1:]...)
	}
}

// However many there are, the most urgent are named and the rest is counted; the log gets the same lines.
func TestWarningsAreBounded(t *testing.T) {
	a := newAging(t, nil)
	for i := range 21 {
		a.day(1 + i)
		a.admit(fmt.Sprint("bank ", i))
	}
	a.day(200)
	warnings := a.leader.Warnings()
	if len(warnings) != 21 || a.leader.CountWarnings() != 25 {
		t.Fatalf("%d lines of %d", len(warnings), a.leader.CountWarnings())
	}
	if !strings.Contains(warnings[19], `"bank 15"`) || warnings[20] != "5 keys more are near the end of their life or past it" {
		t.Errorf("%q", warnings[19:])
	}
	if err := a.leader.Close(); err != nil {
		t.Fatal(err)
	}
	written := make(lines, 100)
	a.config.Logger = slog.New(slog.NewTextHandler(written, &slog.HandlerOptions{Level: slog.LevelWarn}))
	a.open()
	for _, want := range warnings {
		if got := <-written; !strings.Contains(got, strings.ReplaceAll(want, `"`, `\"`)) {
			t.Errorf("the log has %s, want %s", got, want)
		}
	}
}

// lines gives what is written, a write at a time.
type lines chan string

func (l lines) Write(p []byte) (int, error) {
	l <- string(p)
	return len(p), nil
}
