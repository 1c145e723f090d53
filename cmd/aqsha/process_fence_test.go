package main

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aqsha/aqsha/api"
)

// A leader that stood still while it was replaced has written what nobody acknowledged, and shows the newest fence when it goes on.
// The follower that promised its successor follows it all the same, by mistake: it copies nothing, finds the successor by itself, and
// payments are answered there. Status and the refused commands say which of the two is put back.
func TestAFollowerTakesNothingFromAReplacedLeader(t *testing.T) {
	t.Parallel()
	g := newGroup(t, 1)
	g.comes("both follow", g.leader.url, func(h api.Health) bool { return h.Followers[0].Connected && h.Followers[1].Connected })
	g.acquainted()
	run1(t, "pay", "bank", "shop", "5", "--data", g.path("a"))
	for _, f := range g.follows {
		f.stop(t)
	}
	unanswered := aqsha("pay", "bank", "shop", "7", "--data", g.path("a"))
	if err := unanswered.Start(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(2 * time.Second) // written, and acknowledged by nobody
	_ = unanswered.Process.Kill()
	_ = unanswered.Wait()
	if err := g.leader.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	address := strings.TrimPrefix(g.follows[1].url, "http://")
	g.follows[1] = serves(t, "follow", "--data", g.path("c"), "--listen", address)
	run1(t, "promote", "--data", g.path("b"), "--ask", g.follows[1].url, "--log-key", filepath.Join(g.path("a"), "keys", "log.secret"))
	g.follows[1].stop(t)
	leader := serves(t, "up", "--data", g.path("b"), "--listen", strings.TrimPrefix(g.follows[0].url, "http://"))
	defer leader.kill()
	if err := g.leader.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	g.comes("the old leader hears of the new one", g.leader.url, func(h api.Health) bool { return h.Status == "read-only" && strings.Contains(h.Detail, "epoch 1") })
	g.follows[1] = serves(t, "follow", g.leader.url, "--data", g.path("c"), "--listen", address)
	g.comes("it finds the successor", g.follows[1].url, func(h api.Health) bool {
		return h.Follows != nil && h.Follows.Leader == leader.url && h.Follows.Connected && h.Follows.Alarm == ""
	})
	pays(t, g, leader.url, "1", "6.00")
	out, err := aqsha("status", leader.url, g.leader.url, g.follows[1].url).CombinedOutput()
	if err == nil || !strings.Contains(string(out), g.leader.url+" was replaced as the leader: restore it as a follower") {
		t.Errorf("status: %v\n%s", err, out)
	}
	out, err = aqsha("restore", g.leader.url, "--data", g.path("d")).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "old-leader") && !strings.Contains(string(out), "was replaced") {
		t.Errorf("a copy of the replaced leader: %v\n%s", err, out)
	}
}
