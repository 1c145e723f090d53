package clustercmd

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/cluster/status"
	"github.com/aqsha/aqsha/internal/cli/authoritycmd"
	"github.com/aqsha/aqsha/internal/cli/clitest"
	"github.com/aqsha/aqsha/internal/cli/clitest/served"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/words"
)

var nouns = clitest.Nouns{NewClusterCommand, authoritycmd.NewBankCommand}

func run(t *testing.T, dir string, line ...string) clitest.Ended {
	t.Helper()
	return clitest.Run(t, nouns, append(append([]string{"cluster"}, line...), "--data", dir)...)
}

// Validators are planned whole before anything is made: each has a name of its own, a host where hosts are said, and ports that
// meet no other's.
func TestAClusterIsPlannedWhole(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "net")
	for word, flags := range map[string][]string{
		"small letters":          {"--validators", "Central,dala"},
		"at most 32":             {"--validators", strings.Repeat("a", 33)},
		"is none of":             {"--validators", "a,b", "--host", "a=10.0.0.1,b=10.0.0.2,c=10.0.0.3"},
		"nothing is said of b":   {"--validators", "a,b", "--host", "a=10.0.0.1"},
		"a and b are both at":    {"--validators", "a,b", "--host", "a=10.0.0.1,b=10.0.0.1"},
		"b and c are both at":    {"--validators", "a,b,c", "--host", "a=10.0.0.1,b=::1,c=0:0::1"},
		"c and d are both at":    {"--validators", "c,d", "--host", "c=Bank.example,d=bank.example."},
		"--delay: want 1m0s":     {"--validators", "a", "--delay", "1s"},
		"want NAME=HOST":         {"--validators", "a", "--host", "10.0.0.1"},
		"\"a=x y\"":              {"--validators", "a", "--host", "a=x y"},
		"\"a=http://x\"":         {"--validators", "a", "--host", "a=http://x"},
		"these meet":             {"--validators", "a,b", "--port", "9000", "--peer-port", "9001"},
		"1 to 65535":             {"--validators", "a,b", "--port", "65535", "--peer-port", "9001"},
		"--port 9000":            {"--validators", "a", "--host", "a=10.0.0.1", "--port", "9000", "--peer-port", "9000"},
		"--daily-cap":            {"--validators", "a", "--daily-cap", "much"},
		"\"validators\" not set": {},
	} {
		run(t, dir, append([]string{"init", "--development"}, flags...)...).Wants(t, 2, word)
		if _, err := os.Stat(dir); err == nil {
			t.Fatalf("%v has made a directory", flags)
		}
	}
	for _, flags := range [][]string{{"--validators", "a,a"}, {"--validators", "a,b,a"},
		{"--validators", "a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q"},
		{"--validators", "a", "--name", "two words"}} {
		if e := run(t, dir, append([]string{"init", "--development"}, flags...)...); e.Exit == 0 {
			t.Errorf("%v: %s", flags, e.Out)
		}
		if _, err := os.Stat(dir); err == nil {
			t.Errorf("%v was refused, and has left a directory", flags)
		}
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	run(t, dir, "init", "--development", "--validators", "a,a").Wants(t, 2, "twice")
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("in a directory that was there %v is left, %v", left, err)
	}
}

// A founded cluster has a directory for each validator, in which its own settings are and no other's secret; founded twice it is
// refused, and who is no validator has nothing to adopt, dissolve or show.
func TestAClusterIsFounded(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "net")
	var made struct {
		Network    string
		Validators []struct{ Name, Data, Listen, Peers string }
	}
	run(t, dir, "init", "--development", "--validators", "central,dala", "--json").JSON(t, &made)
	if len(made.Validators) != 2 || made.Validators[0].Peers == made.Validators[1].Peers || made.Validators[0].Listen == made.Validators[1].Listen {
		t.Fatalf("%+v", made)
	}
	secrets := map[string]string{}
	for _, v := range made.Validators {
		err := filepath.WalkDir(v.Data, func(path string, entry os.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			info, err := entry.Info()
			if err != nil {
				return err
			}
			if strings.Contains(path, "secret") || strings.HasSuffix(path, ".key") {
				content, err := os.ReadFile(path)
				if err != nil {
					return err
				}
				if other, shared := secrets[string(content)]; shared && other != v.Name {
					t.Errorf("%s is %s's too", path, other)
				}
				secrets[string(content)] = v.Name
				if info.Mode().Perm()&0o077 != 0 {
					t.Errorf("%s can be read by others: %s", path, info.Mode())
				}
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
	if len(secrets) < 2 {
		t.Errorf("%d secrets", len(secrets))
	}
	if e := run(t, dir, "init", "--development", "--validators", "central,dala"); e.Exit == 0 {
		t.Errorf("founded twice: %s", e.Out)
	}
	run(t, t.TempDir(), "dissolve").Wants(t, 2, "no validator's directory")
	if e := run(t, made.Validators[1].Data, "adopt", filepath.Join(dir, "none.json"), "--from", dir); e.Exit == 0 {
		t.Errorf("adopted from nowhere: %s", e.Out)
	}
}

// A ledger that one node orders has no cluster to show or to change, and is handed over only by who says so.
func TestALedgerThatOneNodeOrders(t *testing.T) {
	l := served.Start(t, nouns)
	l.Wrong("orders alone", "cluster", "status")
	l.Wrong("orders alone", "cluster", "remove", "dala")
	file := filepath.Join(t.TempDir(), "v.json")
	if err := os.WriteFile(file, []byte(`{"name": "a"`), 0o600); err != nil {
		t.Fatal(err)
	}
	l.Wrong("--adopt", "cluster", "set", file)
	l.Wrong("v.json", "cluster", "set", file, "--adopt")
	if e := l.Run("cluster", "set", filepath.Join(t.TempDir(), "none.json"), "--adopt"); e.Exit == 0 {
		t.Errorf("handed over to nobody: %s", e.Out)
	}
}

// A validator's public file is one validator, whole, within bounds, and no two of a set are the same.
func TestPublicFiles(t *testing.T) {
	write := func(name, content string) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	validator := func(name string, b byte) token.Validator {
		key := func(k byte) (out token.PublicKey) { out[0], out[1] = 1, k; return out }
		return token.Validator{Name: name, Vote: key(b), Checkpoint: key(b + 100)}
	}
	for name, content := range map[string]string{"torn.json": `{"name":`, "list.json": "[]", "empty.json": "", "bare.json": "{}",
		"large.json": `{"name": "` + strings.Repeat("a", 1<<20) + `"}`} {
		if v, err := readPublic(write(name, content)); err == nil {
			t.Errorf("%s is %+v", name, v)
		}
	}
	one, err := json.Marshal(validator("central", 1))
	if err != nil {
		t.Fatal(err)
	}
	path := write("a.json", string(one))
	if _, all, err := readPublics([]string{path, path}); err == nil {
		t.Errorf("one validator twice: %+v", all)
	}
	if got := names([]token.Validator{validator("central", 1), validator("dala", 2)}); got != "central, dala" {
		t.Error(got)
	}
	if _, err := membersOf([]status.Member{{Name: "central", Peer: "x"}}); err == nil || !strings.Contains(err.Error(), "central") {
		t.Errorf("%v", err)
	}
	if yesNo(words.English, true) == yesNo(words.English, false) {
		t.Error("yes is no")
	}
	var out bytes.Buffer
	clusterDemo{Killed: "dala", Payments: 7, PauseSeconds: 1.5}.describe(&out, words.English)
	for _, want := range []string{"7 payments", "After dala was killed", "1.5 s"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("want %q in\n%s", want, out.String())
		}
	}
}
