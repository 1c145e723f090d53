package cluster_test

import (
	"os"
	"path/filepath"
	"testing"
)

// A validator whose disk is lost comes back from its keys, its settings, what it has signed, and a copy of another's ledger that
// did not run when it was made, as docs/cluster.md says. The other's votes and write-ahead log are not its own.
func TestALostDirectoryComesBack(t *testing.T) {
	t.Parallel()
	g := newGroup(t, 4)
	g.startAll()
	g.settle(16)
	g.submit(2, g.payment())
	g.agree()
	g.stop(1)
	g.stop(2)
	lost, source := g.members[2].dir, g.members[1].dir
	signed := filepath.Join("cluster", "data", "priv_validator_state.json")
	kept, err := os.ReadFile(filepath.Join(lost, signed))
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"log", "snapshots", "index", "cluster/data", "cluster/positions"} {
		if err := os.RemoveAll(filepath.Join(lost, part)); err != nil {
			t.Fatal(err)
		}
	}
	for _, part := range []string{"log", "cluster/data"} {
		if err := os.CopyFS(filepath.Join(lost, part), os.DirFS(filepath.Join(source, part))); err != nil {
			t.Fatal(err)
		}
	}
	at, err := os.ReadFile(filepath.Join(source, "cluster", "positions"))
	if err == nil {
		err = os.WriteFile(filepath.Join(lost, "cluster", "positions"), at, 0o600)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(lost, signed), kept, 0o600)
	}
	if err == nil {
		err = os.RemoveAll(filepath.Join(lost, "cluster", "data", "cs.wal"))
	}
	if err == nil {
		err = os.RemoveAll(filepath.Join(lost, "cluster", "data", "addrbook.json"))
	}
	if err != nil {
		t.Fatal(err)
	}
	g.start(1)
	g.start(2)
	for i := range 3 {
		g.submit(i, g.payment())
	}
	g.agree()
}
