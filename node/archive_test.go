package node_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/txlog"
)

// archived waits until a node has tried its archive.
func archived(t *testing.T, n *node.Node) txlog.Archived {
	t.Helper()
	for range 500 {
		if done, tried := n.Archived(); tried {
			return done
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("nothing was archived")
	return txlog.Archived{}
}

// What a leader sealed is in the archive, opens there as a log, and payments go on when the archive cannot be written.
func TestALeaderArchivesWhatItSealed(t *testing.T) {
	w := newTownOf(t, 4096)
	for range 60 {
		if _, err := w.pay(1); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.node.Close(); err != nil {
		t.Fatal(err)
	}
	c := w.config()
	c.Archive = t.TempDir()
	n, err := node.Open(c)
	if err != nil {
		t.Fatal(err)
	}
	done := archived(t, n)
	size, want := n.Head().Size, n.Log()
	if done.Segments == 0 || done.Entries > size || done.Behind != 0 {
		t.Fatalf("%+v of %d entries", done, size)
	}
	root, err := want.Root(done.Entries)
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	log, err := txlog.Open(filepath.Join(c.Archive, "log"), txlog.Options{Origin: c.Options.Origin})
	if err != nil {
		t.Fatal(err)
	}
	has, hasRoot, _ := log.State()
	if _, signed := log.Checkpoint(); has != done.Entries || hasRoot != root || signed.Size != has {
		t.Errorf("the archive opens with %d entries under %+v, %+v was archived", has, signed, done)
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}

	c.Archive = filepath.Join(c.Archive, "log", "checkpoint") // a file
	if n, err = node.Open(c); err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	archived(t, n)
	w.node = n
	if _, err := w.pay(1); err != nil {
		t.Errorf("a payment while the archive cannot be written: %v", err)
	}
	if warnings := strings.Join(n.Warnings(), "\n"); !strings.Contains(warnings, "the archive") {
		t.Errorf("warnings: %q", warnings)
	}
}
