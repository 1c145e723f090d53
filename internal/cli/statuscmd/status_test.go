package statuscmd

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/cluster/status"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/words"
)

// answers is what somebody answers to whoever asks how a node is; raw, if set, instead of everything.
type answers struct {
	raw      string
	code     int // HTTP status instead of everything
	network  token.NetworkID
	logKey   string
	size     uint64
	health   api.Health
	fence    []byte
	instance string
	cluster  *status.Status
}

func (a answers) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if a.instance != "" {
		w.Header().Set(api.InstanceHeader, a.instance)
	}
	var body any
	switch {
	case a.code != 0:
		w.WriteHeader(a.code)
		return
	case a.raw != "":
		_, _ = w.Write([]byte(a.raw))
		return
	case r.URL.Path == "/v1/network":
		body = api.Network{Network: a.network, Name: "tenge\x1b[2J", LogKey: a.logKey, Head: node.Head{Size: a.size}}
	case r.URL.Path == "/health":
		body = a.health
	case r.URL.Path == "/v1/cluster" && a.cluster != nil:
		body = api.Ordering{Orders: "cluster", Cluster: a.cluster}
	case r.URL.Path == "/v1/followers":
		body = api.Members{Acks: 1}
	case r.URL.Path == "/v1/fence":
		_, _ = w.Write(a.fence)
		return
	case r.URL.Path == "/v1/promises":
		return
	default:
		w.WriteHeader(http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(body)
}

// statusWorld makes answers of nodes of one network.
type statusWorld struct {
	t       *testing.T
	network token.NetworkID
	logKey  string
	signer  note.Signer
}

func newStatusWorld(t *testing.T, network byte) *statusWorld {
	t.Helper()
	secret, public, err := note.GenerateKey(nil, "tenge")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(secret)
	if err != nil {
		t.Fatal(err)
	}
	return &statusWorld{t, token.NetworkID{network}, public, signer}
}

func (w *statusWorld) fence(epoch uint64) []byte {
	w.t.Helper()
	if epoch == 0 {
		return nil
	}
	signed, err := note.Sign(&note.Note{Text: node.Fence{Network: w.network, Epoch: epoch, Size: 9,
		Leader: "word"}.Text()}, w.signer)
	if err != nil {
		w.t.Fatal(err)
	}
	return signed
}

// leader is one that serves, changed.
func (w *statusWorld) leader(epoch uint64, change func(a *answers)) answers {
	height := uint64(8)
	a := answers{network: w.network, logKey: w.logKey, size: 9, fence: w.fence(epoch), instance: "run of the leader",
		health: api.Health{Status: "ok", Ready: true, Height: &height, Role: node.StandsLeader, Version: "1"}}
	if change != nil {
		change(&a)
	}
	return a
}

func (w *statusWorld) follower(epoch uint64) answers {
	lag := uint64(0)
	return w.leader(epoch, func(a *answers) {
		a.health.Status, a.health.Ready, a.health.Role, a.instance = "following", false, node.StandsFollower,
			"run of a follower"
		a.health.Follows = &node.FollowState{Connected: true, Lag: &lag}
	})
}

// What is no node, what lies and what is odd: none makes a leader of what is none, or two of one, or prints what it
// likes.
func TestStatusOfOddAnswers(t *testing.T) {
	w, stranger := newStatusWorld(t, 1), newStatusWorld(t, 2)
	forger := newStatusWorld(t, 1) // of the same network, under a log key of its own
	waits := w.leader(0, func(a *answers) {
		a.health.Status, a.health.Ready, a.health.Height, a.health.Detail, a.size = "waiting", false, nil,
			"waiting for followers: 0 of 1", 1
	})
	fenced := func(role string) answers {
		return w.leader(1, func(a *answers) {
			a.health.Status, a.health.Ready, a.health.Role, a.health.Detail, a.instance = "read-only", false, role,
				"fenced", "run of the old one"
		})
	}
	validates := func(run string) func(a *answers) {
		return func(a *answers) { a.instance, a.cluster = run, &status.Status{Member: run} }
	}
	for name, c := range map[string]struct {
		nodes   []answers
		roles   []string // of each
		leads   int      // which one; -1 for nobody
		unwell  []string // what is said among other things
		well    bool     // nothing is
		unsaid  []string // what is neither said nor printed
		printed []string
	}{
		"a group as it should be": {nodes: []answers{w.leader(2, nil), w.follower(2)},
			roles: []string{"leader", "follower"}, well: true,
			unsaid: []string{"\x1b"}, printed: []string{"network " + w.network.String()}},
		"the same node under two names": {nodes: []answers{w.leader(1, nil), w.leader(1, nil)},
			roles: []string{"leader", "leader"}, well: true,
			printed: []string{"is the same node as"}},
		"two that lead": {nodes: []answers{w.leader(1, nil), w.leader(1, func(a *answers) {
			a.instance = "another run"
		})}, roles: []string{"leader", "leader"},
			leads: 1, unwell: []string{"2 of the nodes asked lead"}},
		"validators, of whom none leads": {nodes: []answers{w.leader(0, validates("run a")), w.leader(0, validates("run b"))},
			roles: []string{"leader", "leader"}, leads: 1, well: true},
		"a validator beside one that orders alone": {nodes: []answers{w.leader(0, nil), w.leader(0, validates("run b"))},
			roles: []string{"leader", "leader"}, leads: 1, unwell: []string{"2 of the nodes asked lead"}},
		"two that do not say which run they are": {nodes: []answers{w.leader(1, func(a *answers) {
			a.instance = ""
		}), w.leader(1, func(a *answers) { a.instance = "" })},
			roles: []string{"leader", "leader"}, leads: 1, unwell: []string{"2 of the nodes asked lead"}},
		"one that repeats another's run": {nodes: []answers{fenced(node.StandsReplaced), w.leader(1, func(a *answers) {
			a.instance = "run of the old one"
		})},
			roles: []string{"replaced", "leader"}, leads: 1, unwell: []string{"was replaced as the leader"}},
		"an empty object": {nodes: []answers{{raw: "{}"}}, roles: []string{"unknown"}, leads: -1,
			unwell: []string{"not as a node of a ledger does", "nobody is known to lead"},
			unsaid: []string{"network \n"}, printed: []string{"no-node", "None of the nodes asked said"}},
		"refusals": {nodes: []answers{{code: http.StatusTooManyRequests}, {code: http.StatusUnauthorized},
			{code: http.StatusForbidden}, {code: http.StatusTeapot}},
			roles: []string{"unknown", "unknown", "unknown", "unknown"}, leads: -1,
			unwell: []string{"is there and has too much to do", "answers only with an access",
				"does not let this access read everything", "4 of the nodes did not say"},
			printed: []string{"busy", "no-access", "refused"}, unsaid: []string{"unreachable"}},
		"a list, a page and a word": {nodes: []answers{{raw: "[]"}, {raw: "<!doctype html><title>Router</title>"},
			{raw: `"ok"`}}, roles: []string{"unknown", "unknown", "unknown"},
			leads: -1, unwell: []string{"3 of the nodes did not say"}},
		"a state that no node has": {nodes: []answers{w.leader(1, func(a *answers) {
			a.health.Status = "splendid\x1b[31m"
		})}, roles: []string{"unknown"}, leads: -1,
			unsaid: []string{"\x1b", "splendid"}},
		"a key that is none": {nodes: []answers{w.leader(1, func(a *answers) {
			a.logKey = "nonsense"
		})}, roles: []string{"unknown"}, leads: -1},
		"a leader that waits for its followers": {nodes: []answers{waits}, roles: []string{"leader"}, leads: -1,
			unwell:  []string{"leads and takes no payments: waiting: waiting for followers: 0 of 1"},
			printed: []string{"not known"}},
		"a replaced leader alone": {nodes: []answers{fenced(node.StandsReplaced)},
			roles: []string{"replaced"}, leads: -1, unwell: []string{"was replaced", "none of the nodes asked leads"}},
		"a replaced leader, which says not": {nodes: []answers{fenced(""), w.leader(1, nil)},
			roles: []string{"replaced", "leader"}, leads: 1, unwell: []string{"was replaced"}},
		"one that stopped": {nodes: []answers{fenced(node.StandsStopped)}, roles: []string{"stopped"}, leads: -1,
			unwell: []string{"has stopped: read-only: fenced"}},
		"an older epoch": {nodes: []answers{w.leader(0, nil), w.leader(1, func(a *answers) {
			a.instance = "another run"
		})}, roles: []string{"replaced", "leader"}, leads: 1,
			unwell: []string{"was replaced as the leader"}},
		"a stranger first": {nodes: []answers{stranger.leader(7, nil), w.leader(1, nil), w.follower(1)},
			roles: []string{"leader", "leader", "follower"}, leads: 1,
			unwell: []string{"is of another network, " + stranger.network.String()},
			unsaid: []string{"nodes asked lead"}},
		"a forger of the same network": {nodes: []answers{forger.leader(99, nil), w.leader(1, nil), w.follower(1)},
			roles: []string{"leader", "leader", "follower"}, leads: 1,
			unwell: []string{"shows another log key"}, unsaid: []string{"was replaced"}},
		"what moves the cursor": {nodes: []answers{w.leader(1, func(a *answers) {
			a.health.Version, a.health.Warnings = "1\x1b[2J", []string{"\x1b]0;owned\a"}
			a.health.Followers = []node.FollowerState{{Name: "one\x1b[1A"}}
		})}, roles: []string{"leader"}, unwell: []string{`does not hear one\x1b[1A`}, unsaid: []string{"\x1b", "\a"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			urls := make([]string, len(c.nodes))
			for i, n := range c.nodes {
				server := httptest.NewServer(n)
				defer server.Close()
				urls[i] = server.URL
			}
			g := queryGroup(t.Context(), urls, "")
			var printed strings.Builder
			g.describe(&printed, words.English)
			all := strings.Join(append(slices.Clone(g.Unwell), printed.String()), "\n")
			for i, m := range g.Members {
				if m.Role != c.roles[i] {
					t.Errorf("%d is %s, want %s: %+v", i, m.Role, c.roles[i], m)
				}
				if m.Height == nil && m.Size != 0 {
					t.Errorf("%d shows %d entries, and does not know how many", i, m.Size)
				}
			}
			want := ""
			if c.leads >= 0 {
				want = urls[c.leads]
			}
			if g.Leader != want || c.well != (len(g.Unwell) == 0) {
				t.Errorf("%q leads, want %q; %q", g.Leader, want, g.Unwell)
			}
			for _, text := range append(c.unwell, c.printed...) {
				if !strings.Contains(all, text) {
					t.Errorf("want %q:\n%s", text, all)
				}
			}
			for _, text := range c.unsaid {
				if strings.Contains(all, text) {
					t.Errorf("%q is said:\n%q", text, all)
				}
			}
			if encoded, err := json.Marshal(g); err != nil || strings.Contains(string(encoded), "\x1b") {
				t.Error(fmt.Sprint(err), string(encoded))
			}
		})
	}
}
