package nodecmd_test

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/internal/cli/authoritycmd"
	"github.com/aqsha/aqsha/internal/cli/clitest"
	"github.com/aqsha/aqsha/internal/cli/clitest/served"
	"github.com/aqsha/aqsha/internal/cli/datadir"
	"github.com/aqsha/aqsha/internal/cli/nodecmd"
)

var nouns = clitest.Nouns{nodecmd.NewInitCommand, nodecmd.NewFollowCommand, nodecmd.NewUpCommand,
	nodecmd.NewAccessCommand, authoritycmd.NewBankCommand}

// copied is what "follow --once --json" says.
type copied struct {
	Dir, Network, Root string
	Size, Height, New  uint64
	Key                string `json:"follower_key"`
}

func follow(t *testing.T, dir string, line ...string) clitest.Ended {
	t.Helper()
	return clitest.Run(t, nouns, append([]string{"follow", "--once", "--data", dir}, line...)...)
}

// urlOf is where a ledger is served.
func urlOf(t *testing.T, l served.Ledger) string {
	t.Helper()
	url, _, err := datadir.Announced(l.Dir)
	if err != nil {
		t.Fatal(err)
	}
	return url
}

// spoiling is a node that answers as another does, but for the paths that a function takes.
func spoiling(t *testing.T, node string, spoil func(w http.ResponseWriter, path string) bool) string {
	t.Helper()
	target, err := url.Parse(node)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(target)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !spoil(w, r.URL.Path) {
			proxy.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// A copy is of the network that was asked for, made whole or not at all; it grows by what is new, and nobody's log but
// its own network's is ever written over it.
func TestCopiesOfANode(t *testing.T) {
	t.Parallel()
	l, other := served.Start(t, nouns), served.Start(t, nouns)
	node, root := urlOf(t, l), t.TempDir()
	dir := filepath.Join(root, "copy")
	rubbish := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("<html>"))
	}))
	t.Cleanup(rubbish.Close)
	entries := spoiling(t, node, func(w http.ResponseWriter, path string) bool {
		if strings.Contains(path, "/entries/") {
			_, _ = w.Write([]byte("\x00\x01x"))
			return true
		}
		return false
	})
	for name, c := range map[string]struct {
		line []string
		exit int
		says string
	}{
		"nobody":                  {nil, 2, "name the node to follow"},
		"no URL":                  {[]string{"127.0.0.1"}, 2, "URL"},
		"a network that is none":  {[]string{node, "--network", "xyz"}, 2, "--network"},
		"another network":         {[]string{node, "--network", strings.Repeat("0", 64)}, 2, "this is network"},
		"nobody there":            {[]string{"http://127.0.0.1:1"}, 5, ""},
		"rubbish":                 {[]string{rubbish.URL}, 1, rubbish.URL},
		"a log that is rubbish":   {[]string{entries}, 3, "does not begin with a genesis"},
		"a file that has no URL":  {[]string{"@" + filepath.Join(root, "none")}, 2, "none"},
		"more than one to follow": {[]string{node, node}, 2, ""},
		"no passphrase file":      {[]string{node, "--passphrase-file", filepath.Join(root, "none")}, 2, "none"},
	} {
		e := follow(t, dir, c.line...)
		if e.Exit != c.exit || !strings.Contains(e.Err, c.says) {
			t.Errorf("%s: exit %d, want %d, %q in\n%s", name, e.Exit, c.exit, c.says, e.Err)
		}
		if _, err := os.Stat(dir); err == nil {
			t.Fatalf("%s has left something", name)
		}
	}
	var first, again, more copied
	follow(t, dir, node+"/", "--json").JSON(t, &first)
	follow(t, dir, "--json").JSON(t, &again)
	if first.Size == 0 || again.New != 0 || again.Root != first.Root || again.Key != first.Key || first.Key == "" {
		t.Errorf("first %+v, again %+v", first, again)
	}
	l.Done("bank", "admit", "first")
	follow(t, dir, "--json").JSON(t, &more)
	if more.Size <= first.Size || more.New != more.Size-first.Size || more.Network != first.Network {
		t.Errorf("%+v after %+v", more, first)
	}
	before, err := os.ReadFile(filepath.Join(dir, datadir.ConfigFile))
	if err != nil {
		t.Fatal(err)
	}
	for name, e := range map[string]clitest.Ended{
		"another network's node": follow(t, dir, urlOf(t, other)).Wants(t, 3, "wrong-network"),
		"nobody is there":        follow(t, dir, "http://127.0.0.1:1").Wants(t, 5),
		"to lead with a copy":    clitest.Run(t, nouns, "up", "--data", dir).Wants(t, 2, "aqsha promote"),
	} {
		if after, err := os.ReadFile(filepath.Join(dir, datadir.ConfigFile)); err != nil || string(after) != string(before) {
			t.Errorf("%s has changed whom the copy follows: %s", name, e.Err)
		}
	}
	follow(t, l.Dir).Wants(t, 2, "follows nobody")
}

