package cashcmd

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aqsha/aqsha/internal/cli/clitest"
)

// line is a connection to an office that breaks where a test has it break.
type line struct {
	at    atomic.Value // string: requests whose path ends so break; "" none
	after bool         // the office has done what it was asked, and its answer is lost
}

// breaking serves an office by a line that breaks.
func breaking(t *testing.T, office string, after bool) (*line, string) {
	t.Helper()
	target, err := url.Parse(office)
	if err != nil {
		t.Fatal(err)
	}
	target.Path = ""
	l := &line{after: after}
	l.at.Store("")
	proxy := httputil.NewSingleHostReverseProxy(target)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		at := l.at.Load().(string)
		if at == "" || r.Method != http.MethodPost || !strings.HasSuffix(r.URL.Path, at) {
			proxy.ServeHTTP(w, r)
			return
		}
		if l.after {
			proxy.ServeHTTP(httptest.NewRecorder(), r)
		}
		panic(http.ErrAbortHandler)
	}))
	t.Cleanup(server.Close)
	return l, server.URL + "/cash"
}

// Where the line to the office breaks, before it has done what it was asked or after, the command does not say that it
// failed, and the next one ends what was begun: no note is lost, none is there twice, and who is paid is paid once.
func linesThatBreak(t *testing.T, d counter) {
	paid := func() int64 {
		var list []struct{ Balance int64 }
		d.Done("balance", "canteen", "--json").JSON(t, &list)
		return list[0].Balance
	}
	before := paid()
	for name, after := range map[string]bool{"before": false, "after": true} {
		l, mint := breaking(t, d.url, after)
		wallet := "broken " + name
		whole := func(want int64) {
			t.Helper()
			d.by(wallet, "settle").Wants(t, 0)
			if got := d.holds(wallet); got != (held{Settled: want}) {
				t.Errorf("%s: %+v, want %d", name, got, want)
			}
		}
		l.at.Store("/mint/aqsha")
		e := d.by(wallet, "withdraw", "aigerim", "500", "--mint", mint)
		if e.Exit != 4 || !strings.Contains(e.Err, "aqsha cash settle") {
			t.Errorf("%s: a withdrawal: exit %d, %s%s", name, e.Exit, e.Out, e.Err)
		}
		if got := d.holds(wallet); got.Settled != 0 || got.Begun != 50_000 {
			t.Errorf("%s: %+v", name, got)
		}
		l.at.Store("")
		whole(50_000)
		l.at.Store("/swap")
		if e := d.by(wallet, "send", "100"); e.Exit != 4 {
			t.Errorf("%s: a token: exit %d, %s%s", name, e.Exit, e.Out, e.Err)
		}
		l.at.Store("")
		d.by(wallet, "settle", "--reclaim").Wants(t, 0)
		whole(50_000)
		l.at.Store("/melt/aqsha")
		if e := d.by(wallet, "pay", "canteen", "50"); e.Exit != 4 {
			t.Errorf("%s: a payment: exit %d, %s%s", name, e.Exit, e.Out, e.Err)
		}
		l.at.Store("")
		whole(45_000)
		if got := d.by(wallet, "deposit", "canteen").Wants(t, 0); !strings.Contains(got.Out, "0.00") {
			t.Errorf("%s: %s", name, got.Out)
		}
	}
	if now := paid(); now != before+2*50_000 {
		t.Errorf("the canteen has %d, and had %d", now, before)
	}
}

// Keysets that are made at the same moment are all there, and a file of them that cannot be read is not written over:
// notes of the keysets in it circulate.
func TestKeysetsAreKept(t *testing.T) {
	t.Parallel()
	office := filepath.Join(t.TempDir(), "office")
	at := func(line ...string) clitest.Ended {
		return run(t, append(append([]string{"keys"}, line...), "--office", office)...)
	}
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() { at("new").Wants(t, 0) })
	}
	all.Wait()
	var list []struct {
		ID      string
		Retired bool
	}
	at("list", "--json").JSON(t, &list)
	if len(list) != 4 {
		t.Fatalf("%d keysets", len(list))
	}
	at("retire", strings.ToUpper(list[1].ID)).Wants(t, 2, "no keyset")
	at("retire", list[1].ID[:8]).Wants(t, 2, "no keyset")
	for range 2 {
		at("retire", list[1].ID).Wants(t, 0)
	}
	at("list", "--json").JSON(t, &list)
	for i, k := range list {
		if k.Retired != (i == 1) {
			t.Errorf("%d: %+v", i, k)
		}
	}
	names, err := filepath.Glob(filepath.Join(office, "*"))
	if err != nil || len(names) != 1 {
		t.Fatal(names, err)
	}
	whole, err := os.ReadFile(names[0])
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"torn": string(whole[:len(whole)/2]), "empty": "", "of another kind": "[1]"} {
		if err := os.WriteFile(names[0], []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, line := range [][]string{{"new"}, {"list"}, {"retire", list[0].ID}} {
			if e := at(line...); e.Exit == 0 {
				t.Errorf("%s: %v: %s", name, line, e.Out)
			}
		}
		if now, err := os.ReadFile(names[0]); err != nil || string(now) != text {
			t.Errorf("%s: it was written over", name)
		}
	}
}

// A study of who could have paid says for each population how many candidates there were, and the same again for the
// same seed; what is no population is refused.
func TestAStudyIsRepeatable(t *testing.T) {
	t.Parallel()
	for word, line := range map[string][]string{
		"--wait": {"--wait", "10ms"}, "--span": {"--span", "-1h"}, "--interval": {"--interval", "0s"},
		"--rounding": {"--rounding", "x"}, "rounding": {"--rounding", "0"}, "deposits": {"--deposits", "-1"},
	} {
		run(t, append([]string{"study", "--wallets", "20"}, line...)...).Wants(t, 2, word)
	}
	line := []string{"study", "--wallets", "40", "--deposits", "10", "--rounding", "500", "--seed", "7", "--json"}
	first, again := run(t, line...), run(t, line...)
	other := run(t, append(line[:len(line):len(line)], "--seed", "8")...)
	var list []struct {
		Wallets int
		Whole   bool
		Swap    bool
	}
	if err := json.Unmarshal([]byte(first.Out), &list); err != nil || len(list) != 4 || list[0].Wallets != 40 {
		t.Errorf("%+v, %v", list, err)
	}
	if first.Out != again.Out || first.Out == other.Out {
		t.Error("a seed does not replay, or another is the same")
	}
	run(t, line[:len(line)-1]...).Wants(t, 0, "500.00")
}
