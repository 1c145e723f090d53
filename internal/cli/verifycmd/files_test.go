package verifycmd

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/internal/cli/clitest"
	"github.com/aqsha/aqsha/internal/cli/nodecmd"
	"github.com/aqsha/aqsha/node"
)

var nouns = clitest.Nouns{NewVerifyCommand}

func run(t *testing.T, line ...string) clitest.Ended {
	t.Helper()
	return clitest.Run(t, nouns, append([]string{"verify"}, line...)...)
}

// vectors are evidence with its verdict, and the key of the log that it is of.
func vectors(t *testing.T) (key string, cases []struct {
	About    string
	Evidence node.TwoHistories
	Verdict  node.Verdict
}) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "..", "..", "testdata", "vectors", "evidence.json"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		LogKey string `json:"logKey"`
		Cases  json.RawMessage
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(file.Cases, &cases); err != nil || len(cases) < 10 {
		t.Fatalf("%d cases, %v", len(cases), err)
	}
	return file.LogKey, cases
}

// Evidence ends with the code of what it shows: 0 for two histories, 3 for what is none, with its words; under another key it
// shows nothing.
func TestEvidenceEndsAsItsVerdict(t *testing.T) {
	key, cases := vectors(t)
	for _, c := range cases {
		raw, err := json.Marshal(c.Evidence)
		if err != nil {
			t.Fatal(err)
		}
		file := clitest.Put(t, string(raw), t.TempDir(), "evidence.json")
		e := run(t, "evidence", file, "--key", key, "--json")
		if want := map[node.Verdict]int{node.Forked: 0}[c.Verdict]; c.Verdict == node.Forked && e.Exit != want || c.Verdict != node.Forked && e.Exit != 3 {
			t.Errorf("%s: exit %d\n%s%s", c.About, e.Exit, e.Out, e.Err)
		}
		var said struct {
			Verdict node.Verdict
			Shorter string
		}
		if c.Verdict != "" {
			if err := json.Unmarshal([]byte(e.Out), &said); err != nil || said.Verdict != c.Verdict || said.Shorter != c.Evidence.Shorter {
				t.Errorf("%s: %v, %s", c.About, err, e.Out)
			}
		} else if code, _ := e.Code(t); code == "" || e.Out != "" {
			t.Errorf("%s: %s%s", c.About, e.Out, e.Err)
		}
		text := run(t, "evidence", file, "--key", key)
		if strings.Contains(text.Out, "\x1b") || (text.Out == "") != (c.Verdict == "") {
			t.Errorf("%s: %s", c.About, text.Out)
		}
		if other := run(t, "evidence", file, "--key", "sim.aqsha+13584ff5+ARn5VqfgeYSovJY4YmNtDC4/zGx3WzzWao5k3sLNWtkg"); other.Exit == 0 {
			t.Errorf("%s holds under another key", c.About)
		}
	}
}

// A file that is none, torn, of another kind or far too long is refused as what it is, and a key as none.
func TestFilesThatAreNoEvidence(t *testing.T) {
	key, _ := vectors(t)
	dir := t.TempDir()
	for _, kind := range []string{"evidence", "promotion"} {
		for text, exit := range map[string]int{"": 2, "{": 2, "[]": 2, `"x"`: 2, "{}": 3, "null": 3, `{"origin":"x","shorter":"y","promises":[{}]}`: 3,
			`{"proof":["zz"],"promises":7}`: 2, "[" + strings.Repeat("0,", 3<<20) + "0]": 2} {
			e := run(t, kind, clitest.Put(t, text, dir, "f.json"), "--key", key)
			if e.Exit != exit || e.Out != "" {
				t.Errorf("%s of %.40q: exit %d, want %d\n%s%s", kind, text, e.Exit, exit, e.Out, e.Err)
			}
		}
		run(t, kind, filepath.Join(dir, "none.json"), "--key", key).Wants(t, 2, "none.json")
		run(t, kind, clitest.Put(t, "{}", dir, "f.json"), "--key", "rubbish").Wants(t, 2, "--key")
		run(t, kind, clitest.Put(t, "{}", dir, "f.json")).Wants(t, 2, "key")
		if e := run(t, kind, dir, "--key", key); e.Exit == 0 || e.Out != "" {
			t.Errorf("a folder is %s: %s", kind, e.Out)
		}
	}
}

