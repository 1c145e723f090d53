package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/internal/cli/copycmd"
	"github.com/aqsha/aqsha/internal/cli/datadir"
	"github.com/aqsha/aqsha/internal/cli/drill"
	"github.com/aqsha/aqsha/internal/cli/nodecmd"
)

// group is a leader and two followers, of whom acks must acknowledge.
type group struct {
	t       *testing.T
	dir     string
	leader  *process
	keys    []string // of the followers
	follows []*process
}

func (g *group) path(name string) string { return filepath.Join(g.dir, name) }

func newGroup(t *testing.T, acks int) *group {
	t.Helper()
	g := &group{t: t, dir: t.TempDir()}
	run1(t, "init", "--development", "--shared-keys", "--data", g.path("a"))
	run1(t, "bank", "admit", "bank", "--data", g.path("a"))
	run1(t, "issue", "bank", "1000", "--data", g.path("a"))
	run1(t, "wallet", "new", "shop", "--bank", "bank", "--data", g.path("a"))
	g.leader = up(t, g.path("a"))
	for _, name := range []string{"b", "c"} {
		var c nodecmd.Copied
		if err := json.Unmarshal([]byte(run1Out(t, "follow", g.leader.url, "--data", g.path(name), "--once", "--json")), &c); err != nil {
			t.Fatal(err)
		}
		g.keys = append(g.keys, c.FollowerKey)
	}
	g.leader.stop(t)
	c, err := datadir.ReadConfig(g.path("a"))
	if err != nil {
		t.Fatal(err)
	}
	c.Followers, c.Acks = g.keys, acks
	if err := datadir.WriteConfig(g.path("a"), c); err != nil {
		t.Fatal(err)
	}
	g.leader = up(t, g.path("a"))
	for _, name := range []string{"b", "c"} {
		g.follows = append(g.follows, g.follow(name, g.leader.url))
	}
	t.Cleanup(func() {
		for _, p := range append(g.follows, g.leader) {
			_ = p.Process.Kill()
		}
	})
	return g
}

func (g *group) follow(name, url string) *process {
	return serves(g.t, "follow", url, "--data", g.path(name), "--listen", "127.0.0.1:0")
}

// comes waits for a node's health to be as wanted.
func (g *group) comes(what, url string, holds func(h api.Health) bool) {
	g.t.Helper()
	var h api.Health
	for range 600 {
		var err error
		ctx, cancel := context.WithTimeout(g.t.Context(), 5*time.Second)
		h, err = api.NewClient(url, "").Health(ctx)
		cancel()
		if err == nil && holds(h) {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	g.t.Fatalf("never came about: %s: %+v", what, h)
}

// An entry that one follower has acknowledged and another has not is never lost at a promotion that nobody told to lose it: who
// cannot be asked stops it, who can be asked is copied. Followers, acks and the old leader's address outlive it, and the old
// leader hears of it when it comes back, though it was given no peers.
func TestAPromotionAsksWhoElseMayHaveAcknowledged(t *testing.T) {
	t.Parallel()
	g := newGroup(t, 1)
	g.comes("both follow", g.leader.url, func(h api.Health) bool { return h.Followers[0].Connected && h.Followers[1].Connected })
	g.follows[0].stop(t)
	for range 3 {
		run1(t, "pay", "bank", "shop", "7", "--data", g.path("a")) // answered: the other follower has it
	}
	g.leader.kill()
	has, err := api.NewClient(g.follows[1].url, "").Network(t.Context())
	if err != nil {
		t.Fatal(err)
	}

	logKey := filepath.Join(g.path("a"), "keys", "log.secret")
	// Another network's key is refused, and not kept: the right one is taken afterwards.
	run1(t, "init", "--development", "--shared-keys", "--data", g.path("other"))
	if out, err := aqsha("promote", "--data", g.path("b"), "--ask", g.follows[1].url, "--log-key", filepath.Join(g.path("other"), "keys", "log.secret")).CombinedOutput(); err == nil || !strings.Contains(string(out), "the log's is") {
		t.Fatalf("promoted by another network's key: %v\n%s", err, out)
	}
	c, err := datadir.ReadConfig(g.path("b"))
	if err == nil {
		c.FollowerURLs = nil // it may have heard already where the other can be asked
		err = datadir.WriteConfig(g.path("b"), c)
	}
	if err != nil {
		t.Fatal(err)
	}
	out, err := aqsha("promote", "--data", g.path("b"), "--log-key", logKey).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "would-lose") || !strings.Contains(string(out), "--ask") {
		t.Fatalf("promoted without the other follower's word: %v\n%s", err, out)
	}
	if _, err := os.Stat(filepath.Join(g.path("b"), "keys", "log.secret")); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("a refused promotion left the log's key behind: %v", err)
	}
	var p copycmd.Promotion
	if err := json.Unmarshal([]byte(run1Out(t, "promote", "--data", g.path("b"), "--log-key", logKey, "--ask", g.follows[1].url, "--json")), &p); err != nil {
		t.Fatal(err)
	}
	if p.Size != has.Head.Size || p.Lost != 0 || len(p.GivenUp) != 0 {
		t.Errorf("the other follower has %d entries: %+v", has.Head.Size, p)
	}
	run1(t, "verify", "promotion", filepath.Join(g.path("b"), "promotion-1.json"), "--key", has.LogKey)
	c, err = datadir.ReadConfig(g.path("b"))
	if err != nil || c.Acks != 1 || !slices.Equal(c.Followers, g.keys[1:]) || !slices.Contains(c.Peers, g.leader.url) {
		t.Errorf("%+v, %v", c, err)
	}

	leader := up(t, g.path("b"))
	defer leader.kill()
	g.follows[1].kill()
	g.follows[1] = g.follow("c", leader.url)
	if err := os.CopyFS(g.path("people"), os.DirFS(g.path("a"))); err != nil {
		t.Fatal(err)
	}
	run1(t, "pay", "bank", "shop", "1", "--data", g.path("people"), "--node", leader.url)
	if out := run1(t, "balance", "shop", "--data", g.path("people"), "--node", leader.url); !strings.Contains(out, "22.00") {
		t.Errorf("after the promotion: %s", out)
	}
	old := serves(t, "up", "--data", g.path("a"), "--listen", strings.TrimPrefix(g.leader.url, "http://"))
	defer old.kill()
	g.comes("the old leader hears of the new one", old.url, func(h api.Health) bool { return h.Status == "read-only" && strings.Contains(h.Detail, "epoch 1") })
}