// A copy that has more than its leader, as after the leader was brought back from an old backup, or other entries, is
// not continued from it: what it holds may be the only proof of what was paid.
func TestACopyIsContinuedByItsOwnHistoryAlone(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	founded := filepath.Join(root, "founded")
	clitest.Run(t, nouns, "init", "--development", "--data", founded).Wants(t, 0)
	// One network, brought back twice from the backup of its first minute: two histories under one key.
	ledgers := map[string]served.Ledger{}
	for _, name := range []string{"long", "short", "other"} {
		dir := filepath.Join(root, name)
		if err := os.CopyFS(dir, os.DirFS(founded)); err != nil {
			t.Fatal(err)
		}
		ledgers[name] = served.At(t, dir, nouns)
	}
	ledgers["long"].Done("bank", "admit", "first")
	ledgers["long"].Done("bank", "admit", "second")
	ledgers["other"].Done("bank", "admit", "third")
	ledgers["other"].Done("bank", "admit", "fourth")
	ledgers["other"].Done("bank", "admit", "fifth")
	dir := filepath.Join(root, "copy")
	var made, after copied
	follow(t, dir, urlOf(t, ledgers["long"]), "--json").JSON(t, &made)
	for _, name := range []string{"short", "other"} {
		e := follow(t, dir, urlOf(t, ledgers[name]), "--json")
		if code, field := e.Code(t); code != string(datadir.WrongHistory) || field != "dir" || e.Exit != 3 {
			t.Errorf("%s: exit %d, %s, %s\n%s", name, e.Exit, code, field, e.Err)
		}
	}
	follow(t, dir, "--json").JSON(t, &after)
	if after.Root != made.Root || after.New != 0 {
		t.Errorf("%+v became %+v", made, after)
	}
	rubbish := spoiling(t, urlOf(t, ledgers["long"]), func(w http.ResponseWriter, path string) bool {
		if strings.HasPrefix(path, "/tile/0") {
			_, _ = w.Write(make([]byte, 32))
			return true
		}
		return false
	})
	ledgers["long"].Done("bank", "admit", "sixth")
	client := api.NewClient(rubbish, "")
	info, err := client.Network(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []uint64{0, info.Head.Size + 1, made.Size} {
		if _, err := nodecmd.RootAt(t.Context(), client, info.Head, size); err == nil {
			t.Errorf("a root over %d of %d entries, from tiles that are rubbish", size, info.Head.Size)
		}
	}
	head, err := nodecmd.RootAt(t.Context(), api.NewClient(urlOf(t, ledgers["long"]), ""), info.Head, made.Size)
	if err != nil || head.String() != made.Root {
		t.Errorf("the root over %d entries is %s, %v, and was %s", made.Size, head, err, made.Root)
	}
}
