package pool_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aqsha/aqsha/pool/admin"
	"github.com/aqsha/aqsha/pool/payments"
	"github.com/aqsha/aqsha/pool/serve"
	"github.com/aqsha/aqsha/pool/sharelog"
	"github.com/aqsha/aqsha/pool/web"
)

// control serves a pool's administration and returns a way to ask it.
func control(t *testing.T, p *running) func(action string, request any) (admin.ControlAnswer, int) {
	t.Helper()
	c := &admin.Control{Pool: p.Pool}
	path := filepath.Join(t.TempDir(), "s")
	listener, err := c.Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- c.Serve(ctx, listener) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	client := http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", path)
	}}}
	return func(action string, request any) (answer admin.ControlAnswer, code int) {
		t.Helper()
		body, err := json.Marshal(request)
		if err != nil {
			t.Fatal(err)
		}
		got, err := client.Post("http://pool/"+action, "application/json", bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		defer got.Body.Close()
		if got.StatusCode == http.StatusOK {
			if err := json.NewDecoder(got.Body).Decode(&answer); err != nil {
				t.Fatal(err)
			}
		}
		return answer, got.StatusCode
	}
}

// What the operator does with a running pool is done to whom it is meant, and to nobody else.
func TestAdministration(t *testing.T) {
	p := startOffered(t, testConfig())
	ask := control(t, p)
	rig, other := dial(t, p.address).login(alice+".rig"), dial(t, p.address).login(bob)
	rig.expect("share", rig.find(alice+".rig", rig.job(), 1, meets(rig.difficulty)), 0)

	answer, _ := ask("sessions", admin.ControlRequest{Limit: 10})
	if len(answer.Sessions) != 2 || answer.Connections != 2 {
		t.Fatalf("%+v", answer)
	}
	if answer, _ = ask("sessions", admin.ControlRequest{Limit: 10, Selector: serve.Selector{Worker: alice}}); len(answer.Sessions) != 1 || answer.Sessions[0].Worker != alice+".rig" || answer.Sessions[0].Good != 1 {
		t.Errorf("%+v", answer)
	}
	if answer, _ = ask("message", admin.ControlRequest{Text: `Ескерту: "жөндеу"`, Selector: serve.Selector{Worker: bob}}); answer.Connections != 1 {
		t.Errorf("message to %d", answer.Connections)
	}
	for {
		a, ok := other.next()
		if !ok {
			t.Fatal("closed by a message")
		}
		if a.Method == "client.show_message" {
			if string(a.Params[0]) != `"Ескерту: \"жөндеу\""` {
				t.Errorf("shows %s", a.Params[0])
			}
			break
		}
	}
	for _, tc := range []struct {
		action  string
		request any
		code    int
	}{
		{"kick", admin.ControlRequest{}, 422}, {"kick", admin.ControlRequest{Selector: serve.Selector{Worker: alice + ".nosuch"}}, 422},
		{"message", admin.ControlRequest{Text: strings.Repeat("x", 300)}, 422}, {"ban", admin.ControlRequest{Selector: serve.Selector{Address: "x"}}, 422},
		{"exempt", admin.ControlRequest{Network: "10.0.0.0/99"}, 422}, {"fee", admin.ControlRequest{Percent: 2}, 422}, {"override", admin.ControlRequest{First: 3, Last: 3, Text: "why"}, 422}, {"kick", map[string]int{"nosuch": 1}, 400}, {"nosuch", nil, 404},
	} {
		if _, code := ask(tc.action, tc.request); code != tc.code {
			t.Errorf("%s %+v: %d, want %d", tc.action, tc.request, code, tc.code)
		}
	}
	if answer, _ = ask("kick", admin.ControlRequest{Selector: serve.Selector{Worker: alice}}); answer.Connections != 1 {
		t.Errorf("kicked %d", answer.Connections)
	}
	closed(t, rig.conn, "a miner that was kicked")
	other.expect("a share of another", other.find(bob, other.job(), 9, meets(other.difficulty)), 0)

	if _, code := ask("ban", admin.ControlRequest{Selector: serve.Selector{Address: "127.0.0.1"}}); code != 200 || !banned(t, p) {
		t.Error("not banned")
	}
	if answer, _ := ask("bans", admin.ControlRequest{}); len(answer.Bans) != 1 {
		t.Errorf("%+v", answer)
	}
	if s := p.Stats(time.Now()); s.Bans != 1 || s.BansTotal != 1 {
		t.Errorf("%d bans of %d, while one holds", s.Bans, s.BansTotal)
	}
	if _, code := ask("ban", admin.ControlRequest{Remove: true, Selector: serve.Selector{Address: "127.0.0.1"}}); code != 200 || banned(t, p) {
		t.Error("still banned")
	}
	if s := p.Stats(time.Now()); s.Bans != 0 || s.BansTotal != 1 {
		t.Errorf("%d bans of %d, after it was lifted", s.Bans, s.BansTotal)
	}
	if _, code := ask("exempt", admin.ControlRequest{Network: "127.0.0.0/8"}); code != 200 {
		t.Errorf("exempt: %d", code)
	}
	if _, code := ask("ban", admin.ControlRequest{Selector: serve.Selector{Address: "127.0.0.1"}}); code != 200 || banned(t, p) {
		t.Error("an exempt address is refused")
	}

	last := dial(t, p.address).login(alice)
	drained := make(chan admin.ControlAnswer, 1)
	go func() {
		answer, _ := ask("drain", admin.ControlRequest{Seconds: 30})
		drained <- answer
	}()
	for a, ok := last.next(); ok && a.Method != "client.reconnect"; a, ok = last.next() {
	}
	if !banned(t, p) {
		t.Error("a pool that drains lets miners in")
	}
	last.conn.Close()
	if answer := <-drained; answer.Left != 0 {
		t.Errorf("%d left", answer.Left)
	}
	if ask("drain", admin.ControlRequest{Remove: true}); banned(t, p) {
		t.Error("miners are not let in again")
	}
}

