package clustercmd

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/cluster"
	"github.com/aqsha/aqsha/internal/cli/clitest"
	"github.com/aqsha/aqsha/internal/cli/datadir"
	"github.com/aqsha/aqsha/internal/cli/nodecmd"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/wallet"
)

// found makes a ledger that one node orders.
func found(t *testing.T, dir string) string {
	t.Helper()
	clitest.Run(t, clitest.Nouns{nodecmd.NewInitCommand}, "init", "--development", "--shared-keys", "--data", dir).
		Wants(t, 0)
	return dir
}

// everything is what a directory holds, by path.
func everything(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		all[path] = string(content)
		return err
	})
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return all
}

func unchanged(t *testing.T, what string, before, after map[string]string) {
	t.Helper()
	for path, content := range before {
		if now, there := after[path]; !there || now != content {
			t.Errorf("%s has changed %s", what, path)
		}
	}
	for path := range after {
		if _, there := before[path]; !there && filepath.Base(path) != "LOCK" {
			t.Errorf("%s has made %s", what, path)
		}
	}
}

func public(t *testing.T, dir string) (v publicValidator) {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(dir, publicFile))
	if err == nil {
		err = json.Unmarshal(content, &v)
	}
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// Who joins, or takes over, is judged before anything is made: a name that others can read, ports and a host at which
// it can be reached, and a directory of its own, never another ledger's.
func TestANewcomerIsJudgedFirst(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	alone, other := found(t, filepath.Join(root, "alone")), found(t, filepath.Join(root, "other"))
	run(t, filepath.Join(root, "net"), "init", "--development", "--validators", "a").Wants(t, 0)
	validator, empty := filepath.Join(root, "net", "a"), filepath.Join(root, "empty")
	dir := filepath.Join(root, "new")
	for _, from := range []string{alone, validator} {
		for word, line := range map[string][]string{
			"small letters":  {"Two Words"},
			"\"\\x1b[2J\"":   {"\x1b[2J"},
			"at most 32":     {strings.Repeat("n", 33)},
			"--port 0":       {"n", "--port", "0"},
			"--port 65536":   {"n", "--port", "65536"},
			"--peer-port -1": {"n", "--peer-port", "-1"},
			"that differ":    {"n", "--port", "9000", "--peer-port", "9000"},
			"\"http://x\"":   {"n", "--host", "http://x"},
			"\"\"":           {"n", "--host", ""},
			"\"a b\"":        {"n", "--host", "a b"},
			"\"10.0.0.1:1\"": {"n", "--host", "10.0.0.1:1"},
		} {
			run(t, dir, append([]string{"prepare", "--from", from}, line...)...).Wants(t, 2, word)
		}
		for _, taken := range []string{alone, other, validator} {
			before := everything(t, taken)
			run(t, taken, "prepare", "n", "--from", from).Wants(t, 2, "holds a ledger already")
			unchanged(t, "a newcomer in another ledger's directory", before, everything(t, taken))
		}
	}
	run(t, dir, "prepare", "n").Wants(t, 2, "--from")
	run(t, dir, "prepare", "n", "--from", empty).Wants(t, 2, "no network in")
	run(t, dir, "prepare", "n", "m", "--from", alone).Wants(t, 2)
	run(t, dir, "prepare").Wants(t, 2, "name the new validator")
	run(t, alone, "prepare").Wants(t, 2, "name the new validator")
	run(t, dir, "prepare", "n", "--from", validator, "--peers", "10.0.0.1:26656").Wants(t, 2, "ID@HOST:PORT")
	if _, err := os.Stat(dir); err == nil {
		t.Errorf("what was refused has left %v", everything(t, dir))
	}
}

// A newcomer's directory has keys of its own and the network's first entry, and says who it is to the authority; where
// something came between, nothing of it is taken for whole.
func TestANewcomersDirectory(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	alone := found(t, filepath.Join(root, "alone"))
	run(t, filepath.Join(root, "net"), "init", "--development", "--validators", "a,b", "--peer-port", "31000").Wants(t, 0)
	from := filepath.Join(root, "net", "b")
	known, err := datadir.ReadConfig(from)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(root, "c")
	var said struct {
		Validator token.Validator
		File      string
	}
	run(t, dir, "prepare", "c", "--from", from, "--host", "10.0.0.5", "--port", "9420", "--json").JSON(t, &said)
	c, err := datadir.ReadConfig(dir)
	if err != nil || c.Network != known.Network || c.Listen != "127.0.0.1:9420" || !c.Development {
		t.Errorf("%+v, %v", c, err)
	}
	if got := public(t, dir); got.Validator != said.Validator || got.Name != "c" ||
		said.File != filepath.Join(dir, publicFile) {
		t.Errorf("the file says %+v, and the command %+v", got, said)
	}
	s, err := cluster.ReadSettings(dir)
	if err != nil || s.Name != "c" || s.Listen != "10.0.0.5:26656" || len(s.Peers) != 2 {
		t.Errorf("%+v, %v", s, err)
	}
	for _, peer := range s.Peers { // both that are there, each under its own id
		if _, at, _ := strings.Cut(peer, "@"); at != "127.0.0.1:31000" && at != "127.0.0.1:31001" {
			t.Errorf("a peer at %s", peer)
		}
	}
	keys := map[token.PublicKey]bool{said.Validator.Vote: true, said.Validator.Checkpoint: true}
	other := filepath.Join(root, "d")
	run(t, other, "prepare", "d", "--from", alone, "--host", "2001:db8::5", "--peer-port", "31005").Wants(t, 0, "--adopt")
	of := public(t, other)
	if of.Address != "[2001:db8::5]:31005" || keys[of.Vote] || keys[of.Checkpoint] || of.Vote == of.Checkpoint {
		t.Errorf("%+v", of)
	}
	// A crash before the configuration: keys that nobody was given.
	if err := os.Remove(filepath.Join(other, datadir.ConfigFile)); err != nil {
		t.Fatal(err)
	}
	before := everything(t, other)
	for _, again := range []string{alone, from} {
		run(t, other, "prepare", "d", "--from", again).Wants(t, 2, "remove it")
		unchanged(t, "a second try", before, everything(t, other))
	}
}