// A leader that was put back to an old copy is an alarm at its followers, in /health and in their metrics.
func TestAnOldCopyPutBackIsAnAlarm(t *testing.T) {
	t.Parallel()
	g := newGroup(t, 0)
	g.comes("both follow", g.leader.url, func(h api.Health) bool { return h.Followers[0].Connected && h.Followers[1].Connected })
	g.leader.stop(t)
	if err := os.CopyFS(g.path("before"), os.DirFS(g.path("a"))); err != nil {
		t.Fatal(err)
	}
	address := strings.TrimPrefix(g.leader.url, "http://")
	g.leader = serves(t, "up", "--data", g.path("a"), "--listen", address)
	run1(t, "pay", "bank", "shop", "7", "--data", g.path("a"))
	now, err := api.NewClient(g.leader.url, "").Network(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range g.follows {
		g.comes("it has all", f.url, func(h api.Health) bool {
			return h.Follows.Connected && h.Follows.LeaderSize == now.Head.Size && *h.Follows.Lag == 0
		})
	}
	g.leader.stop(t)
	g.leader = serves(t, "up", "--data", g.path("before"), "--listen", address)
	for _, f := range g.follows {
		g.comes("the alarm", f.url, func(h api.Health) bool {
			return h.Status == "leader-doubted" && strings.Contains(h.Follows.Alarm, "gone back")
		})
	}
	// It pays: now there is a second history, signed.
	run1(t, "pay", "bank", "shop", "8", "--data", g.path("before"))
	run1(t, "pay", "bank", "shop", "9", "--data", g.path("before"))
	for i, f := range g.follows {
		g.comes("the evidence", f.url, func(h api.Health) bool { return h.Status == "read-only" && strings.Contains(h.Detail, "two histories") })
		if files, _ := filepath.Glob(filepath.Join(g.path([]string{"b", "c"}[i]), "evidence-*.json")); len(files) != 1 {
			t.Errorf("evidence: %v", files)
		}
	}
}

// A follower whose log is as long as the others' and another one, because it followed a copy of the leader that went on by itself,
// is not promoted over them: what they have and it has not would be lost.
func TestACandidateWithAnotherHistoryDoesNotLead(t *testing.T) {
	t.Parallel()
	g := newGroup(t, 0)
	g.comes("both follow", g.leader.url, func(h api.Health) bool { return h.Followers[0].Connected && h.Followers[1].Connected })
	g.follows[1].stop(t)
	g.leader.stop(t)
	if err := os.CopyFS(g.path("copy"), os.DirFS(g.path("a"))); err != nil {
		t.Fatal(err)
	}
	address := strings.TrimPrefix(g.leader.url, "http://")
	has := func(at *process, follower *process) uint64 {
		n, err := api.NewClient(at.url, "").Network(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		g.comes("it has all", follower.url, func(h api.Health) bool {
			return h.Follows.Connected && h.Follows.LeaderSize == n.Head.Size && *h.Follows.Lag == 0
		})
		return n.Head.Size
	}
	// The copy pays 8 and one follower follows it; the leader pays 7, and the other follower has it.
	g.follows[0].stop(t)
	g.leader = serves(t, "up", "--data", g.path("copy"), "--listen", address)
	run1(t, "pay", "bank", "shop", "8", "--data", g.path("copy"))
	g.follows[1] = g.follow("c", g.leader.url)
	tainted := has(g.leader, g.follows[1])
	g.follows[1].stop(t)
	g.leader.stop(t)
	g.leader = serves(t, "up", "--data", g.path("a"), "--listen", address)
	run1(t, "pay", "bank", "shop", "7", "--data", g.path("a"))
	g.follows[0] = g.follow("b", g.leader.url)
	if size := has(g.leader, g.follows[0]); size != tainted {
		t.Fatalf("the logs have %d and %d entries, and were to have as many", size, tainted)
	}
	out, err := aqsha("promote", "--data", g.path("c"), "--ask", g.follows[0].url, "--ask", g.leader.url, "--log-key", filepath.Join(g.path("a"), "keys", "log.secret")).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "other entries") {
		t.Errorf("a log with another history leads: %v\n%s", err, out)
	}
	run1(t, "pay", "bank", "shop", "1", "--data", g.path("a")) // nobody stopped for it
}

// A leader that is cut off from its candidate, though not from the other follower, answers nothing any more once that
// follower has promised: there are never two who answer.
func TestALeaderThatIsCutOffAnswersNoMore(t *testing.T) {
	t.Parallel()
	g := newGroup(t, 1)
	g.comes("both follow", g.leader.url, func(h api.Health) bool { return h.Followers[0].Connected && h.Followers[1].Connected })
	for range 100 { // until the follower has heard where the other one is
		if c, err := datadir.ReadConfig(g.path("b")); err == nil && len(c.FollowerURLs) == 2 {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	g.follows[0].stop(t)
	c, err := datadir.ReadConfig(g.path("b"))
	if err != nil || len(c.FollowerURLs) != 2 {
		t.Fatalf("%+v, %v", c.FollowerURLs, err)
	}
	c.Leader = "http://127.0.0.1:1" // the leader is not reached
	if err := datadir.WriteConfig(g.path("b"), c); err != nil {
		t.Fatal(err)
	}
	run1(t, "pay", "bank", "shop", "3", "--data", g.path("a"))
	logKey := filepath.Join(g.path("a"), "keys", "log.secret")
	var p copycmd.Promotion
	if err := json.Unmarshal([]byte(run1Out(t, "promote", "--data", g.path("b"), "--log-key", logKey, "--json")), &p); err != nil {
		t.Fatal(err)
	}
	if len(p.Promised) != 2 || p.Lost != 0 || len(p.GivenUp) != 0 {
		t.Errorf("%+v", p)
	}
	leader := up(t, g.path("b"))
	defer leader.kill()
	g.follows[1].kill()
	g.follows[1] = g.follow("c", leader.url)
	if err := os.CopyFS(g.path("people"), os.DirFS(g.path("a"))); err != nil {
		t.Fatal(err)
	}
	g.comes("the old leader says that it waits, or is replaced", g.leader.url, func(h api.Health) bool { return !h.Ready })
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	pay := aqsha("pay", "bank", "shop", "1", "--data", g.path("a"))
	defer context.AfterFunc(ctx, func() { _ = pay.Process.Kill() })()
	if out, err := pay.CombinedOutput(); err == nil {
		t.Errorf("the old leader answered a payment: %s", out)
	}
	run1(t, "pay", "bank", "shop", "1", "--data", g.path("people"), "--node", leader.url)
	if out := run1(t, "balance", "shop", "--data", g.path("people"), "--node", leader.url); !strings.Contains(out, "4.00") {
		t.Errorf("after the promotion: %s", out)
	}
}

// A switchover with a leader that is there: who pays with the list of nodes notices nothing, no payment is lost or made twice, and
// the other follower finds the new leader by itself.
func TestASwitchoverRefusesNoPayment(t *testing.T) {
	t.Parallel()
	g := newGroup(t, 1)
	g.comes("both follow", g.leader.url, func(h api.Health) bool { return h.Followers[0].Connected && h.Followers[1].Connected })
	for range 100 { // until both have heard where the other one is
		b, _ := datadir.ReadConfig(g.path("b"))
		if c, err := datadir.ReadConfig(g.path("c")); err == nil && len(c.FollowerURLs) == 2 && len(b.FollowerURLs) == 2 {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	if err := os.CopyFS(g.path("people"), os.DirFS(g.path("a"))); err != nil {
		t.Fatal(err)
	}
	nodes := strings.Join([]string{g.leader.url, g.follows[0].url, g.follows[1].url}, ",")
	const payments = 25
	paid := make(chan error, 1)
	go func() {
		for i := range payments {
			if out, err := aqsha("pay", "bank", "shop", "1", "--data", g.path("people"), "--node", nodes).CombinedOutput(); err != nil {
				paid <- fmt.Errorf("payment %d: %w: %s", i, err, out)
				return
			}
		}
		paid <- nil
	}()
	address := strings.TrimPrefix(g.follows[0].url, "http://")
	g.follows[0].stop(t)
	leader := serves(t, "switchover", "--data", g.path("b"), "--listen", address, "--log-key", filepath.Join(g.path("a"), "keys", "log.secret"))
	defer leader.kill()
	if err := <-paid; err != nil {
		t.Fatal(err)
	}
	if out := run1(t, "balance", "shop", "--data", g.path("people"), "--node", leader.url); !strings.Contains(out, fmt.Sprintf("%d.00", payments)) {
		t.Errorf("after the switchover: %s", out)
	}
	g.comes("the other follows the new leader", g.follows[1].url, func(h api.Health) bool {
		return h.Follows != nil && h.Follows.Leader == leader.url && h.Follows.Connected
	})
	g.comes("the old leader says why it answers nothing", g.leader.url, func(h api.Health) bool { return h.Status == "read-only" && strings.Contains(h.Detail, "epoch 1") })

	// The new leader dies, and the other follower is pointed to the old one, which still answers: what the new one answered is
	// not with it, whatever it promises.
	g.follows[1].stop(t)
	leader.kill()
	c, err := datadir.ReadConfig(g.path("c"))
	if err == nil {
		c.Leader = g.leader.url
		err = datadir.WriteConfig(g.path("c"), c)
	}
	if err != nil {
		t.Fatal(err)
	}
	var out []byte
	for range 5 { // a leader that a busy machine keeps from answering in time changes nothing: it is tried again
		again := aqsha("switchover", "--data", g.path("c"), "--listen", "127.0.0.1:0", "--log-key", filepath.Join(g.path("a"), "keys", "log.secret"))
		ends := time.AfterFunc(30*time.Second, func() { _ = again.Process.Kill() }) // one that succeeds serves for ever
		out, err = again.CombinedOutput()
		ends.Stop()
		if !strings.Contains(string(out), "does not answer") {
			break
		}
	}
	if err == nil || !strings.Contains(string(out), "old-leader") {
		t.Errorf("a switchover from a leader that was replaced: %v\n%s", err, out)
	}
}

// Two of the seven drills, with little load: what was answered is there, and who pays is answered again.
func TestDrillsLoseNothing(t *testing.T) {
	t.Parallel()
	var results map[string]drill.Outcome
	if err := json.Unmarshal([]byte(run1Out(t, "drill", "leader-lost", "wrong-promotion", "--clients", "2", "--for", "300ms", "--json")), &results); err != nil {
		t.Fatal(err)
	}
	if len(results) != 2 {
		t.Errorf("%d drills", len(results))
	}
	for name, r := range results {
		if r.Lost != 0 || r.Answered == 0 || r.Seconds <= 0 {
			t.Errorf("%s: %+v", name, r)
		}
	}
	if out, err := aqsha("drill", "nonsense").CombinedOutput(); err == nil || !strings.Contains(string(out), "is no drill") {
		t.Errorf("%v: %s", err, out)
	}
}
