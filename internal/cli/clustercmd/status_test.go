package clustercmd

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/cluster/status"
	"github.com/aqsha/aqsha/internal/cli/clitest"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/words"
)

// A monitor reads the exit code: payments that wait are group-unwell, whatever the reason, after the whole is shown.
func TestAClusterInWhichPaymentsWait(t *testing.T) {
	t.Parallel()
	ordering := func(change func(s *status.Status)) string {
		s := status.Status{Member: "dala", Height: 9, Needed: 3, Reached: 4, Members: []status.Member{
			{Name: "central", Connected: true, Signed: true}, {Name: "dala", Self: true, Signed: true},
			{Name: "tulpar\x1b[2J", Missed: 12}}}
		change(&s)
		content, err := json.Marshal(map[string]any{"cluster": s})
		if err != nil {
			t.Fatal(err)
		}
		return string(content)
	}
	long := int64(status.MaxSilent + 1)
	for name, c := range map[string]struct {
		answer string
		exit   int
		says   string
	}{
		"well":                    {ordering(func(*status.Status) {}), 0, "dala"},
		"quiet, and not for long": {ordering(func(s *status.Status) { s.Silent = status.MaxPause; s.Reached = 1 }), 0, ""},
		"too few, for longer than blocks take": {ordering(func(s *status.Status) {
			s.Silent, s.Reached = status.MaxPause+1, 2
		}), 3, "2 of 3, and 3 are needed; away: tulpar"},
		"too few":                  {ordering(func(s *status.Status) { s.Silent, s.Reached = long, 2 }), 3, "too few"},
		"enough, and no block":     {ordering(func(s *status.Status) { s.Silent = long }), 3, "agreed on no block"},
		"it fetches":               {ordering(func(s *status.Status) { s.CatchingUp = true }), 3, "fetches"},
		"it has stopped":           {ordering(func(s *status.Status) { s.Stopped = "disk" }), 3, "disk"},
		"one that orders alone":    {`{"cluster": null}`, 2, "orders alone"},
		"nothing that can be read": {`<html>`, 1, ""},
		"a list":                   {`[]`, 1, ""},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			if r.URL.Path == "/v1/cluster" {
				_, _ = w.Write([]byte(c.answer))
				return
			}
			_, _ = w.Write([]byte("{}"))
		}))
		line := []string{"cluster", "status", "--data", filepath.Join(t.TempDir(), "none"), "--node", server.URL}
		e := clitest.Run(t, nouns, line...)
		asJSON := clitest.Run(t, nouns, append(line, "--json")...)
		server.Close()
		if e.Exit != c.exit || !strings.Contains(e.Out+e.Err, c.says) || strings.Contains(e.Out, "\x1b") {
			t.Errorf("%s: exit %d, want %d, %q in\n%s%s", name, e.Exit, c.exit, c.says, e.Out, e.Err)
		}
		if c.exit == 0 || c.exit == 3 {
			var seen status.Status
			if err := json.Unmarshal([]byte(asJSON.Out), &seen); err != nil || len(seen.Members) != 3 ||
				!strings.Contains(e.Out, "tulpar") {
				t.Errorf("%s: not everything is shown: %v\n%s%s", name, err, e.Out, asJSON.Out)
			}
		}
		if code := ""; c.exit == 3 {
			if code, _ = asJSON.Code(t); code != "group-unwell" {
				t.Errorf("%s: %s", name, code)
			}
		}
	}
}

// A fault is shown by who signed twice, where, and by which the proof is known; a proof that is not here is not named.
func TestFaultsAreShown(t *testing.T) {
	t.Parallel()
	seen := &status.Status{Member: "a", Members: []status.Member{{Name: "a", Self: true}}, Faults: []status.Fault{
		{Height: 7, Member: "b\x1b[1m", Kind: "votes", Proof: []byte("proof")}, {Height: 8, Member: "c", Kind: "votes"}}}
	var out bytes.Buffer
	describeCluster(&out, words.English, seen)
	evidence := seen.Faults[0].Evidence()
	if len(evidence) != 16 || !strings.Contains(out.String(), evidence) || !strings.Contains(out.String(), "7") ||
		seen.Faults[1].Evidence() != "" || strings.Contains(out.String(), "\x1b[1m") {
		t.Errorf("%q, %s", evidence, &out)
	}
}

// What is changed is said by the node that is asked: who the validators are, from the ledger, or where none were set
// yet from the cluster's genesis; a node that says rubbish of them has nothing signed.
func TestWhoTheValidatorsAreIsAsked(t *testing.T) {
	t.Parallel()
	key := func(b byte) (k token.PublicKey) { k[0], k[1] = 1, b; return k }
	member := func(name string, b byte) status.Member {
		return status.Member{Name: name, Vote: key(b), Checkpoint: key(b + 100), Peer: strings.Repeat("0", 38) + "0" +
			string('0'+rune(b)), Connected: true}
	}
	two := []status.Member{member("a", 1), member("b", 2)}
	bad := []status.Member{two[0], {Name: "b", Vote: key(2), Checkpoint: key(3), Peer: "zz"}}
	all, err := membersOf(two)
	if err != nil || len(all) != 2 || all[1].Name != "b" || all[1].Vote != key(2) || all[1].Checkpoint != key(102) ||
		all[0].Peer == all[1].Peer {
		t.Errorf("%+v, %v", all, err)
	}
	if _, err := membersOf(bad); err == nil || !strings.Contains(err.Error(), "validator b") {
		t.Errorf("%v", err)
	}
	changing := func(members []status.Member, set []token.Validator) string {
		var authority api.AuthorityView
		authority.Validators.Members = set
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			switch r.URL.Path {
			case "/v1/authority":
				_ = json.NewEncoder(w).Encode(authority)
			case "/v1/cluster":
				_ = json.NewEncoder(w).Encode(map[string]any{"cluster": status.Status{Members: members}})
			default:
				_, _ = w.Write([]byte("{}"))
			}
		}))
		defer server.Close()
		e := clitest.Run(t, nouns, "cluster", "remove", "nobody", "--data", filepath.Join(t.TempDir(), "none"), "--node",
			server.URL)
		if e.Exit == 0 || e.Out != "" {
			t.Errorf("exit %d, %s", e.Exit, e.Out)
		}
		return e.Err
	}
	for name, c := range map[string]struct {
		members []status.Member
		set     []token.Validator
		says    string
	}{
		"of the genesis":          {two, nil, "nobody is no validator: a, b"},
		"that were set":           {two, all[1:], "nobody is no validator: b"},
		"of the genesis, rubbish": {bad, nil, "validator b"},
		"rubbish beside the set":  {bad, all[:1], "nobody is no validator: a"},
	} {
		if said := changing(c.members, c.set); !strings.Contains(said, c.says) {
			t.Errorf("%s: want %q in %s", name, c.says, said)
		}
	}
}
