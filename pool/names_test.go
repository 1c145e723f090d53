package pool_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aqsha/aqsha/pool/sharelog"
	"github.com/aqsha/aqsha/pool/web"
	"github.com/aqsha/aqsha/pool/worker"
	"github.com/aqsha/aqsha/txlog"
)

// However a user writes its name, it is one account; its worker is the same by each way of writing
// it, and shares come under any of them.
func TestNames(t *testing.T) {
	for _, tc := range []struct{ name, authorized, submitted, worker string }{
		{"plain", alice, alice, ""},
		{"upper case", strings.ToUpper(alice), alice, ""},
		{"an empty worker", alice + ".", alice, ""},
		{"an empty worker of the other kind", alice + "_", alice + ".", ""},
		{"a dot", alice + ".rig-1", alice + ".rig-1", "rig-1"},
		{"an underscore", alice + "_rig", alice + "_rig", "rig"},
		{"an underscore, then a dot", alice + "_rig", alice + ".rig", "rig"},
		{"both", alice + ".rig_2.3", alice + ".rig_2.3", "rig_2.3"},
		{"Kazakh letters", alice + ".Қарағанды-ұңғыма", alice + ".Қарағанды-ұңғыма", "Қарағанды-ұңғыма"},
		{"quotation marks", alice + `.say "hi" \o/`, alice + `.say "hi" \o/`, `say "hi" \o/`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := startOffered(t, testConfig())
			c := dial(t, p.address).login(tc.authorized)
			c.expect("share", c.find(tc.submitted, c.job(), 1, meets(c.difficulty)), 0)
			p.stop()
			users, found := map[uint64]bool{}, false
			for _, record := range records(t, p.dir) {
				if w, ok := record.(*sharelog.Worker); ok {
					users[w.User] = true
					found = found || w.Name == tc.worker
					if w.Address != alice {
						t.Errorf("the log has address %q", w.Address)
					}
				}
			}
			if len(users) != 1 || !found {
				t.Errorf("users %v, worker %q found: %v", users, tc.worker, found)
			}
		})
	}
}

// Names with escapes, as JSON libraries write what is not ASCII, are the names they mean.
func TestEscapedNames(t *testing.T) {
	p := startOffered(t, testConfig())
	c := dial(t, p.address).login(alice)
	escaped := alice + `.\u049b\u0430\u0437\u0430\u043d`
	raw := func(method string, params ...any) answer {
		c.id++
		line, err := json.Marshal(map[string]any{"id": c.id, "method": method, "params": params})
		if err != nil {
			t.Fatal(err)
		}
		text := strings.ReplaceAll(string(line), "NAME", escaped)
		if _, err := fmt.Fprintln(c.conn, text); err != nil {
			t.Fatal(err)
		}
		return c.await(c.id)
	}
	if a := raw("mining.authorize", "NAME", "x"); !a.isTrue() {
		t.Fatalf("%+v", a)
	}
	params := c.find("NAME", c.job(), 5, meets(c.difficulty))
	if a := raw("mining.submit", params...); !a.isTrue() {
		t.Fatalf("%+v", a)
	}
	c.expect("the same worker without escapes", c.find(alice+".қазан", c.job(), 6, meets(c.difficulty)), 0)
	if s := p.WorkerStats(time.Now()); len(s.Workers) != 2 {
		t.Errorf("%+v", s.Workers)
	}
}

// Nonces and times are numbers, whatever their padding.
func TestUnpaddedNumbers(t *testing.T) {
	p := startOffered(t, testConfig())
	c := dial(t, p.address).login(alice)
	for i, pad := range []func(string) string{
		func(s string) string { return strings.TrimLeft(s, "0") },
		func(s string) string { return "0x" + strings.ToUpper(s) },
		func(s string) string { return "00000000" + s },
		func(s string) string { return " " + strings.TrimLeft(s, "0") },
	} {
		params := c.find(alice, c.job(), uint64(i), meets(c.difficulty))
		params[3], params[4] = pad(params[3].(string)), pad(params[4].(string))
		if params[4] == "" || params[4] == " " {
			params[4] = "0"
		}
		c.expect(fmt.Sprintf("nonce %q", params[4]), params, 0)
	}
}

// Names that do no work cost the log nothing and are forgotten with their connections; a worker is
// in the log once, from its first share on, over restarts too.
func TestWorkersEnterTheLogByWork(t *testing.T) {
	dir := t.TempDir()
	for run := range 2 {
		p := startPool(t, dir, testConfig())
		if err := p.Offer(testTemplate(t, uint32(100+run), hardBits), time.Now()); err != nil {
			t.Fatal(err)
		}
		c := dial(t, p.address).login(alice + ".works")
		var idle []*client
		for i := range 50 {
			idle = append(idle, dial(t, p.address).login(fmt.Sprintf("%s.idle%d", bob, i)))
		}
		for i := range uint64(3) {
			c.expect("share", c.find(alice+".works", c.job(), i, meets(c.difficulty)), 0)
		}
		if n := p.Names(); n < 51 {
			t.Errorf("%d names while 51 workers are connected", n)
		}
		for _, one := range idle {
			one.conn.Close()
		}
		eventually(t, "idle names are forgotten", func() bool { return p.Names() <= 2 })
		p.stop()
	}
	var names []string
	for _, record := range records(t, dir) {
		if w, ok := record.(*sharelog.Worker); ok {
			names = append(names, w.Address+"."+w.Name)
		}
	}
	if fmt.Sprint(names) != fmt.Sprint([]string{alice + ".", alice + ".works"}) {
		t.Errorf("in the log: %v", names)
	}
}

