package copycmd

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	formats "github.com/transparency-dev/formats/note"
	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/cli/datadir"
	"github.com/aqsha/aqsha/node"
)

// usage says whether an error is of a wrong command line.
func usage(err error) bool {
	var wrong cli.UsageError
	return errors.As(err, &wrong)
}

// What is named to restore from and is no copy of a ledger is refused in words of restoring, as a wrong command line.
func TestNothingToRestoreFrom(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for source, says := range map[string]string{filepath.Join(dir, "nope"): "there is no", file: "is a file", dir: "is no backup"} {
		if err := holdsCopy(source); err == nil || !usage(err) || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "aqsha init") {
			t.Errorf("%s: %v", source, err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, datadir.ConfigFile), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := holdsCopy(dir); err != nil {
		t.Error(err)
	}
}

// A name given up must be a follower's, by the list here or one that was heard; else those there are are named.
func TestWhoIsGivenUpIsAFollower(t *testing.T) {
	t.Parallel()
	key := func(name string) (string, note.Verifier) {
		_, verifier, err := note.GenerateKey(nil, name)
		if err != nil {
			t.Fatal(err)
		}
		public, err := formats.VKeyToCosignatureV1(verifier)
		if err != nil {
			t.Fatal(err)
		}
		v, err := node.ParseFollower(public)
		if err != nil {
			t.Fatal(err)
		}
		return public, v
	}
	self, _ := key("self")
	one, v := key("one")
	_, heard := key("heard")
	p := &promoting{name: "self", c: datadir.Config{Followers: []string{self, one}}, verifiers: []note.Verifier{v}, reported: []followerList{{verifiers: []note.Verifier{heard}}}}
	if err := p.knows([]string{"one", "heard"}); err != nil {
		t.Error(err)
	}
	for _, name := range []string{"oen", "self", ""} {
		if err := p.knows([]string{"one", name}); err == nil || !usage(err) || !strings.Contains(err.Error(), "heard, one") {
			t.Errorf("%q: %v", name, err)
		}
	}
	if err := (&promoting{}).knows([]string{"one"}); err == nil || !usage(err) {
		t.Errorf("without any follower: %v", err)
	}
}
