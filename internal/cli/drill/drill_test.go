package drill

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/words"
)

// What a rehearsal found is said with every figure of it, and whether followers acknowledged.
func TestWhatADrillFound(t *testing.T) {
	r := Result{Acknowledgement: true, Acknowledged: 1201, Lost: 3, Open: 8, OpenExecuted: 5, RecoverySeconds: 1.25, Epoch: 2, VerifiedEntries: 4007}
	text := func() string {
		var out bytes.Buffer
		r.Describe(&out, words.English)
		return out.String()
	}
	for _, want := range []string{"1201 payments were answered, with the", "epoch 2", "1.25 s", "Lost: 3 of", "8 were under way, 5 of them", "4007 entries"} {
		if !strings.Contains(text(), want) {
			t.Errorf("want %q in %s", want, text())
		}
	}
	if r.Acknowledgement = false; !strings.Contains(text(), "without the follower's acknowledgement") {
		t.Error(text())
	}
	content, err := json.Marshal(r)
	if err != nil || !strings.Contains(string(content), `"lost":3`) || !strings.Contains(string(content), `"follower_acknowledgement":false`) {
		t.Errorf("%s, %v", content, err)
	}
}

// Rehearsals are named once, and each can be played.
func TestRehearsals(t *testing.T) {
	names := map[string]bool{}
	for _, one := range All {
		if names[one.Name] || !regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`).MatchString(one.Name) || one.What == "" || one.Play == nil {
			t.Errorf("%q: %q", one.Name, one.What)
		}
		names[one.Name] = true
	}
	if len(names) < 7 {
		t.Errorf("only %d rehearsals", len(names))
	}
}

// answers is a node that knows some of what was answered, does not know others, and fails to say of the rest.
func answers(t *testing.T, known map[string]bool, broken bool) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]
		switch {
		case broken:
			w.WriteHeader(http.StatusInternalServerError)
		case known[id]:
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte(`{}`))
		default:
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(http.StatusNotFound)
			_, _ = w.Write([]byte(`{"status": 404, "code": "not-found", "detail": "no such transaction"}`))
		}
	}))
	t.Cleanup(server.Close)
	return server
}

// A payment that was answered and is not on the ledger is lost. A node that does not say is no proof of either: nothing is counted,
// rather than too little.
func TestCountingWhatWasLost(t *testing.T) {
	ids := []token.TransactionID{{1}, {2}, {3}}
	known := map[string]bool{ids[0].String(): true, ids[2].String(): true}
	group := func(url string) *Group {
		return &Group{d: &Drill{ctx: t.Context()}, urls: []string{url}, answered: ids, refused: 4, pause: 1500 * time.Millisecond}
	}
	got, err := group(answers(t, known, false).URL).Count()
	if err != nil || got != (Outcome{Seconds: 1.5, Answered: 3, Lost: 1, Refused: 4}) {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := group(answers(t, known, true).URL).Count(); err == nil {
		t.Error("a node that cannot say was counted as having everything")
	}
}

// A fault begins the count of the pause: what was answered before it is no recovery.
func TestAFaultBeginsThePause(t *testing.T) {
	var said []string
	g := &Group{d: &Drill{ctx: t.Context(), Say: func(format string, args ...any) { said = append(said, format) }},
		served: true, last: time.Unix(0, 0)}
	g.fault("the leader is killed")
	if g.served || g.faulted.IsZero() || g.last != g.faulted || len(said) != 1 {
		t.Errorf("served %t, pause %s, %v, %q", g.served, g.pause, g.faulted, said)
	}
}

// A drill that is called off waits for nothing more, and its folder is gone with its processes.
func TestADrillThatIsCalledOff(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	d, err := New(ctx, func(string, ...any) {}, Result{Clients: 3})
	if err != nil || d.Result.Clients != 3 {
		t.Fatal(err)
	}
	if err := os.WriteFile(d.Path("file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	cancel()
	(&Group{d: d}).Wait(time.Hour)
	if _, err := d.do("version"); err == nil {
		t.Error("a command was run for a drill that is called off")
	}
	d.StopAll()
	if _, err := os.Stat(d.Dir); !os.IsNotExist(err) {
		t.Errorf("%s is still there: %v", d.Dir, err)
	}
}

// Nodes have folders and addresses of their own.
func TestFoldersOfAGroup(t *testing.T) {
	g := &Group{d: &Drill{Dir: "/drill"}, urls: []string{"http://127.0.0.1:1", "http://127.0.0.1:2"}}
	if g.dir(0) == g.dir(1) || g.address(1) != "127.0.0.1:2" || !strings.HasPrefix(g.logKey(), "/drill/people/") {
		t.Errorf("%s %s %s %s", g.dir(0), g.dir(1), g.address(1), g.logKey())
	}
}
