package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/internal/cli/statuscmd"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/node/failover"
	"github.com/aqsha/aqsha/wallet"
)

// A follower that does not know that another leads by now is refused, planned or not, and stops nobody: not the new
// leader either, which asks the old one now and then what it promised.
func TestARefusedCandidateStopsNobody(t *testing.T) {
	t.Parallel()
	g := newGroup(t, 1)
	g.comes("both follow", g.leader.url, func(h api.Health) bool {
		return h.Followers[0].Connected && h.Followers[1].Connected
	})
	g.acquainted()
	run1(t, "pay", "bank", "shop", "5", "--data", g.path("a"))
	logKey := filepath.Join(g.path("a"), "keys", "log.secret")
	g.follows[1].stop(t) // before anybody else leads
	g.follows[0].stop(t)
	leader := serves(t, "switchover", "--data", g.path("b"), "--log-key", logKey, "--listen",
		strings.TrimPrefix(g.follows[0].url, "http://"))
	defer leader.kill()
	for _, verb := range []string{"switchover", "promote"} { // each of a copy: the first run learns of the new leader
		if err := os.CopyFS(g.path(verb), os.DirFS(g.path("c"))); err != nil {
			t.Fatal(err)
		}
		out, err := aqsha(verb, "--data", g.path(verb), "--log-key", logKey).CombinedOutput()
		if err == nil || !strings.Contains(string(out), "old-leader") ||
			!strings.Contains(string(out), "nothing was changed") {
			t.Errorf("%s: %v\n%s", verb, err, out)
		}
		for _, url := range []string{leader.url, g.leader.url} {
			if epoch := promisedAt(t, url); epoch > 1 {
				t.Errorf("after a refused %s %s has promised epoch %d", verb, url, epoch)
			}
		}
	}
	g.follows[1] = serves(t, "follow", "--data", g.path("c"), "--listen",
		strings.TrimPrefix(g.follows[1].url, "http://"))
	g.comes("the refused one follows the other", g.follows[1].url, func(h api.Health) bool {
		return h.Follows != nil && h.Follows.Leader == leader.url && h.Follows.Connected
	})
	pays(t, g, leader.url, "1", "6.00")
}

// promisedAt is the epoch that a node has promised to somebody.
func promisedAt(t *testing.T, url string) uint64 {
	t.Helper()
	remote := api.NewClient(url, "")
	info, err := remote.Network(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := note.NewVerifier(info.LogKey)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := remote.Prepared(t.Context())
	if err != nil || signed == nil {
		return 0
	}
	p, err := node.OpenPrepare(signed, verifier)
	if err != nil {
		t.Fatal(err)
	}
	return p.Epoch
}

// A candidate whose machine is lost when the leader has promised: nobody leads. The others' commands are refused,
// change nothing, and say what ends it; so does status; and that ends it.
func TestThereIsAWayOutOfAPromise(t *testing.T) {
	t.Parallel()
	g := newGroup(t, 1)
	g.comes("both follow", g.leader.url, func(h api.Health) bool {
		return h.Followers[0].Connected && h.Followers[1].Connected
	})
	g.acquainted()
	run1(t, "pay", "bank", "shop", "5", "--data", g.path("a"))
	keyring, err := wallet.OpenKeyring(g.path("a"), "", nil)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := keyring.LogSigner()
	if err != nil {
		t.Fatal(err)
	}
	remote := api.NewClient(g.leader.url, "")
	info, err := remote.Network(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	lost := node.Prepare{Network: info.Network, Ballot: failover.Ballot{Epoch: 1, Candidate: "5f0c1e"}}
	asking, err := note.Sign(&note.Note{Text: lost.Text()}, signer)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := remote.Promise(t.Context(), asking, true); err != nil {
		t.Fatal(err)
	}
	way := fmt.Sprintf("--instead-of %d:%s", lost.Epoch, lost.Candidate)
	var status statuscmd.GroupStatus
	out, err := aqsha("status", "--json", g.leader.url, g.follows[0].url, g.follows[1].url).Output()
	if err == nil || json.Unmarshal(out, &status) != nil || !strings.Contains(strings.Join(status.Unwell, "; "), way) {
		t.Errorf("status: %v\n%s", err, out)
	}
	g.follows[0].stop(t)
	logKey := filepath.Join(g.path("a"), "keys", "log.secret")
	for _, verb := range []string{"switchover", "promote"} {
		out, err := aqsha(verb, "--data", g.path("b"), "--log-key", logKey).CombinedOutput()
		if err == nil || !strings.Contains(string(out), way) || !strings.Contains(string(out), "nothing was changed") {
			t.Errorf("%s: %v\n%s", verb, err, out)
		}
	}
	if epoch := promisedAt(t, g.follows[1].url); epoch != 0 {
		t.Errorf("the other follower has promised epoch %d", epoch)
	}
	run1(t, append([]string{"promote", "--data", g.path("b"), "--log-key", logKey}, strings.Fields(way)...)...)
	leader := serves(t, "up", "--data", g.path("b"), "--listen", strings.TrimPrefix(g.follows[0].url, "http://"))
	defer leader.kill()
	pays(t, g, leader.url, "1", "6.00")
}

// Started at every distance from one another, one of two switchovers leads, and payments are answered when the other
// one follows.
func TestTwoSwitchoversApart(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: it founds a network for each of four distances")
	}
	for _, apart := range []time.Duration{50 * time.Millisecond, 200 * time.Millisecond, 500 * time.Millisecond,
		time.Second} {
		t.Run(apart.String(), func(t *testing.T) {
			t.Parallel()
			twoSwitchovers(t, apart)
		})
	}
}