// Next keys wait beside the present ones, once; the file that names them is made again where something came between.
func TestNextKeysWait(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	run(t, root+"/net", "init", "--development", "--validators", "a,b").Wants(t, 0)
	dir := filepath.Join(root, "net", "a")
	present, err := os.ReadFile(filepath.Join(dir, wallet.ValidatorKeyFile))
	if err != nil {
		t.Fatal(err)
	}
	run(t, dir, "prepare").Wants(t, 0, "cluster rotate")
	next := public(t, dir)
	if now, err := os.ReadFile(filepath.Join(dir, wallet.ValidatorKeyFile)); err != nil || string(now) != string(present) {
		t.Errorf("the present keys were touched: %v", err)
	}
	charter, err := cluster.ReadCharter(dir)
	if err != nil {
		t.Fatal(err)
	}
	was, err := charter.Members[0].Validator()
	if err != nil || next.Name != "a" || next.Vote == was.Vote || next.Checkpoint == was.Checkpoint ||
		next.Peer != was.Peer {
		t.Errorf("next %+v, present %+v, %v", next, was, err)
	}
	before := everything(t, dir)
	run(t, dir, "prepare").Wants(t, 2, "next keys wait")
	unchanged(t, "a second preparation", before, everything(t, dir))
	for _, between := range []func() error{
		func() error { return os.Remove(filepath.Join(dir, publicFile)) },
		func() error { return os.WriteFile(filepath.Join(dir, publicFile), []byte(`{"name"`), 0o600) },
		func() error { // the file of the keys before
			content, err := json.Marshal(was)
			if err == nil {
				err = os.WriteFile(filepath.Join(dir, publicFile), content, 0o600)
			}
			return err
		},
	} {
		if err := between(); err != nil {
			t.Fatal(err)
		}
		run(t, dir, "prepare").Wants(t, 0)
		if got := public(t, dir); got != next {
			t.Errorf("the file says %+v, and %+v wait", got, next)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, wallet.NextValidatorKeyFile), []byte("torn\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, dir, "prepare").Wants(t, 1, "validator.next")
}

// Who adopts a ledger goes on with a copy of another's log, under the name that its own directory says.
func TestWhatIsAdopted(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	alone := found(t, filepath.Join(root, "alone"))
	at := func(name string) string { return filepath.Join(root, name) }
	file := func(name string) string { return filepath.Join(at(name), publicFile) }
	for _, name := range []string{"a", "b"} {
		run(t, at(name), "prepare", name, "--from", alone).Wants(t, 0)
	}
	before := everything(t, alone)
	run(t, at("a"), "adopt", file("a"), file("b")).Wants(t, 2, "from")
	run(t, at("a"), "adopt", file("a"), file("b"), "--from", at("none")).Wants(t, 2, "no network in")
	run(t, at("a"), "adopt", file("a"), file("b"), "--from", alone).Wants(t, 2, "was not handed over")
	run(t, at("a"), "adopt", file("a"), file("a"), "--from", alone).Wants(t, 3, "twice")
	run(t, at("c"), "adopt", file("a"), "--from", alone).Wants(t, 1, "validator.json")
	unchanged(t, "adopting what was not handed over", before, everything(t, alone))
	// Its own log would be removed for a copy of it.
	if err := os.MkdirAll(filepath.Dir(file("alone")), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file("alone"), []byte(everything(t, at("a"))[file("a")]), 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, alone, "adopt", file("a"), "--from", alone+"/.").Wants(t, 2, "own directory")
	for path, content := range before {
		if now, err := os.ReadFile(path); err != nil || string(now) != content {
			t.Fatalf("adopting itself has changed %s: %v", path, err)
		}
	}
}
