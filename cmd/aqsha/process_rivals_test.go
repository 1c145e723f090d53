package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/internal/cli/datadir"
)

// acquainted waits until both followers have heard where the others can be asked.
func (g *group) acquainted() {
	g.t.Helper()
	for range 300 {
		b, _ := datadir.ReadConfig(g.path("b"))
		if c, err := datadir.ReadConfig(g.path("c")); err == nil && len(c.FollowerURLs) == 2 && len(b.FollowerURLs) == 2 {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	g.t.Fatal("the followers never heard of each other")
}

// Two followers of two are promoted at once, and the leader is lost: neither leads, as it would wait for the other's
// acknowledgement for ever; each is told what to do. With the other one back as a follower, the first leads.
func TestTwoPromotionsAtOnceMakeNoTwoLeaders(t *testing.T) {
	t.Parallel()
	g := newGroup(t, 2)
	g.comes("both follow", g.leader.url, func(h api.Health) bool { return h.Followers[0].Connected && h.Followers[1].Connected })
	g.acquainted()
	run1(t, "pay", "bank", "shop", "5", "--data", g.path("a"))
	g.leader.kill()
	for _, f := range g.follows {
		f.stop(t)
	}
	logKey := filepath.Join(g.path("a"), "keys", "log.secret")
	outs := make(chan string, 2)
	for _, name := range []string{"b", "c"} {
		go func() {
			out, err := aqsha("promote", "--data", g.path(name), "--log-key", logKey).CombinedOutput()
			if err == nil {
				out = append([]byte("LEADS "), out...)
			}
			outs <- string(out)
		}()
	}
	for range 2 {
		if out := <-outs; !strings.Contains(out, "rival-candidate") || !strings.Contains(out, "--without follower-") {
			t.Errorf("a promotion beside another: %s", out)
		}
	}
	g.follows[1] = serves(t, "follow", "--data", g.path("c"), "--listen", strings.TrimPrefix(g.follows[1].url, "http://"))
	run1(t, "promote", "--data", g.path("b"), "--log-key", logKey)
	leader := serves(t, "up", "--data", g.path("b"), "--listen", strings.TrimPrefix(g.follows[0].url, "http://"))
	defer leader.kill()
	pays(t, g, leader.url, "1", "6.00")
}

// pays has somebody pay the shop at a node, and looks for what it has then.
func pays(t *testing.T, g *group, url, amount, then string) {
	t.Helper()
	people := filepath.Join(t.TempDir(), "people")
	if err := os.CopyFS(people, os.DirFS(g.path("a"))); err != nil {
		t.Fatal(err)
	}
	run1(t, "pay", "bank", "shop", amount, "--data", people, "--node", url)
	if out := run1(t, "balance", "shop", "--data", people, "--node", url); !strings.Contains(out, then) {
		t.Errorf("want %s: %s", then, out)
	}
}

// Two switchovers at once: one serves, the other is refused and told to follow; when it does, payments are answered.
func TestOfTwoSwitchoversOneLeads(t *testing.T) { twoSwitchovers(t, 0) }

func twoSwitchovers(t *testing.T, apart time.Duration) {
	g := newGroup(t, 1)
	g.comes("both follow", g.leader.url, func(h api.Health) bool { return h.Followers[0].Connected && h.Followers[1].Connected })
	g.acquainted()
	run1(t, "pay", "bank", "shop", "5", "--data", g.path("a"))
	logKey := filepath.Join(g.path("a"), "keys", "log.secret")
	ended := make(chan int, 2)
	var commands [2]*exec.Cmd
	var said [2]strings.Builder
	for i, name := range []string{"b", "c"} {
		g.follows[i].stop(t)
		commands[i] = aqsha("switchover", "--data", g.path(name), "--log-key", logKey, "--listen", strings.TrimPrefix(g.follows[i].url, "http://"))
		commands[i].Stderr = &said[i]
	}
	for i, c := range commands {
		if i > 0 {
			time.Sleep(apart)
		}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.Process.Kill() }()
		go func() {
			_ = c.Wait()
			ended <- i
		}()
	}
	var loser int
	select {
	case loser = <-ended:
	case <-time.After(time.Minute):
		t.Fatal("both serve")
	}
	if out := said[loser].String(); !strings.Contains(out, "nothing was changed") || !strings.Contains(out, "follow") {
		t.Errorf("the one that came second is told %s", out)
	}
	name := []string{"b", "c"}[loser]
	g.follows[loser] = serves(t, "follow", "--data", g.path(name), "--listen", strings.TrimPrefix(g.follows[loser].url, "http://"))
	winner := g.follows[1-loser].url
	g.comes("the refused one follows the other", g.follows[loser].url, func(h api.Health) bool {
		return h.Follows != nil && h.Follows.Leader == winner && h.Follows.Connected
	})
	pays(t, g, winner, "1", "6.00")
}
