package copycmd

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/internal/cli/clitest"
	"github.com/aqsha/aqsha/internal/cli/clitest/served"
	"github.com/aqsha/aqsha/internal/cli/datadir"
	"github.com/aqsha/aqsha/internal/cli/nodecmd"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/wallet"
)

// candidate is a follower of a ledger with some followers besides, with its log open.
func candidate(t *testing.T, r resting, acks int, names ...string) *promoting {
	t.Helper()
	p := &promoting{c: datadir.Config{Acks: acks}, name: "own"}
	for _, name := range names {
		_, public := followerKey(t, name)
		p.c.Followers = append(p.c.Followers, public)
	}
	keyring, err := wallet.OpenKeyring(r.backup, "", func(string) (string, error) { return "", errors.New("none") })
	if err != nil {
		t.Fatal(err)
	}
	p.others(keyring)
	c, err := datadir.ReadConfig(r.backup)
	if err != nil {
		t.Fatal(err)
	}
	if p.n, err = datadir.OpenNode(r.backup, c, keyring, nil); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.n.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// A follower leads only when nobody who may have acknowledged something alone is missing, and nobody else may be about
// to lead; each who is done without is named, and what that may lose accepted.
func whoMayLead(t *testing.T, r resting) {
	p := candidate(t, r, 2, "a", "b", "c", "own2")
	for name, c := range map[string]struct {
		acks    int
		silent  string
		stopped bool
		accept  bool
		without string
		code    token.Code // of a refusal
		givenUp string
	}{
		"everybody promised":                  {acks: 2},
		"one is silent, and two acknowledge":  {acks: 2, silent: "a"},
		"two are":                             {acks: 2, silent: "a b", code: datadir.WouldLose},
		"two, and the leader has stopped":     {acks: 2, silent: "a b", stopped: true},
		"three, and the leader has stopped":   {acks: 2, silent: "a b c", stopped: true, code: rival},
		"nobody acknowledges":                 {acks: 0, silent: "a b"},
		"most are silent":                     {acks: 0, silent: "a b c", code: rival},
		"one acknowledges, one is silent":     {acks: 1, silent: "a", code: datadir.WouldLose},
		"given up without accepting the loss": {acks: 1, silent: "a", without: "a", code: datadir.WouldLose},
		"another is given up":                 {acks: 1, silent: "a", accept: true, without: "b", code: datadir.WouldLose},
		"given up":                            {acks: 1, silent: "a", accept: true, without: "a", givenUp: "a"},
		"one of two":                          {acks: 1, silent: "a b", accept: true, without: "a", code: datadir.WouldLose},
		"both":                                {acks: 1, silent: "a b", accept: true, without: "a b", givenUp: "a b"},
	} {
		p.promoteOptions = promoteOptions{acceptLoss: c.accept, without: strings.Fields(c.without)}
		p.result = Promotion{}
		silent := strings.Fields(c.silent)
		err := p.giveUp(silent, c.stopped, c.acks)
		if err == nil {
			err = p.alone(silent, c.stopped)
		}
		if c.code == "" && err != nil || c.code != "" && !CodeIs(err, c.code) ||
			strings.Join(p.result.GivenUp, " ") != c.givenUp {
			t.Errorf("%s: %v, given up %v", name, err, p.result.GivenUp)
		}
		for _, who := range silent {
			if err != nil && !slices.Contains(p.without, who) && !strings.Contains(err.Error(), who) {
				t.Errorf("%s: %s is not named: %v", name, who, err)
			}
		}
	}
}

// followerKey makes a follower's key: to sign with, and as it is written.
func followerKey(t *testing.T, name string) (note.Signer, string) {
	t.Helper()
	dir := t.TempDir()
	keyring, err := wallet.OpenKeyring(dir, "", func(string) (string, error) { return "", errors.New("none") })
	if err != nil {
		t.Fatal(err)
	}
	signer, public, err := keyring.Cosigner(name)
	if err != nil {
		t.Fatal(err)
	}
	return signer, public
}

// Whom a node that promised names as the followers counts as far as that node knows: an old leader's list to the end,
// another's beside this one's, and nobody's that could not be.
func whoTheFollowersAre(t *testing.T, r resting) {
	p := candidate(t, r, 1, "a", "b")
	before, beforeVerifiers := p.followers, p.verifiers
	_, c := followerKey(t, "c")
	list := func(acks int, followers ...string) api.Members { return api.Members{Followers: followers, Acks: acks} }
	leads, follows := node.Promise{Role: node.RoleLeader}, node.Promise{Role: "follower"}
	const old, another = "old", "another"
	for name, v := range map[string]struct {
		from     string
		promise  node.Promise
		known    uint64
		members  api.Members
		adopted  bool // as the ledger's
		reported bool // beside this follower's own
	}{
		"the old leader's":                 {from: old, promise: leads, members: list(2, before[0], c), adopted: true},
		"the same":                         {from: old, promise: leads, members: list(1, before[1], before[0])},
		"the same with other acks":         {from: old, promise: leads, members: list(2, before...), adopted: true},
		"a follower's":                     {from: another, promise: follows, members: list(1, before[0], c), reported: true},
		"another leader's":                 {from: another, promise: leads, members: list(1, c), reported: true},
		"a leader's that others have left": {from: old, promise: leads, known: 3, members: list(1, c), reported: true},
		"nobody":                           {from: old, promise: leads, members: list(0)},
		"a key that is none":               {from: old, promise: leads, members: list(1, "a")},
		"one twice":                        {from: old, promise: leads, members: list(1, c, c)},
		"more acks than there can be":      {from: old, promise: leads, members: list(3, before[0], c)},
		"what only this one has heard more": {from: another, promise: follows, members: list(1, before[0]),
			reported: true},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(v.members)
		}))
		p.old, p.known = "http://127.0.0.1:1", v.known
		if v.from == old {
			p.old = server.URL
		}
		p.followers, p.verifiers, p.c.Acks, p.reported, p.stopped = before, beforeVerifiers, 1, nil, false
		p.hearMembers(t.Context(), server.URL, v.promise)
		server.Close()
		adopted := p.c.Acks != 1 || !slices.Equal(p.followers, before)
		if adopted != v.adopted || (len(p.reported) > 0) != v.reported || len(p.followers) != len(p.verifiers) {
			t.Errorf("%s: followers %v, acks %d, beside %+v", name, p.followers, p.c.Acks, p.reported)
		}
		if v.adopted && (p.c.Acks != v.members.Acks || !slices.Equal(p.followers, v.members.Followers)) {
			t.Errorf("%s: %v, %d", name, p.followers, p.c.Acks)
		}
	}
}

