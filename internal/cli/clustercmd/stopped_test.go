package clustercmd

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/cluster/status"
	"github.com/aqsha/aqsha/internal/cli/clitest"
	"github.com/aqsha/aqsha/internal/cli/clitest/served"
	"github.com/aqsha/aqsha/internal/cli/datadir"
	"github.com/aqsha/aqsha/internal/cli/nodecmd"
	"github.com/aqsha/aqsha/wallet"
)

// awaits polls how a validator sees its cluster until it is as wanted.
func awaits(t *testing.T, client *api.Client, what string, is func(status.Status) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		o, err := client.Cluster(ctx)
		if err == nil && o.Cluster != nil && is(*o.Cluster) {
			return
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			t.Fatalf("%s: %+v, %v", what, o.Cluster, err)
		}
	}
}

// A validator that cannot go on ends by itself, and before that answers the payment that waits at it: not known, with a
// code and with the cause, and not with a connection that is cut when the time for answers is over.
func TestAValidatorThatStopsAnswersWhoWaits(t *testing.T) {
	t.Parallel()
	root := filepath.Join(t.TempDir(), "net")
	run(t, root, "init", "--development", "--shared-keys", "--validators", "a,b", "--peer-port", twoPorts(t), "--port",
		"1").Wants(t, 0)
	dir := filepath.Join(root, "a")
	c, lock, err := datadir.TakeLedger(t.Context(), dir, datadir.AnyLedger)
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	c.Listen = "127.0.0.1:0"
	keyring, err := wallet.OpenKeyring(dir, "", func(string) (string, error) { return "", nil })
	if err != nil {
		t.Fatal(err)
	}
	ready, ended := make(chan string, 1), make(chan error, 1)
	go func() {
		ended <- nodecmd.Serve(context.Background(), dir, c, keyring, nil,
			func(_ context.Context, _ *api.Server, url string) error {
				ready <- url
				return nil
			})
	}()
	client := api.NewClient(<-ready, "")
	t.Run("both run", func(t *testing.T) {
		_ = served.At(t, filepath.Join(root, "b"), nouns)
		awaits(t, client, "no block is agreed on", func(s status.Status) bool { return !s.CatchingUp && s.Height > 1 })
	})
	waits := make(chan clitest.Ended, 1)
	go func() { waits <- clitest.Run(t, nouns, "bank", "admit", "halyk", "--json", "--data", dir) }()
	// The other validator is away by now: what is handed in waits.
	awaits(t, client, "nothing waits", func(s status.Status) bool { return s.Batches > 0 })
	// What it has signed cannot be written any more: a folder lies in its place. The other one brings on a vote.
	signed := filepath.Join(dir, "cluster", "data", "priv_validator_state.json")
	if err := os.Rename(signed, signed+".kept"); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(signed, 0o700); err != nil {
		t.Fatal(err)
	}
	_ = served.At(t, filepath.Join(root, "b"), nouns)
	e := <-waits
	if code, _ := e.Code(t); e.Exit != 4 || code != "undecided" || !strings.Contains(e.Out+e.Err, "has stopped") {
		t.Errorf("exit %d, %s\n%s%s", e.Exit, code, e.Out, e.Err)
	}
	if err := <-ended; err == nil || !strings.Contains(err.Error(), "has stopped") {
		t.Errorf("ended with %v", err)
	}
}
