package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/api/backups"
)

// A wallet's phone lays a box down, reads it, replaces the version that it knows and no newer one, and takes it away;
// it outlives the process. Who else may read the wallet gets nothing of it.
func TestAWalletsBackupIsItsOwn(t *testing.T) {
	w := newTown(t, api.Options{})
	dir := t.TempDir()
	serve := func() {
		w.server = api.New(w.node, api.Options{Origins: []string{w.http.URL}, Dir: dir})
		w.http.Config.Handler = checked(t, w.server)
		t.Cleanup(func() { _ = w.server.Close() })
	}
	serve()
	path := "/v1/wallets/" + w.alice.String() + "/backup"
	enter := func() string {
		s, status, body := w.signIn(t, w.answerTo(t, w.challenge(t, w.alice), w.alice, "alice", w.http.URL))
		if status != http.StatusOK {
			t.Fatal(body)
		}
		return s.Token
	}
	own := enter()
	put := func(after int, sealed, access string) (int, string) {
		status, _, body := w.call(t, "PUT", path, "application/json", access,
			fmt.Appendf(nil, `{"after":%d,"sealed":%q}`, after, sealed))
		return status, string(body)
	}
	// A page says which version it knows: that there is none, or no newer one, is no refusal then.
	known := func(version, want string) {
		t.Helper()
		if status, _, body := w.call(t, "GET", path+"?known="+version, "", own, nil); status != 200 ||
			!strings.Contains(string(body), want) {
			t.Errorf("who knows %s: %d %s, want %s", version, status, body, want)
		}
	}
	w.problem(t, "GET", path, "", own, nil, http.StatusNotFound, "not-found")
	known("0", `{"version":0,"changed_millis":0,"sealed":""}`)
	known("3", `{"version":0,"changed_millis":0,"sealed":""}`)
	w.problem(t, "GET", path+"?known=-1", "", own, nil, http.StatusUnprocessableEntity, "invalid-request")
	if status, body := put(0, "AQID", own); status != 200 || !strings.Contains(body, `"version":1`) {
		t.Fatalf("%d %s", status, body)
	}
	known("0", `"sealed":"AQID"`)
	known("1", `"sealed":""`)
	if status, body := put(0, "AQIDBA==", own); status != 409 || !strings.Contains(body, "stale-version") {
		t.Errorf("an older page: %d %s", status, body)
	}
	large := strings.Repeat("AAAA", backups.MaxBytes/3+1)
	if status, body := put(1, large, own); status != 413 || !strings.Contains(body, "too-large") {
		t.Errorf("too much: %d %.200s", status, body)
	}
	if status, body := put(1, "no base64", own); status != 422 || !strings.Contains(body, "sealed") {
		t.Errorf("no base64: %d %.200s", status, body)
	}
	till := w.delegate(t, w.alice, "alice", "till").Token
	for _, access := range []string{till, ""} {
		if status, _ := put(1, "AQID", access); status != 403 && status != 401 {
			t.Errorf("put by %q: %d", access, status)
		}
	}
	w.problem(t, "GET", path, "", till, nil, http.StatusForbidden, "forbidden")
	serve() // another process
	own = enter()
	status, _, body := w.call(t, "GET", path, "", own, nil)
	var b api.BackupView
	err := json.Unmarshal(body, &b)
	if status != 200 || err != nil || string(b.Sealed) != "\x01\x02\x03" || b.Version != 1 {
		t.Errorf("after a restart: %d %s", status, body)
	}
	for n := range backups.Burst {
		if status, body := put(n+1, "AQID", own); status != 200 {
			t.Fatalf("change %d: %d %s", n, status, body)
		}
	}
	status, header, body := w.call(t, "PUT", path, "application/json", own, []byte(`{"after":21,"sealed":"AQID"}`))
	if status != 429 || !strings.Contains(string(body), "overloaded") {
		t.Errorf("too often: %d %v %s", status, header, body)
	}
	if status, _, body := w.call(t, "DELETE", path, "", own, nil); status != 204 {
		t.Errorf("%d %s", status, body)
	}
	w.problem(t, "GET", path, "", own, nil, http.StatusNotFound, "not-found")
}
