package miningcmd

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/internal/cli/clitest"
)

// administered is a socket behind which a pool answers by a handler.
func administered(t *testing.T, answer http.HandlerFunc) (socket string) {
	t.Helper()
	socket = filepath.Join(t.TempDir(), "s")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Skip("the test's directory has too long a name for a socket: ", err)
	}
	server := &http.Server{Handler: answer}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	return socket
}

// says is a pool that answers every request with the same.
func says(status int, text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, text)
	}
}

// actions are a line of every command of the administration, by whether it changes something.
var actions = map[bool][][]string{
	false: {{"status"}, {"workers"}, {"bans"}, {"recover"}},
	true: {{"kick", "--worker", "a"}, {"message", "hello"}, {"reconnect", "--everybody"}, {"ban", "203.0.113.7"},
		{"exempt", "10.0.0.0/8"}, {"payouts", "pause"}, {"payouts", "resume"}, {"override", "3", "--reason", "r"},
		{"recover", "--reason", "r"}, {"recover", "--aside", strings.Repeat("0", 64), "--reason", "r"}, {"fee", "1.5"},
		{"drain"}, {"drain", "--remove"}},
}

// Whatever answers at a pool's socket, the command ends with the code that is true of it: what was to change something
// and had no answer that can be understood may have been done; a question was not answered. None ends the program.
func TestWhateverAnswersAtAPoolsSocket(t *testing.T) {
	for name, c := range map[string]struct {
		answer       http.HandlerFunc
		read, change int
	}{
		"refuses":                {says(http.StatusUnprocessableEntity, `{"title":"no","code":"nobody"}`), 3, 3},
		"forbids":                {says(http.StatusForbidden, `{"title":"no","code":"wrong-role"}`), 3, 3},
		"refuses without a code": {says(http.StatusUnprocessableEntity, `{"title":"no"}`), 1, 1},
		"refuses as a proxy":     {says(http.StatusBadRequest, "<html>"), 1, 1},
		"a torn answer":          {says(http.StatusOK, `{"connections":`), 1, 4},
		"another form":           {says(http.StatusOK, `{"connections":"many","pool":7}`), 1, 4},
		"a list":                 {says(http.StatusOK, `[]`), 1, 4},
		"hangs up":               {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, 1, 4},
	} {
		socket := administered(t, c.answer)
		for changes, want := range map[bool]int{false: c.read, true: c.change} {
			for _, line := range actions[changes] {
				e := run(t, append([]string{"pool", "admin", "--socket", socket}, line...)...)
				if e.Exit != want || e.Out != "" {
					t.Errorf("%s: %v: exit %d, want %d\n%s%s", name, line, e.Exit, want, e.Out, e.Err)
				}
			}
		}
	}
	for _, list := range actions {
		for _, line := range list {
			run(t, append([]string{"pool", "admin", "--data", t.TempDir()}, line...)...).Wants(t, 5)
		}
	}
}

// A pool of another version leaves figures out: what needs them says so, and of what was changed that it is not known.
func TestAnswersWithoutFigures(t *testing.T) {
	socket := administered(t, says(http.StatusOK, "{}"))
	for want, lines := range map[int][][]string{
		1: {{"status"}, {"recover"}},
		4: {{"fee", "1"}, {"override", "3", "--reason", "r"}, {"recover", "--reason", "r"}},
		0: {{"workers"}, {"bans"}, {"kick", "--everybody"}, {"payouts", "pause"}, {"drain"}},
	} {
		for _, line := range lines {
			for _, more := range [][]string{nil, {"--json"}} {
				run(t, slices.Concat([]string{"pool", "admin", "--socket", socket}, line, more)...).Wants(t, want)
			}
		}
	}
}