// A ledger's directory, its log alone and a copy without keys verify alike, and nothing is written; damage of any of its
// files is named, and what is no log at all is refused.
func TestDirectoriesAreVerifiedAsTheyLie(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "net")
	clitest.Run(t, clitest.Nouns{nodecmd.NewInitCommand}, "init", "--development", "--data", dir).Wants(t, 0)
	copied := filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(filepath.Join(copied, "log"), os.DirFS(filepath.Join(dir, "log"))); err != nil {
		t.Fatal(err)
	}
	type report struct {
		Network string
		Size    uint64
		Entries bool
		Issued  int64
	}
	var first report
	run(t, "--data", dir, "--json").JSON(t, &first)
	if first.Network == "" || first.Size == 0 || !first.Entries {
		t.Fatalf("%+v", first)
	}
	for _, at := range [][]string{{"--log", copied}, {"--log", filepath.Join(copied, "log")}, {"--data", copied}, {"--log", dir, "--network", first.Network}} {
		var r report
		run(t, append(at, "--json")...).JSON(t, &r)
		if r != first {
			t.Errorf("%v: %+v, want %+v", at, r, first)
		}
	}
	run(t, "--data", dir).Wants(t, 0, "Verified", first.Network)
	for network, exit := range map[string]int{strings.Repeat("0", 64): 2, "rubbish": 2, strings.Repeat("1", 64): 3} {
		if e := run(t, "--log", copied, "--network", network); e.Exit != exit || strings.Contains(e.Out, "Verified") {
			t.Errorf("network %.8s…: exit %d\n%s%s", network, e.Exit, e.Out, e.Err)
		}
	}
	run(t, "--log", copied, "--node", "http://127.0.0.1:1").Wants(t, 2, "node")
	for _, none := range []string{t.TempDir(), filepath.Join(dir, "none")} {
		if e := run(t, "--log", none); e.Exit == 0 || e.Out != "" {
			t.Errorf("%s: %s", none, e.Out)
		}
	}
	var names []string
	_ = filepath.WalkDir(copied, func(path string, d os.DirEntry, err error) error {
		if info, _ := d.Info(); err == nil && !d.IsDir() && info.Size() > 0 {
			names = append(names, path)
		}
		return nil
	})
	damaged := 0
	for _, name := range names {
		whole, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, at := range []int{0, 20, 100} {
			if at >= len(whole) || whole[at] == 0 {
				continue
			}
			torn := slices.Clone(whole)
			torn[at] ^= 1
			clitest.Put(t, string(torn), name)
			if e := run(t, "--log", copied); e.Exit != 0 {
				damaged++
				if strings.Contains(e.Out, "\nVerified") || strings.HasPrefix(e.Out, "Verified") {
					t.Errorf("byte %d of %s: exit %d and %s", at, name, e.Exit, e.Out)
				}
			}
		}
		clitest.Put(t, string(whole), name)
	}
	if damaged == 0 {
		t.Errorf("no damage of %v was found", names)
	}
	run(t, "--log", copied).Wants(t, 0, "Verified")
}

// A server that is none, that answers rubbish or an endless answer, is no ledger: nothing of it is called verified.
func TestServersThatAreNoLedger(t *testing.T) {
	for _, rubbish := range []string{"", "<html>", "{}", "[]", strings.Repeat("x", 1<<20)} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(rubbish)) }))
		if e := run(t, "--node", server.URL); e.Exit == 0 || strings.Contains(e.Out, "Verified") {
			t.Errorf("%.10q: exit %d, %s%s", rubbish, e.Exit, e.Out, e.Err)
		}
		server.Close()
	}
	run(t, "--node", "http://127.0.0.1:1").Wants(t, 5)
	run(t, "--node", "nowhere").Wants(t, 2)
}