// A worker's least difficulty, and what suits it, outlast the pool.
func TestWorkersDifficultyOutlastsARestart(t *testing.T) {
	dir := t.TempDir()
	const asked = 1.0 / (1 << 20)
	for run := range 2 {
		p := startPool(t, dir, testConfig())
		if err := p.Offer(testTemplate(t, uint32(100+run), hardBits), time.Now()); err != nil {
			t.Fatal(err)
		}
		c := dial(t, p.address)
		if run == 0 {
			c.password = fmt.Sprintf("x,md=%g", asked)
		}
		c.login(alice + ".rig")
		if c.difficulty != asked {
			t.Errorf("run %d begins at %g", run, c.difficulty)
		}
		c.expect("share", c.find(alice+".rig", c.job(), 1, meets(c.difficulty)), 0)
		p.stop()
	}
}

// Starts and connections without end use up no extranonces: what is not given is given back, also
// by none at all after a crash, whose leases are small.
func TestExtranoncesAreGivenBack(t *testing.T) {
	dir := t.TempDir()
	var first uint64
	for run := range 30 {
		p := startPool(t, dir, testConfig())
		if err := p.Offer(testTemplate(t, uint32(100+run), hardBits), time.Now()); err != nil {
			t.Fatal(err)
		}
		c := dial(t, p.address).login(alice)
		var number uint64
		if _, err := fmt.Sscanf(c.extranonce1, "%x", &number); err != nil {
			t.Fatal(err)
		}
		if run == 0 {
			first = number
		} else if number != first+uint64(run) {
			t.Fatalf("start %d gives extranonce %d after %d", run, number, first)
		}
		p.stop()
	}
}

// After 2^32 connections extranonces begin anew: no pool comes to an end of them.
func TestExtranoncesBeginAnew(t *testing.T) {
	dir := t.TempDir()
	log, err := txlog.Open(filepath.Join(dir, "shares"), txlog.Options{Origin: "pool.test", SegmentBytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	batch, err := log.Stage([][]byte{sharelog.Append(nil, &sharelog.Lease{First: 0, Count: 1<<32 - 3})})
	if err == nil {
		err = errors.Join(log.Commit(batch), log.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	given := map[string]bool{}
	for run := range 2 {
		p := startPool(t, dir, testConfig())
		if err := p.Offer(testTemplate(t, uint32(100+run), hardBits), time.Now()); err != nil {
			t.Fatal(err)
		}
		for i := range uint64(3) {
			c := dial(t, p.address).login(alice)
			if given[c.extranonce1] {
				t.Errorf("%s is given twice", c.extranonce1)
			}
			given[c.extranonce1] = true
			c.expect("share", c.find(alice, c.job(), i, meets(c.difficulty)), 0)
		}
		p.stop()
	}
	if !given["00fffffffd"] || !given["0000000002"] {
		t.Errorf("given: %v", given)
	}
}

// The list of workers comes in pages.
func TestWorkersArePaged(t *testing.T) {
	p := startOffered(t, testConfig())
	c := dial(t, p.address).login(alice)
	for i := range uint64(30) {
		user := fmt.Sprintf("%s.rig%02d", alice, i)
		c.call("mining.authorize", user, "x")
		c.expect("share", c.find(user, c.job(), i, meets(c.difficulty)), 0)
	}
	get := func(query string) (list []worker.Stats, next string, code int) {
		answer := httptest.NewRecorder()
		web.Handler(p.Pool).ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/v1/workers"+query, nil))
		if answer.Code == 200 {
			if err := json.Unmarshal(answer.Body.Bytes(), &list); err != nil {
				t.Fatal(err)
			}
		}
		link := answer.Header().Get("Link")
		_, next, _ = strings.Cut(strings.TrimSuffix(link, `>; rel="next"`), "/v1/workers")
		return list, next, answer.Code
	}
	seen := map[string]bool{}
	query := "?limit=7"
	for pages := 0; ; pages++ {
		list, next, code := get(query)
		if code != 200 || len(list) > 7 {
			t.Fatalf("%s: %d, %d workers", query, code, len(list))
		}
		for _, w := range list {
			if seen[w.Worker] {
				t.Errorf("%s twice", w.Worker)
			}
			seen[w.Worker] = true
		}
		if next == "" {
			break
		}
		query = next
	}
	if len(seen) != 31 { // the account itself is one
		t.Errorf("%d workers on all pages", len(seen))
	}
	for _, bad := range []string{"?limit=0", "?limit=x", "?limit=100000", "?after=x"} {
		if _, _, code := get(bad); code != 400 {
			t.Errorf("%s: %d", bad, code)
		}
	}
	if list, _, _ := get("?user=" + bob); len(list) != 0 {
		t.Errorf("bob's workers: %v", list)
	}
}