// What is typed wrongly is not sent; what is sent is what was typed, and nothing else.
func TestWhatTheAdministrationIsSent(t *testing.T) {
	var path string
	var got map[string]any
	sent := 0
	socket := administered(t, func(w http.ResponseWriter, r *http.Request) {
		sent++
		path, got = r.URL.Path, map[string]any{}
		if err := json.NewDecoder(r.Body).Decode(&got); err != nil {
			t.Error(err)
		}
		_, _ = io.WriteString(w, `{"pool":{}}`)
	})
	admin := func(line ...string) clitest.Ended {
		return run(t, append([]string{"pool", "admin", "--socket", socket}, line...)...)
	}
	for says, line := range map[string][]string{
		"--limit 0": {"workers", "--limit", "0"}, "--limit 10001": {"workers", "--limit", "10001"},
		"go together": {"reconnect", "--host", "h"}, "together": {"reconnect", "--port", "3"},
		"--port -1": {"reconnect", "--host", "h", "--port", "-1"}, "--port 65536": {"reconnect", "--host", "h", "--port", "65536"},
		"want pause": {"payouts", "stop"}, `entry "x"`: {"override", "x"}, `entry "-1"`: {"override", "--", "-1"},
		"--last 2": {"override", "3", "--last", "2", "--reason", "r"}, "fee \"NaN\"": {"fee", "NaN"},
		"100.1": {"fee", "100.1"}, "fee \"-1\"": {"fee", "--", "-1"}, "--at": {"fee", "1", "--at", "tomorrow"},
		"--seconds 0": {"drain", "--seconds", "0"}, "--seconds 3601": {"drain", "--seconds", "3601"},
		"address": {"ban", "somebody"}, "network": {"exempt", "10.0.0.0/99"}, "--aside": {"recover", "--aside", "00ff", "--reason", "r"},
		"whom": {"kick"}, "whom?": {"reconnect"}, "text": {"message", ""},
	} {
		admin(line...).Wants(t, 2, says)
	}
	if sent != 0 {
		t.Fatalf("%d wrong lines were sent", sent)
	}
	for _, c := range []struct {
		line []string
		path string
		want map[string]any
	}{
		{[]string{"kick", "--worker", "a.b"}, "/kick", map[string]any{"worker": "a.b"}},
		{[]string{"kick", "--everybody"}, "/kick", map[string]any{"everybody": true}},
		{[]string{"ban", "203.0.113.7", "--remove"}, "/ban", map[string]any{"address": "203.0.113.7", "remove": true}},
		{[]string{"override", "3"}, "/override", map[string]any{"first": 3.0, "last": 3.0}},
		{[]string{"override", "3", "--last", "5", "--reason", "r"}, "/override", map[string]any{"first": 3.0, "last": 5.0, "text": "r"}},
		{[]string{"fee", "0"}, "/fee", map[string]any{}},
		{[]string{"fee", "2.5", "--at", "2026-12-24T00:00:00Z"}, "/fee", map[string]any{"percent": 2.5, "at": "2026-12-24T00:00:00Z"}},
		{[]string{"payouts", "pause"}, "/payouts", map[string]any{"pause": true}},
		{[]string{"payouts", "resume"}, "/payouts", map[string]any{}},
		{[]string{"drain", "--seconds", "60"}, "/drain", map[string]any{"seconds": 60.0}},
		{[]string{"reconnect", "--worker", "a", "--host", "h", "--port", "3"}, "/reconnect", map[string]any{"worker": "a", "host": "h", "port": 3.0}},
	} {
		admin(c.line...).Wants(t, 0)
		if path != c.path || len(got) != len(c.want) {
			t.Errorf("%v: %s %v", c.line, path, got)
		}
		for field, value := range c.want {
			if got[field] != value {
				t.Errorf("%v: %s %v, want %v", c.line, path, got, c.want)
			}
		}
	}
}

// What a pool lists of strangers is shown in the same order each time, without their control characters; as JSON it is
// the pool's answer.
func TestWhatAPoolListsOfStrangers(t *testing.T) {
	socket := administered(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, map[string]string{
			"/bans": `{"bans":{"203.0.113.9":"2026-11-30T00:00:00Z","203.0.113.10":"2026-11-30T01:00:00Z","10.0.0.1":"2026-11-30T02:00:00Z",
				"2001:db8::1":"2026-11-30T03:00:00Z"}}`,
			"/sessions": `{"connections":1,"sessions":[{"address":"10.0.0.1","worker":"a\u001b[2Jb","agent":"x\r\ny","difficulty":2}]}`,
			"/status": `{"pool":{"accepted":5,"rejected":2,"payments_stopped":"entry 7\u001b[31m","next_fee_percent":3,
				"next_fee_at":"2026-12-24T00:00:00Z","halted":true}}`,
		}[r.URL.Path])
	})
	first := run(t, "pool", "admin", "bans", "--socket", socket).Wants(t, 0).Out
	for range 20 {
		if again := run(t, "pool", "admin", "bans", "--socket", socket).Out; again != first {
			t.Fatalf("%s\n%s", first, again)
		}
	}
	lines := strings.Split(first, "\n")
	if len(lines) != 5 || !strings.HasPrefix(lines[0], "10.0.0.1") || !strings.HasPrefix(lines[1], "203.0.113.9 ") || !strings.HasPrefix(lines[3], "2001:") {
		t.Error(first)
	}
	for _, line := range []string{"workers", "status"} {
		if e := run(t, "pool", "admin", line, "--socket", socket); strings.ContainsAny(e.Out, "\x1b\r") || e.Exit != 0 {
			t.Errorf("%q %s", e.Out, e.Err)
		}
	}
	run(t, "pool", "admin", "status", "--socket", socket).Wants(t, 0, "entry 7", "2026-12-24T00:00:00Z", "5 shares accepted")
	var answer struct{ Sessions []struct{ Worker string } }
	run(t, "pool", "admin", "workers", "--socket", socket, "--json").JSON(t, &answer)
	if len(answer.Sessions) != 1 || answer.Sessions[0].Worker != "a\x1b[2Jb" {
		t.Errorf("%+v", answer)
	}
}
