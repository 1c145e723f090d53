package clustercmd

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/internal/cli/clitest/served"
	"github.com/aqsha/aqsha/internal/cli/datadir"
	"github.com/aqsha/aqsha/wallet"
)

// twoPorts are ports of this machine that follow each other and are free.
func twoPorts(t *testing.T) string {
	t.Helper()
	for range 100 {
		first, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		port := first.Addr().(*net.TCPAddr).Port
		second, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port+1)))
		_ = first.Close()
		if err == nil {
			_ = second.Close()
			return strconv.Itoa(port)
		}
	}
	t.Fatal("no two ports that follow each other are free")
	return ""
}

// The last validator that is left becomes a node that orders alone, and goes on from the snapshot that it took itself;
// who was removed, and who has others beside it, does not.
func TestTheLastValidatorBecomesANode(t *testing.T) {
	t.Parallel()
	root := filepath.Join(t.TempDir(), "net")
	run(t, root, "init", "--development", "--shared-keys", "--validators", "a,b", "--peer-port", twoPorts(t), "--port",
		"1").Wants(t, 0)
	left, removed := filepath.Join(root, "a"), filepath.Join(root, "b")
	before := everything(t, left)
	run(t, left, "dissolve").Wants(t, 2, "all but one are removed")
	t.Run("running", func(t *testing.T) {
		a := served.At(t, left, nouns)
		_ = served.At(t, removed, nouns)
		a.Done("bank", "admit", "halyk")
		a.Done("cluster", "remove", "b", "--reason", "left")
		a.Done("bank", "admit", "kaspi") // which one alone has ordered
		a.Wrong("cluster dissolve", "cluster", "remove", "a")
	})
	if before[filepath.Join(left, datadir.ConfigFile)] != everything(t, left)[filepath.Join(left, datadir.ConfigFile)] {
		t.Error("a dissolution that was refused has changed the configuration")
	}
	run(t, removed, "dissolve").Wants(t, 2)
	// Another log's key in its place would sign what the ledger does not know.
	foreign := found(t, filepath.Join(t.TempDir(), "foreign"))
	content, err := os.ReadFile(filepath.Join(foreign, wallet.LogKeyFile))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(left, wallet.LogKeyFile), content, 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, left, "dissolve").Wants(t, 1, wallet.LogKeyFile, "another key")
	if err := os.Remove(filepath.Join(left, wallet.LogKeyFile)); err != nil {
		t.Fatal(err)
	}
	var made struct {
		Entries       uint64
		Root, Cluster string
	}
	run(t, left, "dissolve", "--json").JSON(t, &made)
	if made.Entries < 6 || len(made.Root) != 64 || !strings.HasPrefix(filepath.Base(made.Cluster), "cluster-") &&
		!strings.Contains(made.Cluster, strconv.FormatUint(made.Entries, 10)) {
		t.Errorf("%+v", made)
	}
	run(t, left, "dissolve").Wants(t, 2, "no validator's directory")
	c, lock, err := datadir.TakeLedger(context.Background(), left, datadir.AnyLedger)
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	keyring, err := wallet.OpenKeyring(left, "", func(string) (string, error) { return "", errors.New("no passphrase") })
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	n, err := datadir.OpenNode(left, c, keyring, slog.New(slog.NewTextHandler(io.Writer(&log), nil)))
	if err != nil {
		t.Fatal(err)
	}
	if head := n.Head(); head.Size != made.Entries || head.Root.String() != made.Root {
		t.Errorf("the node has %+v, and %+v was said", head, made)
	}
	if err := n.Close(); err != nil {
		t.Error(err)
	}
	if strings.Contains(log.String(), "snapshot") {
		t.Errorf("the node does not believe the snapshot that it was left with:\n%s", &log)
	}
}

// A cluster that was founded with one validator, whose list was never set, becomes a node too: it signs under the
// genesis's key, that of a quorum of one, as before.
func TestAFounderAloneBecomesANode(t *testing.T) {
	t.Parallel()
	root := filepath.Join(t.TempDir(), "net")
	run(t, root, "init", "--development", "--shared-keys", "--validators", "solo", "--peer-port", twoPorts(t), "--port",
		"1").Wants(t, 0)
	dir := filepath.Join(root, "solo")
	t.Run("a validator", func(t *testing.T) {
		solo := served.At(t, dir, nouns)
		solo.Done("bank", "admit", "halyk")
	})
	var made struct{ Entries uint64 }
	run(t, dir, "dissolve", "--json").JSON(t, &made)
	if made.Entries < 2 {
		t.Errorf("%+v", made)
	}
	t.Run("a node", func(t *testing.T) {
		alone := served.At(t, dir, nouns)
		alone.Done("bank", "admit", "kaspi")
	})
	c, lock, err := datadir.TakeLedger(context.Background(), dir, datadir.AnyLedger)
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	keyring, err := wallet.OpenKeyring(dir, "", func(string) (string, error) { return "", errors.New("no passphrase") })
	if err != nil {
		t.Fatal(err)
	}
	n, err := datadir.OpenNode(dir, c, keyring, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	signed, at := n.Published()
	if err := n.CheckCheckpoint(signed); err != nil || at.Size != n.Head().Size || at.Size <= made.Entries {
		t.Errorf("%d entries of %d are signed, %d were behind the dissolution: %v", at.Size, n.Head().Size, made.Entries,
			err)
	}
	// Nothing has changed the log's key: nothing needs to be shown.
	if known, err := n.Signers(); err != nil || known.Changes() != 0 {
		t.Errorf("%d changes, %v", known.Changes(), err)
	}
	// The log's key of the genesis opens from its file, as a follower's promotion asks for it.
	path := filepath.Join(dir, wallet.LogKeyFile)
	if _, _, err := keyring.ReadLogKey(path, n.Genesis().LogKey); err != nil {
		t.Error(err)
	}
	if err := n.Close(); err != nil {
		t.Error(err)
	}
}
