package main

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	standInForTheMachine()
	testscript.Main(m, map[string]func(){"aqsha": func() { os.Exit(run()) }})
}

// tools is where 'make deps' puts programs that the tests run.
var tools, _ = filepath.Abs("../../.tools")

// TestScripts plays testdata/script/*.txtar: what a user types, and what must come back.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("PATH", tools+string(os.PathListSeparator)+env.Getenv("PATH"))
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"waitfile": waitFile, "waitfor": waitFor, "envfile": envFile, "private": private,
		},
		// [tool:btcd] holds when 'make deps' or the user has installed btcd.
		Condition: func(condition string) (bool, error) {
			name, ok := strings.CutPrefix(condition, "tool:")
			if !ok {
				return false, os.ErrInvalid
			}
			if _, err := os.Stat(filepath.Join(tools, name)); err == nil {
				return true, nil
			}
			_, err := exec.LookPath(name)
			return err == nil, nil
		},
	})
}

// waitFile waits until a background command has written a file.
func waitFile(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: waitfile FILE")
	}
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if info, err := os.Stat(ts.MkAbs(args[0])); err == nil && info.Size() > 0 {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("%s does not appear", args[0])
		}
	}
}

// waitFor runs a program until what it prints, also as an error, matches: what another process does takes as long as
// the machine lets it. It gives up, and shows what was printed last, long before the limit of all tests would say no
// more than that one of them hung.
func waitFor(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: waitfor REGEXP PROGRAM [ARGUMENT...]")
	}
	wanted, err := regexp.Compile("(?m)" + args[0])
	ts.Check(err)
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(100 * time.Millisecond) {
		err := ts.Exec(args[1], args[2:]...)
		if wanted.MatchString(ts.ReadFile("stdout") + ts.ReadFile("stderr")) {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("%s: nothing matches %q; at last %v", strings.Join(args[1:], " "), args[0], err)
		}
	}
}

// envFile sets a variable to a file's text without the end of its line.
func envFile(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: envfile NAME FILE")
	}
	ts.Setenv(args[0], strings.TrimSpace(ts.ReadFile(args[1])))
}

// private fails where a file or folder below one is anybody's but its owner's: what a ledger, a farm or a market leaves
// behind names people, machines and money. Only what is told to be public is, by whoever copies it elsewhere.
func private(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("want: private FOLDER")
	}
	seen := 0
	err := filepath.WalkDir(ts.MkAbs(args[0]), func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() && !d.Type().IsRegular() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if seen++; info.Mode().Perm()&0o077 != 0 {
			ts.Logf("%s: %v", path, info.Mode())
			return fmt.Errorf("%s may be read or written by others", path)
		}
		if d.IsDir() && d.Name() == "bitcoin" {
			return fs.SkipDir // a program of others writes there, and the folder is shut
		}
		return nil
	})
	if err != nil {
		ts.Fatalf("%v", err)
	}
	if seen < 20 {
		ts.Fatalf("%s has %d files: it is no data directory that was used", args[0], seen)
	}
}