// Whom a switchover asks is the leader that is there; why it did not agree is said, and which command goes on.
func TestALeaderAgreesToStop(t *testing.T) {
	t.Parallel()
	leads := node.Promise{Role: node.RoleLeader}
	refusal := func(code token.Code) error { return token.Errorf(code, "", "so") }
	for says, c := range map[string]struct {
		promise node.Promise
		err     error
	}{
		"":                          {leads, nil},
		"came first":                {leads, refusal(node.Promised)},
		"came first: start":         {leads, refusal(node.Fenced)},
		"leads no more":             {leads, refusal(node.OldLeader)},
		"did not promise to stop":   {leads, errors.New("broken")},
		"may not have everything":   {node.Promise{Role: "waiting"}, nil},
		"start its followers, or p": {node.Promise{}, nil},
	} {
		err := agrees("http://a", c.promise, c.err)
		if says == "" && err != nil || says != "" && (err == nil || !strings.Contains(err.Error(), says) ||
			!strings.Contains(err.Error(), "http://a") || c.err != nil && !errors.Is(err, c.err)) {
			t.Errorf("%q: %v", says, err)
		}
	}
	p := &promoting{}
	if err := p.wayOn(errors.New("x"), node.Prepare{}); !strings.Contains(err.Error(), "nothing was changed") {
		t.Error(err)
	}
	p.result.Promised = []string{"a", "b"}
	for planned, verb := range map[bool]string{false: "promote", true: "switchover"} {
		p.planned = planned
		if err := p.wayOn(errors.New("x"), node.Prepare{}); !strings.Contains(err.Error(), "a and b promised") ||
			!strings.Contains(err.Error(), "aqsha "+verb+"\" here again") ||
			strings.Contains(err.Error(), "nothing was") {
			t.Error(err)
		}
	}
	p.result.Asked = []standing{{URL: "http://a"}, {URL: "http://b", Error: "b refuses"},
		{URL: "http://old", Error: "is away"}}
	p.old = "http://old"
	if got := p.unheard(); got != " (b refuses; the old leader, is away)" {
		t.Error(got)
	}
	if p.whyNot("http://b") != "b refuses" || p.whyNot("http://a") != "it was not asked" {
		t.Error("why a node's word does not count")
	}
	p.noPromise("http://a", errors.New("late"))
	p.noPromise("http://b", errors.New("late"))
	if p.result.Asked[0].Error == "" || p.result.Asked[1].Error != "b refuses" {
		t.Errorf("%+v", p.result.Asked)
	}
}

