package farmcmd

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aqsha/aqsha/farm/records"
)

// answering is a farm elsewhere that answers as a test says; its texts are a stranger's.
func answering(t *testing.T, status int, answers map[string]string) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer aqsha-token" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		fmt.Fprint(w, answers[r.URL.Path])
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// silent is the URL of a farm whose machine is off.
func silent(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return "http://" + l.Addr().String()
}

// joins writes who is read from a folder: names with URLs, in this order.
func joins(t *testing.T, dir string, farms ...[2]string) {
	t.Helper()
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("aqsha-token\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	config := records.Defaults()
	for _, f := range farms {
		config.Joined = append(config.Joined, records.JoinedFarm{Name: f[0], URL: f[1], TokenFile: token})
	}
	if err := os.Remove(filepath.Join(dir, "farm.toml")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	if err := config.Write(dir); err != nil {
		t.Fatal(err)
	}
}

// Sites that can be read are shown though others are down, in the order of farm.toml; the end says whether nobody was reached or
// somebody could not be read, and what strangers have named moves no cursor and makes no line.
func TestSitesElsewhere(t *testing.T) {
	dir := imported(t)
	stranger := answering(t, http.StatusOK, map[string]string{
		"/v1/farm": `{"farm":"x","sites":[{"name":"a\u001b[2J\nb","machines":3,"answering":2,"rate_mhs":5000000,"watts":1500}]}`,
		"/v1/machines": `{"machines":[{"id":"m\u001b[1m1\n2","place":"p\u0007","model":"S19","answered":true},
			{"id":"m2","place":"p","model":"\u202egnp"}]}`,
		"/v1/alerts":  `{"alerts":[{"kind":"hot","machine":"m\u001b[3m","detail":"91\n92"}]}`,
		"/v1/tickets": `{"tickets":[{"id":7,"machine":"m\u001b]0;x\u0007","kind":"fan"}]}`,
		"/v1/orders":  `{"orders":[]}`,
	})
	down := silent(t)
	joins(t, dir, [2]string{"down", down}, [2]string{"stranger", stranger})
	for list, want := range map[string]int{"": 3 + 1 + 1, "machines": 4 + 1 + 2, "alerts": 1 + 1, "tickets": 1 + 1, "orders": 1} {
		e := ran(t, dir, strings.Fields("sites "+list)...)
		if e.Exit != 1 && e.Exit != 5 {
			t.Errorf("%s: exit %d though one is down: %s", list, e.Exit, e.Err)
		}
		if strings.ContainsAny(e.Out, "\x1b\x07\u202e") || strings.Count(e.Out, "\n") != want {
			t.Errorf("%s: %d lines, want %d: %q", list, strings.Count(e.Out, "\n"), want, e.Out)
		}
		if at, of := strings.Index(e.Out, "down"), strings.Index(e.Out, "stranger"); of >= 0 && at > of {
			t.Errorf("%s: not in the order of farm.toml:\n%s", list, e.Out)
		}
	}
	joins(t, dir, [2]string{"down", down})
	ran(t, dir, "sites").Wants(t, 5, "No joined farm answered", "ekibastuz")
	joins(t, dir, [2]string{"stranger", stranger})
	ran(t, dir, "sites").Wants(t, 0, "stranger")
	joins(t, dir, [2]string{"torn", answering(t, http.StatusOK, map[string]string{"/v1/farm": `{"sites":`})})
	ran(t, dir, "sites").Wants(t, 1, "torn", "ekibastuz")
	joins(t, dir, [2]string{"shut", answering(t, http.StatusForbidden,
		map[string]string{"/v1/farm": `{"code":"forbidden","status":403,"detail":"no"}`})})
	if e := ran(t, dir, "sites"); e.Exit == 0 || e.Exit == 5 || !strings.Contains(e.Out, "ekibastuz") {
		t.Errorf("one that refuses was reached: exit %d, %s%s", e.Exit, e.Out, e.Err)
	}
	endless := answering(t, http.StatusOK, map[string]string{"/v1/alerts": `{"alerts":[],"next":"again"}`})
	joins(t, dir, [2]string{"endless", endless})
	ran(t, dir, "sites", "alerts").Wants(t, 1, "does not end")
}

// A watch that could not do its work begins nothing: no folder, no lock, nothing that is served in clear to others.
func TestWatchesThatAreRefused(t *testing.T) {
	dir, none := imported(t), filepath.Join(t.TempDir(), "none")
	refused(t, none, "no-machine", "fleet", "watch", "--for", "1s")
	if _, err := os.Stat(none); !errors.Is(err, fs.ErrNotExist) {
		t.Error("a folder was made for machines that are not there")
	}
	refused(t, dir, "farm-out-of-range", "for", "watch", "--for", "-1s")
	refused(t, dir, "farm-out-of-range", "interval", "watch", "--for", "1ms", "--interval", "-1s")
	refused(t, dir, "farm-out-of-range", "interval", "watch", "--for", "1ms", "--interval", "6m")
	refused(t, dir, "farm-out-of-range", "timeout", "watch", "--for", "1ms", "--timeout", "-1s")
	for _, flags := range []string{"--http 0.0.0.0:0", "--metrics 192.0.2.1:1", "--http :0"} {
		if e := ran(t, dir, append([]string{"watch", "--for", "1ms"}, strings.Fields(flags)...)...); e.Exit != 2 && e.Exit != 3 {
			t.Errorf("%s in clear: exit %d, %s%s", flags, e.Exit, e.Out, e.Err)
		}
	}
	held, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	ran(t, dir, "watch", "--for", "1ms", "--http", held.Addr().String()).Wants(t, 1, "--http")
	if _, err := os.Stat(filepath.Join(dir, urlFile)); !errors.Is(err, fs.ErrNotExist) {
		t.Error("a watch that does not serve says where it does")
	}
	b, err := records.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	ran(t, dir, "watch", "--for", "1ms").Wants(t, 3, "in use")
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	var counts struct{ Polls, Answered int64 }
	ran(t, dir, "watch", "--for", "1ms", "--json").JSON(t, &counts)
	if counts.Answered != 0 {
		t.Errorf("%+v answered of machines that are not there", counts)
	}
}

// Time that is marked has an end behind its beginning, a state that is known and machines that are there; nothing is written
// otherwise. What was polled is exported within its span and selector.
func TestMarksAndExports(t *testing.T) {
	dir := farmWithACode(t)
	for want, line := range map[string]string{
		"bad-time of to":         "* repair --from 2026-10-03 --to 2026-10-02",
		"no-machine of selector": "mars repair --from 2026-10-03 --to 2026-10-04",
	} {
		e := ran(t, dir, append([]string{"mark", "--json"}, strings.Fields(line)...)...)
		if code, field := e.Code(t); e.Exit != 3 || code+" of "+field != want {
			t.Errorf("%s: exit %d, %s of %s, want %s", line, e.Exit, code, field, want)
		}
	}
	mistyped(t, dir, "bad-time", "from", strings.Fields("mark * repair --from never --to 2026-10-03")...)
	mistyped(t, dir, "unknown-state", "state", strings.Fields("mark * asleep --from 2026-10-03 --to 2026-10-04")...)
	if _, err := os.Stat(filepath.Join(dir, "marks.csv")); !errors.Is(err, fs.ErrNotExist) {
		t.Error("what was refused is marked")
	}
	ran(t, dir, "mark", "*", "planned", "--from", "2026-10-03T08:00", "--to", "2026-10-03T12:00", "--why", "=1+1").Wants(t, 0, "12:00")
	rows := func(line ...string) int {
		t.Helper()
		out := ran(t, dir, append([]string{"export"}, line...)...).Wants(t, 0).Out
		all, err := csv.NewReader(strings.NewReader(out)).ReadAll()
		if err != nil {
			t.Error(err)
		}
		return len(all) - 1
	}
	whole := rows()
	half := time.Now().Add(-time.Hour).UTC().Format(time.RFC3339)
	if early, late := rows("--to", half), rows("--from", half); whole == 0 || early == 0 || late == 0 || early+late != whole {
		t.Errorf("%d polls, %d before and %d from %s on", whole, early, late, half)
	}
	if n := rows("--from", "2020-01-01", "--to", "2020-01-02"); n != 0 {
		t.Errorf("%d polls of a day without any", n)
	}
	refused(t, dir, "no-machine", "selector", "export", "mars")
	mistyped(t, dir, "bad-time", "to", "export", "--to", "soon")
	mistyped(t, dir, "bad-time", "from", "compare", "--from", "soon")
	refused(t, dir, "no-readings", "pool", "compare", "--from", "2020-01-01", "--to", "2020-01-02")
}

// A machine's answers are shown a field a line, whatever a stranger has written in them; who is nowhere is said apart from what
// cannot be read.
func TestReadingOneMachine(t *testing.T) {
	dir := t.TempDir()
	write := func(path, text string) {
		t.Helper()
		path = filepath.Join(dir, path)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	write("case/rpc/version.txt", `{"STATUS":[{"STATUS":"S","Code":22}],"VERSION":[{"API":"3.7","LUXminer":"1","Type":"Antminer S19\u001b[2J\nx"}],"id":1}`)
	write("case/rpc/summary.txt", `{"STATUS":[{"STATUS":"S","Code":11}],"SUMMARY":[{"Elapsed":3450,"GHS 5s":59756.06,"GHS av":1,"Total MH":5.07}],"id":1}`)
	write("torn/rpc/version.txt", `{"STATUS":[`)
	var all []seen
	ran(t, dir, "read", filepath.Join(dir, "case"), "--json").JSON(t, &all)
	if len(all) != 1 || all[0].Reading == nil && all[0].Problem == "" {
		t.Errorf("%+v", all)
	}
	out := ran(t, dir, "read", filepath.Join(dir, "case")).Wants(t, 0).Out
	if strings.ContainsRune(out, 0x1b) || strings.Contains(out, "\nx") {
		t.Errorf("%q", out)
	}
	ran(t, dir, "read", filepath.Join(dir, "torn")).Wants(t, 1, "problem", "nothing that could be read")
	ran(t, dir, "read", filepath.Join(dir, "nowhere")).Wants(t, 2, "neither an IP address")
	ran(t, dir, "read", "10.1.0").Wants(t, 2, "neither an IP address")
	closed := []string{"--port", "1", "--port-v3", "1", "--antminer-port", "1", "--tls-port", "1"}
	ran(t, dir, append([]string{"read", "127.93.0.2"}, closed...)...).Wants(t, 5, nobodyAnswers)
}
