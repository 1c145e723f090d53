package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/internal/cli/copycmd"
	"github.com/aqsha/aqsha/internal/cli/datadir"
	"github.com/aqsha/aqsha/internal/cli/nodecmd"
	"github.com/aqsha/aqsha/internal/cli/statuscmd"
)

// A node that answers a refusal is there: it is named with what it wants, and neither counts as gone nor as a leader.
func TestANodeThatRefusesIsThere(t *testing.T) {
	t.Parallel()
	g := newGroup(t, 1)
	g.comes("both follow", g.leader.url, func(h api.Health) bool {
		return h.Followers[0].Connected && h.Followers[1].Connected
	})
	g.acquainted()
	target, err := url.Parse(g.leader.url)
	if err != nil {
		t.Fatal(err)
	}
	var status atomic.Int32
	through := httputil.NewSingleHostReverseProxy(target)
	gate := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s := int(status.Load()); s != 0 && (r.URL.Path == "/health" || r.URL.Path == "/v1/fence") {
			w.WriteHeader(s)
			return
		}
		through.ServeHTTP(w, r)
	}))
	defer gate.Close()
	for want, code := range map[string]int32{"busy": http.StatusTooManyRequests, "no-access": http.StatusUnauthorized,
		"refused": http.StatusTeapot, "ok": 0} {
		status.Store(code)
		var group statuscmd.GroupStatus
		out, _ := aqsha("status", "--json", gate.URL, g.follows[0].url, g.follows[1].url).Output()
		if err := json.Unmarshal(out, &group); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		unwell := strings.Join(group.Unwell, "; ")
		for _, m := range group.Members {
			if m.URL != gate.URL {
				continue
			}
			if m.Status != want || want != "ok" && (m.Role != statuscmd.RoleUnknown || m.Height != nil ||
				m.Lag != nil) {
				t.Errorf("%s: %+v", want, m)
			}
		}
		if leads := want == "ok"; leads != (group.Leader == gate.URL) || leads != (unwell == "") ||
			strings.Contains(unwell, "0 of") || !leads && !strings.Contains(unwell, "did not say") {
			t.Errorf("%s: %s", want, unwell)
		}
	}
	status.Store(0)
	promotesWithAccess(t, g)
}

// promotesWithAccess has a follower promoted while another, whose promise is needed, answers accesses of its own only.
func promotesWithAccess(t *testing.T, g *group) {
	t.Helper()
	logKey := filepath.Join(g.path("a"), "keys", "log.secret")
	g.follows[1].stop(t)
	edit(t, g.path("c"), func(c *datadir.Config) { c.Development = false })
	access := strings.TrimSpace(run1Out(t, "access", "new", "operator", "--role", "auditor", "--data", g.path("c"),
		"--json"))
	var made struct {
		Token string `json:"token"`
	}
	if err := json.Unmarshal([]byte(access), &made); err != nil || made.Token == "" {
		t.Fatalf("%v: %s", err, access)
	}
	g.follows[1] = serves(t, "follow", "--data", g.path("c"), "--listen",
		strings.TrimPrefix(g.follows[1].url, "http://"))
	run1(t, "pay", "bank", "shop", "5", "--data", g.path("a"))
	g.leader.kill()
	g.follows[0].stop(t)
	out, err := aqsha("promote", "--data", g.path("b"), "--log-key", logKey).CombinedOutput()
	for _, want := range []string{"would-lose", g.follows[1].url +
		" answers only with an access of the role auditor or authority", "--access", "nothing was changed",
		g.leader.url + " does not answer: connection refused"} {
		if err == nil || !strings.Contains(string(out), want) {
			t.Errorf("want %q: %v\n%s", want, err, out)
		}
	}
	for _, inside := range []string{"dial tcp", "Get \"", "Post \""} {
		if strings.Contains(string(out), inside) {
			t.Errorf("the error speaks of Go: %s", out)
		}
	}
	var p copycmd.Promotion
	if err := json.Unmarshal([]byte(run1Out(t, "promote", "--data", g.path("b"), "--log-key", logKey, "--access",
		made.Token, "--json")), &p); err != nil || len(p.Promised) != 2 || p.Accesses == nil {
		t.Errorf("%+v, %v", p, err)
	}
}

// A switchover serves with TLS as it is told, and takes nothing over that it could not serve.
func TestASwitchoverServesWithTLS(t *testing.T) {
	t.Parallel()
	g := newGroup(t, 1)
	g.comes("both follow", g.leader.url, func(h api.Health) bool {
		return h.Followers[0].Connected && h.Followers[1].Connected
	})
	g.acquainted()
	g.follows[0].stop(t)
	logKey := filepath.Join(g.path("a"), "keys", "log.secret")
	for _, args := range [][]string{{"--tls", "self"}, {"--tls", "files"}, {"--listen", "0.0.0.0:0"},
		{"--listen", strings.TrimPrefix(g.leader.url, "http://")}} {
		out, err := aqsha(append([]string{"switchover", "--data", g.path("b"), "--log-key", logKey},
			args...)...).CombinedOutput()
		if err == nil || !strings.Contains(string(out), "nothing was changed") {
			t.Errorf("%v: %v\n%s", args, err, out)
		}
	}
	if epoch := promisedAt(t, g.leader.url); epoch != 0 {
		t.Errorf("the leader has promised epoch %d", epoch)
	}
	made := aqsha("tls", "init", "localhost", "127.0.0.1", "--data", g.path("b"))
	made.Env = append(os.Environ(), "AQSHA_PASSPHRASE=of the authority's key")
	if out, err := made.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	leader := servesLogged(t, g.path("switchover.log"), "switchover", "--data", g.path("b"), "--log-key", logKey,
		"--tls", "self", "--listen", "127.0.0.1:0")
	url := leader.url
	ca := filepath.Join(g.path("b"), nodecmd.TlsFolder, nodecmd.CaFile)
	if out, err := aqsha("status", url).CombinedOutput(); err == nil || !strings.Contains(string(out), "--ca") {
		t.Errorf("without its authority: %v\n%s", err, out)
	}
	// The other follower does not know the authority, and does not come: who leads is shown all the same.
	if out, _ := aqsha("status", url, "--ca", ca).CombinedOutput(); !strings.Contains(string(out), url+"  leader  1") {
		t.Errorf("over TLS: %s", out)
	}
}
