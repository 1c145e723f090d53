// Package served is a ledger that a node serves in the test's own process, for tests of commands: they find it by its
// directory, as they find a node of another process, and need no second to open one.
package served

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/internal/cli/clitest"
	"github.com/aqsha/aqsha/internal/cli/datadir"
	"github.com/aqsha/aqsha/internal/cli/nodecmd"
	"github.com/aqsha/aqsha/wallet"
)

// Ledger is the directory of a development network and the commands that a test runs on it.
type Ledger struct {
	t     testing.TB
	Dir   string
	nouns clitest.Nouns
}

// Start founds a network, by whatever flags init takes besides, and serves it until the test is over.
func Start(t testing.TB, nouns clitest.Nouns, flags ...string) Ledger {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "net")
	clitest.Run(t, clitest.Nouns{nodecmd.NewInitCommand},
		append([]string{"init", "--development", "--data", dir}, flags...)...).Wants(t, 0)
	return At(t, dir, nouns)
}

// At serves the ledger of a directory until the test is over.
func At(t testing.TB, dir string, nouns clitest.Nouns) Ledger {
	t.Helper()
	l := Ledger{t, dir, nouns}
	c, lock, err := datadir.TakeLedger(t.Context(), l.Dir, datadir.AnyLedger)
	if err != nil {
		t.Fatal(err)
	}
	c.Listen = "127.0.0.1:0"
	keyring, err := wallet.OpenKeyring(l.Dir, "", func(string) (string, error) { return "", nil })
	if err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithCancel(context.Background())
	ready, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		ended <- nodecmd.Serve(ctx, l.Dir, c, keyring, nil, func(context.Context, *api.Server, string) error {
			close(ready)
			return nil
		})
	}()
	select {
	case <-ready:
	case err := <-ended:
		t.Fatal(err)
	}
	t.Cleanup(func() {
		// The lock goes last: until the node has ended, its directory is nobody else's.
		end()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if err := lock.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

// Run runs a command there.
func (l Ledger) Run(line ...string) clitest.Ended {
	l.t.Helper()
	return clitest.Run(l.t, l.nouns, append(line, "--data", l.Dir)...)
}

// Done runs a command that must end well.
func (l Ledger) Done(line ...string) clitest.Ended {
	l.t.Helper()
	return l.Run(line...).Wants(l.t, 0)
}

// Refused wants a command refused by a rule, with a code.
func (l Ledger) Refused(code string, line ...string) {
	l.t.Helper()
	e := l.Run(append(line, "--json")...)
	if got, _ := e.Code(l.t); got != code || e.Exit != 3 {
		l.t.Errorf("%v: exit %d, %s, want %s\n%s%s", line, e.Exit, got, code, e.Out, e.Err)
	}
}

// Wrong wants a command line refused, by a word of what is wrong with it.
func (l Ledger) Wrong(word string, line ...string) {
	l.t.Helper()
	l.Run(line...).Wants(l.t, 2, word)
}
