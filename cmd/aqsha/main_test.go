package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
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
