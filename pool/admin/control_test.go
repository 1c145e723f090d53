package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aqsha/aqsha/pool"
	"github.com/aqsha/aqsha/pool/handover"
)

// ask sends a request's text to the administration of a pool that does nothing, as an admin.
func ask(t *testing.T, action, body string) (code int, text string) {
	t.Helper()
	c := &Control{Pool: &pool.Pool{}}
	request := httptest.NewRequest(http.MethodPost, "/"+action, strings.NewReader(body))
	answer := httptest.NewRecorder()
	c.handler().ServeHTTP(answer, request.WithContext(context.WithValue(t.Context(), roleKey{}, RoleAdmin)))
	return answer.Code, answer.Body.String()
}

// What is asked wrongly is refused with the field that is wrong, before the pool is touched: this one would panic.
func TestRequestsAreChecked(t *testing.T) {
	for _, c := range []struct{ action, body, code, says string }{
		{"kick", `{}`, "refused", "whom?"},
		{"reconnect", `{"host":"other.example"}`, "refused", "whom?"},
		{"ban", `{"address":"somebody"}`, "refused", "address"},
		{"exempt", `{"network":"10.0.0.0/99"}`, "refused", "network"},
		{"exempt", `{}`, "refused", "network"},
		{"sessions", `{"limit":10001}`, "", "limit"},
		{"sessions", `{"limit":-1}`, "", "limit"},
		{"fee", `{"percent":100.5}`, "", "fee"},
		{"fee", `{"percent":-1}`, "", "fee"},
		{"fee", `{"percent":1,"at":"tomorrow"}`, "refused", "2026-12-24T00:00:00Z"},
		{"drain", `{"seconds":3601}`, "", "seconds"},
		{"drain", `{"seconds":-1}`, "", "seconds"},
		{"recover", `{"aside":["00ff"]}`, "refused", "aside"},
		{"kick", `{"everyone":true}`, "bad-request", "everyone"},
		{"kick", `everybody`, "bad-request", ""},
		{"message", `{"text":"` + strings.Repeat("a", maxControlBody) + `"}`, "bad-request", "too large"},
	} {
		code, text := ask(t, c.action, c.body)
		want := http.StatusUnprocessableEntity
		if c.code == "bad-request" {
			want = http.StatusBadRequest
		}
		if code != want || !strings.Contains(text, c.code) || !strings.Contains(text, c.says) {
			t.Errorf("%s %.60s: %d %s", c.action, c.body, code, text)
		}
	}
	if code, _ := ask(t, "shutdown", `{}`); code != http.StatusNotFound {
		t.Errorf("an action that is none: %d", code)
	}
}

func TestNetworks(t *testing.T) {
	for text, want := range map[string]string{"10.1.2.3": "10.1.2.3/32", "10.1.2.3/8": "10.0.0.0/8", "2001:db8::1": "2001:db8::1/128",
		"::ffff:10.1.2.3": "10.1.2.3/32", "2001:db8::1/32": "2001:db8::/32"} {
		if got, err := ParseNetwork(text); err != nil || got.String() != want {
			t.Errorf("%s is %s, want %s (%v)", text, got, want, err)
		}
	}
}

// The socket is its owner's alone, or open to all where groups have roles, and replaces one that a run left behind.
func TestTheSocketsMode(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		groups map[string]Role
		want   os.FileMode
	}{{nil, 0o600}, {map[string]Role{"operators": RoleSupport}, 0o666}} {
		listener, err := (&Control{Groups: c.groups}).Listen(path)
		if err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != c.want || info.Mode()&os.ModeSocket == 0 {
			t.Errorf("groups %v: %v (%v)", c.groups, info.Mode(), err)
		}
		listener.Close()
	}
}

// Members of a group have its role, the greatest of several; whom the machine does not know has none.
func TestRolesOfGroups(t *testing.T) {
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	ids, err := me.GroupIds()
	if err != nil || len(ids) == 0 {
		t.Skipf("no groups: %v", err)
	}
	group, err := user.LookupGroupId(ids[0])
	if err != nil {
		t.Skipf("the group has no name: %v", err)
	}
	c := &Control{Groups: map[string]Role{group.Name: RoleSupport, "no-such-group": RoleAdmin}}
	if role := c.roleOfUser(me.Uid); role != RoleSupport {
		t.Errorf("a member is %s", role)
	}
	if role := c.roleOfUser("4294967294"); role != RoleNone {
		t.Errorf("a stranger is %s", role)
	}
}

// dialPool opens a connection to the administration as a successor does.
func dialPool(t *testing.T, path string) net.Conn {
	t.Helper()
	conn, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil { // nobody waits for ever for what is wrong
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, "POST /handover HTTP/1.1\r\nHost: pool\r\nContent-Length: 0\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	return conn
}

// The process at the other end of the socket is known from the kernel: this one is the pool's own user. Its connection is
// handed on when it says that it is ready, to one successor at a time.
func TestASuccessorIsHandedOn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	successors := make(chan *net.UnixConn, 1)
	c := &Control{Pool: &pool.Pool{}, Successors: successors}
	listener, err := c.Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- c.Serve(ctx, listener) }()
	defer func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()

	answer := make([]byte, 512)
	first := dialPool(t, path)
	n, err := first.Read(answer)
	if err != nil || !bytes.HasPrefix(answer[:n], []byte("HTTP/1.1 101 ")) {
		t.Fatalf("%q %v", answer[:n], err)
	}
	if len(successors) != 0 {
		t.Error("handed on before it said that it is ready")
	}
	if _, err := first.Write([]byte{handover.GoAhead}); err != nil {
		t.Fatal(err)
	}
	taken := <-successors
	defer taken.Close()

	wrong := dialPool(t, path)
	if _, err := wrong.Read(answer); err != nil {
		t.Fatal(err)
	}
	if _, err := wrong.Write([]byte{handover.GoAhead + 1}); err != nil {
		t.Fatal(err)
	}
	if n, err := wrong.Read(answer); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("another word is answered with %q, or waited for (%v)", answer[:n], err)
	}

	c.Successors <- nil // one is being served
	second := dialPool(t, path)
	if _, err := second.Read(answer); err != nil {
		t.Fatal(err)
	}
	if _, err := second.Write([]byte{handover.GoAhead}); err != nil {
		t.Fatal(err)
	}
	if n, err := second.Read(answer); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a second successor is answered with %q, or waited for (%v)", answer[:n], err)
	}
}

// A pool that is to be replaced by nobody refuses a successor, and so does any for a role below its owner's.
func TestNoSuccessor(t *testing.T) {
	successors := make(chan *net.UnixConn, 1)
	for name, c := range map[string]struct {
		control Control
		role    Role
	}{"admin": {Control{Successors: successors}, RoleAdmin}, "nobody waits": {Control{}, RoleOwner}} {
		request := httptest.NewRequest(http.MethodPost, "/handover", nil)
		answer := httptest.NewRecorder()
		c.control.handler().ServeHTTP(answer, request.WithContext(context.WithValue(t.Context(), roleKey{}, c.role)))
		var problem struct{ Code string }
		if err := json.Unmarshal(answer.Body.Bytes(), &problem); err != nil || answer.Code != http.StatusForbidden ||
			problem.Code != "wrong-role" {
			t.Errorf("%s: %d %s", name, answer.Code, answer.Body)
		}
	}
}