// The new leader's configuration is of what was settled: nobody is followed, itself is no follower of its own, and whom
// it knew are its peers.
func TestWhatANewLeaderIsConfiguredWith(t *testing.T) {
	t.Parallel()
	p := &promoting{name: "own", old: "http://old/", followers: []string{"k"}, result: Promotion{Acks: 1},
		promoteOptions: promoteOptions{prompt: []string{"http://more", "http://b/"}},
		c: datadir.Config{Leader: "http://old/", Acks: 2, Peers: []string{"http://peer", "backup"}, Listen: "127.0.0.1:1",
			FollowerURLs: map[string]string{"own": "http://me", "b": "http://b", "a": "http://a"}}}
	c := p.newConfig()
	if c.Leader != "" || c.Acks != 1 || !slices.Equal(c.Followers, []string{"k"}) || c.Listen != "127.0.0.1:1" ||
		!slices.Equal(c.Peers, []string{"http://old", "http://a", "http://b", "http://peer", "http://more"}) {
		t.Errorf("%+v", c)
	}
	if _, own := c.FollowerURLs["own"]; own || len(c.FollowerURLs) != 2 || len(p.c.FollowerURLs) != 3 {
		t.Errorf("%v of %v", c.FollowerURLs, p.c.FollowerURLs)
	}
}

// A leader that runs stops for its successor, once: what it has is there, it takes nothing more, and whoever comes
// after, or goes by another name, is refused and changes nothing.
func TestALeaderIsSucceededOnce(t *testing.T) {
	t.Parallel()
	l := copies{served.Start(t, nouns), t, t.TempDir()}
	l.Done("bank", "admit", "Halyk")
	url, _, err := datadir.Announced(l.Dir)
	if err != nil {
		t.Fatal(err)
	}
	key := filepath.Join(l.Dir, "keys", "log.secret")
	for _, name := range []string{"first", "second"} {
		clitest.Run(t, clitest.Nouns{nodecmd.NewFollowCommand}, "follow", url, "--once", "--data", l.at(name)).Wants(t, 0)
	}
	l.Done("issue", "Halyk", "10000") // which the followers have not heard of
	// What could not serve takes nothing over.
	for says, flags := range map[string][]string{
		"loopback only":  {"--listen", "0.0.0.0:0"},
		"aqsha tls init": {"--tls", "self"},
		"want self":      {"--tls", "magic"},
		"--log-level":    {"--log-level", "loud"},
		"not an epoch":   {"--instead-of", "x"},
		"--log-key":      {"--log-key", l.at("none")},
	} {
		line := append([]string{"switchover", "--log-key", key, "--listen", "127.0.0.1:0"}, flags...)
		if e := l.on("first", line...); e.Exit == 0 || !strings.Contains(e.Err, says) {
			t.Errorf("%v: exit %d, %s", flags, e.Exit, e.Err)
		}
	}
	l.Done("issue", "Halyk", "1") // it leads still
	var p Promotion
	l.on("first", "promote", "--log-key", key, "--ask", url, "--json").JSON(t, &p)
	if p.Epoch != 1 || p.Lost != 0 || p.Acks != 0 || len(p.Reported) != 1 || p.Reported[0] != url || len(p.Untold) != 0 ||
		len(p.Asked) != 1 || p.Asked[0].URL != url || p.Size < p.Asked[0].Size {
		t.Errorf("%+v", p)
	}
	if _, err := os.Stat(p.Proof); err != nil {
		t.Error(err)
	}
	if e := l.Run("issue", "Halyk", "1"); e.Exit == 0 {
		t.Errorf("two lead: %s", e.Out)
	}
	before := content(t, l.at("second"), datadir.ConfigFile)
	e := l.on("second", "promote", "--log-key", key)
	if e.Exit != 3 || !strings.Contains(e.Err, "another node leads since epoch 1") ||
		content(t, l.at("second"), datadir.ConfigFile) != before {
		t.Errorf("exit %d, %s", e.Exit, e.Err)
	}
	if _, err := os.Stat(filepath.Join(l.at("second"), "keys", "log.secret")); err == nil {
		t.Error("who was refused keeps the log's key")
	}
	l.on("first", "promote", "--log-key", key).Wants(t, 2, "leader's already")
	if c, err := datadir.ReadConfig(l.at("first")); err != nil || c.Leader != "" || !slices.Equal(c.Peers, []string{url}) {
		t.Errorf("%+v, %v", c, err)
	}
}
