package copycmd

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/internal/cli/clitest"
	"github.com/aqsha/aqsha/internal/cli/datadir"
	"github.com/aqsha/aqsha/internal/cli/nodecmd"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/txlog"
)

func content(t *testing.T, path ...string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// resting is a ledger at rest, a backup of it, and a folder for what is made of them.
type resting struct {
	copies
	ledger, backup string
}

func rests(t *testing.T) resting {
	t.Helper()
	r := resting{copies: copies{t: t, dir: t.TempDir()}}
	r.ledger, r.backup = r.at("ledger"), r.at("backup")
	clitest.Run(t, nouns, "init", "--development", "--shared-keys", "--data", r.ledger).Wants(t, 0)
	r.on("ledger", "bank", "admit", "Halyk").Wants(t, 0)
	r.on("ledger", "backup", r.backup).Wants(t, 0)
	return r
}

// copied makes a copy of a folder.
func (r resting) copied(from, name string) string {
	r.t.Helper()
	if err := os.CopyFS(r.at(name), os.DirFS(from)); err != nil {
		r.t.Fatal(err)
	}
	return r.at(name)
}

// A ledger at rest is founded once for all who look at what is made of it.
func TestARestingLedger(t *testing.T) {
	t.Parallel()
	r := rests(t)
	for _, part := range []struct {
		name string
		test func(t *testing.T, r resting)
	}{
		{"WhoMayLead", whoMayLead}, {"WhoTheFollowersAre", whoTheFollowersAre}, {"NotMade", backupsThatAreNotMade},
		{"Configuration", aRestorationKeepsTheConfiguration}, {"Replaced", aReplacedLeaderComesBack}, // last: it changes
	} {
		t.Run(part.name, func(t *testing.T) {
			r.t = t
			part.test(t, r)
		})
	}
}

// Who may read, and who must acknowledge, is the same after a restoration: a configuration that is there stays, one
// that cannot be read is not done without, and what an interrupted restoration kept is brought back.
func aRestorationKeepsTheConfiguration(t *testing.T, r resting) {
	access := api.Access{Name: "auditor", Role: api.RoleAuditor, TokenSHA256: api.HashToken("x")}
	if err := datadir.ChangeConfig(r.ledger, func(c *datadir.Config) error {
		c.Access, c.Listen, c.LogLevel = []api.Access{access}, "127.0.0.1:7777", "warn"
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	whole := content(t, r.ledger, datadir.ConfigFile)
	for name, c := range map[string]struct {
		config string // "-" for none
		says   string // of a refusal
	}{
		"as it was":            {whole, ""},
		"none":                 {"-", ""},
		"a key that is none":   {"acess = 1\n" + whole, "acess"},
		"a level that is none": {strings.Replace(whole, `"warn"`, `"loud"`, 1), "log_level"},
		"torn":                 {whole[:len(whole)/2], datadir.ConfigFile},
		"an access of nobody":  {strings.Replace(whole, `"auditor"`, `"king"`, 2), "role"},
	} {
		dir := r.copied(r.ledger, "as "+name)
		clitest.Put(t, c.config, dir, datadir.ConfigFile)
		if c.config == "-" {
			_ = os.Remove(filepath.Join(dir, datadir.ConfigFile))
		}
		before := files(t, dir)
		e := clitest.Run(t, nouns, "restore", r.backup, "--data", dir)
		if c.says != "" {
			if e.Exit == 0 || !strings.Contains(e.Err, c.says) || files(t, dir) != before {
				t.Errorf("%s: exit %d, %s%s", name, e.Exit, e.Out, e.Err)
			}
			continue
		}
		got, err := datadir.ReadConfig(dir)
		if e.Exit != 0 || err != nil || got.Leader != "" || !got.Development {
			t.Errorf("%s: exit %d, %+v, %v\n%s", name, e.Exit, got, err, e.Err)
		}
		if kept := len(got.Access) == 1 && got.Listen == "127.0.0.1:7777"; kept != (c.config == whole) {
			t.Errorf("%s: %+v", name, got)
		}
	}
	// A restoration that was cut off: the folder is a copy's by then, and what it is to be stands beside.
	dir := r.copied(r.backup, "cut off")
	clitest.Put(t, whole, dir, datadir.RestoringFile)
	if err := os.Remove(filepath.Join(dir, "log", "checkpoint")); err != nil {
		t.Fatal(err)
	}
	r.on("cut off", "restore", r.backup, "--accept-loss").Wants(t, 0)
	if got, err := datadir.ReadConfig(dir); err != nil || len(got.Access) != 1 || got.Leader != "" {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := os.Stat(filepath.Join(dir, datadir.RestoringFile)); err == nil {
		t.Error("the restoration that ended is under way still")
	}
	r.on("cut off", "backup", r.at("cut off")).Wants(t, 2)
	clitest.Put(t, "access = [", dir, datadir.RestoringFile)
	before := files(t, dir)
	if e := r.on("cut off", "restore", r.backup); e.Exit == 0 || files(t, dir) != before {
		t.Errorf("without what is to be brought back: exit %d, %s", e.Exit, e.Err)
	}
}

// A leader that was replaced and comes back from a directory follows nobody yet, and can be read, and follow.
func aReplacedLeaderComesBack(t *testing.T, r resting) {
	key := filepath.Join(r.ledger, "keys", "log.secret")
	next := r.copied(r.backup, "next")
	r.on("next", "promote", "--log-key", key).Wants(t, 0, "is the leader from entry 3 on")
	clitest.Put(t, content(t, next, "fence"), r.ledger, "fence") // it has heard of its successor
	e := r.on("ledger", "restore", next).Wants(t, 0, "It was replaced as the leader", "aqsha follow URL")
	if strings.Contains(e.Out, "to-size") {
		t.Errorf("said to be of the past:\n%s", e.Out)
	}
	c, err := datadir.ReadConfig(r.ledger)
	if err != nil || c.Leader != datadir.BackupLeader {
		t.Errorf("%+v, %v", c, err)
	}
	clitest.Run(t, clitest.Nouns{nodecmd.NewUpCommand}, "up", "--data", r.ledger).Wants(t, 2, "copies the log of")
	r.on("next", "restore", next).Wants(t, 2, "to be restored")
	r.on("next", "restore", next+"/../next").Wants(t, 2, "to be restored")
	if got := leaderFrom("https://tenge.example"); got != "https://tenge.example" {
		t.Error(got)
	}
}

// A point in time is found in what a source says of its blocks, and in nothing that it only claims.
func TestAPointIsFoundAtASource(t *testing.T) {
	t.Parallel()
	root := strings.Repeat("ab", 32)
	block := func(height, size, millis uint64, root string) (b api.BlockView) {
		b.Height, b.Size, b.TimeMillis, b.Root = height, size, millis, root
		return b
	}
	blocks := []api.BlockView{block(0, 1, 1000, root), block(1, 4, 2000, root), block(2, 9, 3000, root)}
	shortRoot := append(blocks[:1:1], block(1, 4, 2000, "ab"), blocks[2])
	noRoot := append(blocks[:1:1], block(1, 4, 2000, "xy"+root[2:]), blocks[2])
	another := append(blocks[:1:1], block(7, 4, 2000, root), blocks[2])
	for name, c := range map[string]struct {
		blocks []api.BlockView
		p      point
		size   uint64
		says   string
	}{
		"all":                       {blocks, point{}, 9, ""},
		"at a block's end":          {blocks, point{size: 4}, 4, ""},
		"within a block":            {blocks, point{size: 8}, 4, ""},
		"at the end":                {blocks, point{size: 9}, 9, ""},
		"beyond":                    {blocks, point{size: 10}, 0, "has 9 entries, not 10"},
		"before a block":            {blocks, point{millis: 2999}, 4, ""},
		"at a block's time":         {blocks, point{millis: 3000}, 9, ""},
		"long after":                {blocks, point{millis: 1 << 50}, 9, ""},
		"before the ledger":         {blocks, point{millis: 999}, 0, "began with block 0"},
		"a root that is cut off":    {shortRoot, point{size: 4}, 0, "root"},
		"a root that is none":       {noRoot, point{size: 4}, 0, "root"},
		"a block that is another's": {another, point{size: 4}, 0, "no block 1"},
		"no blocks":                 {nil, point{size: 4}, 0, "no block"},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			var before uint64
			_ = json.Unmarshal([]byte(r.URL.Query().Get("before")), &before)
			w.Header().Set("Content-Type", "application/json")
			answer := []api.BlockView{}
			if int(before) <= len(c.blocks) && before > 0 {
				answer = c.blocks[before-1 : before]
			}
			_ = json.NewEncoder(w).Encode(answer)
		}))
		head := node.Head{Size: 9, Root: txlog.Hash{1}}
		head.Height = 2
		got, err := c.p.find(t.Context(), api.NewClient(server.URL, ""), head)
		server.Close()
		if c.says == "" && (err != nil || got.Size != c.size) || c.says != "" && (err == nil ||
			!strings.Contains(err.Error(), c.says)) {
			t.Errorf("%s: %d, %v", name, got.Size, err)
		}
	}
}

// What a node refuses is told in words of a copy, and leaves none: who may not read all, who shows less than it has,
// and who is no node.
func backupsThatAreNotMade(t *testing.T, r resting) {
	for name, c := range map[string]struct {
		status    int
		path, say string // at this path, and everywhere below it
		says      string
	}{
		"it may not read":    {403, "/tile/entries", `{"code":"forbidden","status":403}`, "--access-file"},
		"nobody knows it":    {401, "/tile/entries", `{"code":"unauthorized","status":401}`, "--access-file"},
		"it waits":           {200, "/health", `{"status":"waiting","role":"leader","detail":"a, b"}`, "followers"},
		"rubbish":            {200, "/", `<html>`, ""},
		"no genesis":         {200, "/tile/entries", "\x00\x03abc", "genesis"},
		"another's genesis?": {200, "/v1/network", `{"name":"x"}`, ""},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			switch {
			case strings.HasPrefix(q.URL.Path, c.path):
				w.WriteHeader(c.status)
				_, _ = w.Write([]byte(c.say))
			case q.URL.Path == "/health":
				_, _ = w.Write([]byte(`{"status":"ok","role":"leader","height":1}`))
			case q.URL.Path == "/v1/network":
				var n api.Network
				n.Name, n.Head.Size = "tenge.localhost", 3
				_ = json.NewEncoder(w).Encode(n)
			default:
				w.WriteHeader(404)
			}
		}))
		dir := r.at("of " + name)
		e := clitest.Run(t, nouns, "backup", dir, "--node", server.URL, "--data", r.at("none"))
		server.Close()
		if e.Exit == 0 || !strings.Contains(e.Err, c.says) {
			t.Errorf("%s: exit %d, want %q in %s%s", name, e.Exit, c.says, e.Out, e.Err)
		}
		if _, err := os.Stat(dir); err == nil {
			t.Errorf("%s has left a folder", name)
		}
	}
	clitest.Run(t, nouns, "backup", r.at("x"), "--node", "http://127.0.0.1:1").Wants(t, 5)
	clitest.Run(t, nouns, "backup", r.at("x"), "--data", r.at("none")).Wants(t, 2, "no network in")
	clitest.Run(t, nouns, "backup").Wants(t, 2)
	// What an earlier program said wrongly is said rightly when the backup is continued.
	_ = os.Remove(filepath.Join(r.backup, "development"))
	for range 2 {
		r.on("ledger", "backup", r.backup).Wants(t, 0)
		if c, err := datadir.ReadConfig(r.backup); err != nil || !c.Development {
			t.Errorf("%+v, %v", c, err)
		}
	}
}
