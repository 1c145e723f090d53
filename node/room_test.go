package node_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/internal/sim/disk"
	"github.com/aqsha/aqsha/livestate"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/txlog"
)

// A running node whose disk is full answers everybody at once, whoever had been let in included, says so to its operator,
// and goes on by itself when there is room: what was executed before is stored then, and nothing twice.
func TestARunningNodeGoesOnWhenItsDiskHasRoomAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, d, j := sim.NewWorld(5), disk.New(5), &journal{}
		config := node.Config{Dir: "data", NoIndex: true, Logger: j.logger(), Now: func() uint64 { return sim.StartMillis + 1000 },
			Options: txlog.Options{Origin: w.Genesis.Name, Signers: []note.Signer{w.LogSigner}, FS: d.FS(), SegmentBytes: 4096}}
		if err := node.Init(config, w.Genesis); err != nil {
			t.Fatal(err)
		}
		n, err := node.Open(config)
		if err != nil {
			t.Fatal(err)
		}
		admit, bank := w.Admit("bank", 1, fleetValid)
		if _, err := n.Submit(t.Context(), admit); err != nil {
			t.Fatal(err)
		}
		room := int64(0)
		for _, name := range files(t, d) {
			room += int64(len(d.Contents(name)))
		}
		d.SetCapacity(room)
		issued := uint64(0)
		for !isCode(err, node.DiskFull) { // until the segment is full
			if issued++; issued > 100 {
				t.Fatal("the disk does not fill up")
			}
			if _, err = n.Submit(t.Context(), w.Issue(issued, bank, fleetValid, money.Tenge)); err != nil && !isCode(err, node.DiskFull) {
				t.Fatal(err)
			}
		}
		stored := n.Head()
		var waits sync.WaitGroup
		for range 50 {
			waits.Go(func() {
				if _, err := n.Submit(context.Background(), w.Issue(issued+1, bank, fleetValid, money.Tenge)); !isCode(err, node.DiskFull) {
					t.Errorf("while the disk is full: %v", err)
				}
			})
		}
		waits.Wait()
		if err := n.View(context.Background(), func(*livestate.State, node.Head) {}); !isCode(err, node.DiskFull) {
			t.Errorf("a state that is not stored was shown: %v", err)
		}
		time.Sleep(time.Minute) // of the bubble's time
		if since, cause := n.NoRoom(); !errors.Is(cause, disk.ErrFull) || since.IsZero() || n.Err() != nil || n.Head() != stored || len(n.Stalled()) > 0 {
			t.Errorf("full: %v, failed: %v, head %+v, stalled %v", cause, n.Err(), n.Head(), n.Stalled())
		}
		if warnings := strings.Join(n.Warnings(), "\n"); !strings.Contains(warnings, "make room") || !j.has("the disk is full") {
			t.Errorf("warnings: %s", warnings)
		}
		d.SetCapacity(0)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if _, cause := n.NoRoom(); cause != nil || n.Head().Height != stored.Height+1 || !j.has("has room again") {
			t.Fatalf("with room again: %v, height %d after %d", cause, n.Head().Height, stored.Height)
		}
		if _, err := n.Submit(t.Context(), w.Issue(issued, bank, fleetValid, money.Tenge)); err == nil {
			t.Error("the issue that waited for room was executed twice")
		}
		if _, err := n.Submit(t.Context(), w.Issue(issued+1, bank, fleetValid, money.Tenge)); err != nil {
			t.Error(err)
		}
		if err := n.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

// A node that is ended while its disk is full ends at once, and opens on it to be read.
func TestANodeClosesAndOpensOnAFullDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, d := sim.NewWorld(6), disk.New(6)
		config := node.Config{Dir: "data", Now: func() uint64 { return sim.StartMillis + 1000 },
			Options: txlog.Options{Origin: w.Genesis.Name, Signers: []note.Signer{w.LogSigner}, FS: d.FS(), SegmentBytes: 4096}}
		if err := node.Init(config, w.Genesis); err != nil {
			t.Fatal(err)
		}
		open := func() *node.Node {
			n, err := node.Open(config)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		n := open()
		admit, bank := w.Admit("bank", 1, fleetValid)
		if _, err := n.Submit(t.Context(), admit); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		d.SetCapacity(1)
		issued := uint64(1)
		for ; issued < 100; issued++ {
			if _, err := n.Submit(t.Context(), w.Issue(issued, bank, fleetValid, money.Tenge)); err != nil {
				break
			}
		}
		stored := n.Head()
		if err := n.Close(); err != nil {
			t.Fatalf("closing on a full disk: %v", err)
		}
		d.Kill()
		config.Options.FS = d.FS()
		n = open()
		if err := n.View(t.Context(), func(s *livestate.State, head node.Head) {
			if head != stored || s.LiveTotal() != money.Tiyn(issued-1)*money.Tenge {
				t.Errorf("opened on a full disk at %+v with %s", head, s.LiveTotal())
			}
		}); err != nil {
			t.Fatal(err)
		}
		d.SetCapacity(0)
		if _, err := n.Submit(t.Context(), w.Issue(issued, bank, fleetValid, money.Tenge)); err != nil {
			t.Errorf("what waited when the node was closed: %v", err)
		}
		if err := n.Close(); err != nil {
			t.Fatal(err)
		}
	})
}