// A higher fee holds a day after it was announced at the earliest, from a record of the log on, and
// everybody can read it before; paused payouts stay paused over a restart.
func TestFeeAndPayouts(t *testing.T) {
	dir := t.TempDir()
	p := startPool(t, dir, testConfig())
	ask := control(t, p)
	soon, later := time.Now().Add(time.Hour), time.Now().Add(25*time.Hour)
	if _, code := ask("fee", admin.ControlRequest{Percent: 5, At: soon.Format(time.RFC3339)}); code != 422 {
		t.Errorf("a higher fee in an hour: %d", code)
	}
	if _, code := ask("fee", admin.ControlRequest{Percent: 5, At: later.Format(time.RFC3339)}); code != 200 {
		t.Errorf("a higher fee tomorrow: %d", code)
	}
	answer := httptest.NewRecorder()
	web.Handler(p.Pool).ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/v1/pool", nil))
	if !strings.Contains(answer.Body.String(), `"next_fee_percent":5`) {
		t.Errorf("not announced: %s", answer.Body)
	}
	if _, code := ask("fee", admin.ControlRequest{Percent: 0.5, At: time.Now().Add(-time.Hour).Format(time.RFC3339)}); code != 422 || p.Stats(time.Now()).Fee != 1 {
		t.Errorf("a lower fee an hour ago: %d", code)
	}
	if answer, code := ask("fee", admin.ControlRequest{Percent: 0.7}); code != 200 || answer.Pool.Fee != 0.7 || answer.Pool.NextFee != nil {
		t.Errorf("a lower fee without a time: %d, %+v", code, answer.Pool)
	}
	if _, code := ask("fee", admin.ControlRequest{Percent: 0.5, At: time.Now().Format(time.RFC3339)}); code != 200 {
		t.Errorf("a lower fee at once: %d", code)
	}
	eventually(t, "the fee holds", func() bool { return p.Stats(time.Now()).Fee == 0.5 })
	if _, err := p.Pay(context.Background(), payments.PayOptions{}); err == nil {
		t.Error("paid without a wallet")
	}
	if answer, _ := ask("payouts", admin.ControlRequest{Pause: true}); answer.Paused == nil || !*answer.Paused {
		t.Errorf("%+v", answer)
	}
	p.stop()
	var fees []uint64
	for _, record := range records(t, dir) {
		if s, ok := record.(*sharelog.Scheme); ok {
			fees = append(fees, s.FeePPM)
		}
	}
	if !slices.Equal(fees, []uint64{10_000, 7000, 5000}) {
		t.Errorf("fees in the log: %v", fees)
	}
	p = startPool(t, dir, testConfig())
	if !p.PayoutsPaused() {
		t.Error("the pause is forgotten")
	}
	if answer, _ := control(t, p)("payouts", admin.ControlRequest{}); answer.Paused == nil || *answer.Paused {
		t.Errorf("%+v", answer)
	}
}

// What cannot be meant is refused by field, and done to nobody.
func TestBoundsOfRequests(t *testing.T) {
	p := startOffered(t, testConfig())
	ask := control(t, p)
	rig := dial(t, p.address).login(alice)
	for name, asked := range map[string]struct {
		action  string
		request admin.ControlRequest
	}{
		"a port beyond all":       {"reconnect", admin.ControlRequest{Everybody: true, Host: "pool.example", Port: 99_999}},
		"a port below all":        {"reconnect", admin.ControlRequest{Everybody: true, Host: "pool.example", Port: -1}},
		"a host without a port":   {"reconnect", admin.ControlRequest{Everybody: true, Host: "pool.example"}},
		"a port without a host":   {"reconnect", admin.ControlRequest{Everybody: true, Port: 3333}},
		"less than no time":       {"drain", admin.ControlRequest{Seconds: -5}},
		"more than an hour":       {"drain", admin.ControlRequest{Seconds: 3601}},
		"fewer than no sessions":  {"sessions", admin.ControlRequest{Limit: -1}},
		"more than all sessions":  {"sessions", admin.ControlRequest{Limit: 10_001}},
		"more fee than there is":  {"fee", admin.ControlRequest{Percent: 101}},
		"less fee than no fee":    {"fee", admin.ControlRequest{Percent: -1}},
		"a higher fee, time left": {"fee", admin.ControlRequest{Percent: 2}},
	} {
		if _, code := ask(asked.action, asked.request); code != 422 {
			t.Errorf("%s: %d", name, code)
		}
	}
	if s := p.Stats(time.Now()); s.Draining || s.Fee != 1 || s.NextFee != nil {
		t.Errorf("changed: %+v", s)
	}
	ask("message", admin.ControlRequest{Text: "done"})
	for a, ok := rig.next(); a.Method != "client.show_message"; a, ok = rig.next() {
		if a.Method == "client.reconnect" || !ok {
			t.Fatalf("heard %q, connected %v", a.Method, ok)
		}
	}
}
