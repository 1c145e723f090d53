package node_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/internal/sim/disk"
	"github.com/aqsha/aqsha/livestate"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog"
)

// refusesWrites checks that a node whose disk failed says so, to everybody and for good, and never
// writes to its log again as if the disk were clean.
func (s *seaman) refusesWrites() {
	s.t.Helper()
	var refusal *token.Error
	if !errors.As(s.node.Err(), &refusal) || refusal.Code != node.WriteFailed {
		s.t.Fatalf("the node says %v", s.node.Err())
	}
	before := s.disk.Ops()
	for _, g := range s.groups {
		_, errs := s.node.SubmitAll(context.Background(), g.txs)
		for _, err := range errs {
			if !errors.As(err, &refusal) || refusal.Code != node.WriteFailed {
				s.t.Fatalf("after a failed write: %v", err)
			}
		}
	}
	_ = s.node.Close()
	if ops := s.disk.Ops(); ops != before {
		s.t.Fatalf("%d operations after the failure", ops-before)
	}
}

// failing runs a voyage with a fault planned by plan(n), n = 1 to most. When it strikes the log the
// node must refuse writes, and recover everything it answered once the disk is well.
func failing(t *testing.T, most int, plan func(d *disk.Disk, n int), heal func(d *disk.Disk)) {
	v := newVoyage(t, 11)
	strikes, tried, step := 0, 0, int(short(1, 7))
	for n := 1; n <= most; n += step {
		tried++
		s := v.on(t, uint64(n))
		s.tolerant = true // a snapshot that fails harms nobody
		plan(s.disk, n)
		if err := s.sail(); err != nil {
			strikes++
		}
		if s.node != nil && s.node.Err() != nil {
			s.refusesWrites()
		}
		heal(s.disk)
		s.disk.Restart()
		s.reopen()
		s.end()
		if t.Failed() {
			t.Fatalf("fault %d", n)
		}
	}
	t.Logf("%d of %d faults stopped the log", strikes, tried)
	if !raced && (strikes < tried/5 || strikes == tried) {
		t.Errorf("%d of %d faults stopped the log: not what the campaign is for", strikes, tried)
	}
}

func nothing(*disk.Disk) {}

func TestFailingSync(t *testing.T) {
	failing(t, 70, func(d *disk.Disk, n int) { d.FailSyncAt(n) }, nothing)
}

func TestFailingWrite(t *testing.T) {
	failing(t, 80, func(d *disk.Disk, n int) { d.FailWriteAt(n) }, nothing)
}

func TestFullDisk(t *testing.T) {
	// 131,072 bytes are the checkpoint's two slots; the rest is what the log, tiles and snapshots take.
	failing(t, 40, func(d *disk.Disk, n int) { d.SetCapacity(131_072 + 1000*int64(n)) }, func(d *disk.Disk) { d.SetCapacity(0) })
}

// TestLyingSync: a disk that says it has written and has not. What it lost may be a consistent end of
// everything, which nobody can tell from this disk alone: but then the log is shorter than a checkpoint
// that somebody else has seen. Whatever the node serves is what it once was.
func TestLyingSync(t *testing.T) {
	v := newVoyage(t, 12)
	refused, shorter, whole := 0, 0, 0
	for at := 20; at < 260; at += int(short(2, 13)) {
		s := v.on(t, uint64(at))
		s.disk.Lie(true)
		s.disk.CrashAt(at)
		if err := s.sail(); err == nil {
			break
		}
		witnessed := s.heard // blocks under a checkpoint that a follower saw
		s.disk.Restart()
		n, err := node.Open(s.config())
		if err != nil {
			refused++
			continue
		}
		blocks := n.Log().Heights()
		root, err := n.Log().Root(n.Log().Size())
		if err != nil || root != v.roots[blocks] {
			t.Fatalf("at %d: a log that never was: %v", at, err)
		}
		err = n.View(context.Background(), func(state *livestate.State, _ node.Head) {
			if stateRoot(t, state) != v.states[blocks] {
				t.Fatalf("at %d: a state that never was", at)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		if blocks < witnessed {
			shorter++
		} else {
			whole++
		}
		_ = n.Close()
	}
	t.Logf("refused to open %d times, shorter than a checkpoint seen elsewhere %d times, nothing lost %d times", refused, shorter, whole)
	if refused+shorter == 0 {
		t.Error("no lie had a consequence")
	}
}

// TestBitRot flips bits of what is stored, one at a time: a node must refuse to open, or refuse the
// entry that rotted, or be right in spite of it. It never serves what was not written.
func TestBitRot(t *testing.T) {
	v := newVoyage(t, 13)
	s := v.on(t, 1)
	if err := s.sail(); err != nil {
		t.Fatal(err)
	}
	if err := s.node.Close(); err != nil {
		t.Fatal(err)
	}
	want := [][]byte{}
	for _, block := range v.chain.Blocks {
		want = append(want, block...)
	}
	refused, served := 0, 0
	for _, name := range files(t, s.disk) {
		content := s.disk.Contents(name)
		step := max(1, len(content)/int(short(150, 15)))
		if strings.HasSuffix(name, "/checkpoint") {
			step = 37 // two slots, mostly empty
			content = content[:min(len(content), 4000)]
		}
		for at := 0; at < len(content); at += step {
			s.disk.Rot(name, int64(at), 0x10)
			if s.rotten(want) {
				refused++
			} else {
				served++
			}
			s.disk.Restart()
			s.restore(name, content) // a recovery may have mended the file
		}
	}
	t.Logf("%d rotten bytes refused, %d without effect on what is served", refused, served)
	if refused < int(short(100, 10)) || served == 0 {
		t.Error("the campaign did not reach what it should")
	}
}

// restore puts back what a file was.
func (s *seaman) restore(name string, content []byte) {
	now := s.disk.Contents(name)
	for i := range min(len(now), len(content)) {
		if now[i] != content[i] {
			s.disk.Rot(name, int64(i), now[i]^content[i])
		}
	}
}

// rotten opens the node on a disk with a flipped bit and says whether anything was refused.
func (s *seaman) rotten(want [][]byte) (refused bool) {
	s.t.Helper()
	n, err := node.Open(s.config())
	if err != nil {
		return true
	}
	defer n.Close()
	if root, err := n.Log().Root(n.Log().Size()); err != nil || root != s.roots[n.Log().Heights()] || n.Log().Heights() < s.heard {
		if err == nil {
			s.t.Fatalf("served a log of %d blocks with root %s", n.Log().Heights(), root)
		}
		refused = true
	}
	_ = n.View(context.Background(), func(state *livestate.State, _ node.Head) {
		if stateRoot(s.t, state) != s.states[len(s.states)-1] {
			s.t.Fatal("served another state")
		}
	})
	for i, entry := range want {
		got, err := n.Log().Entry(uint64(i))
		switch {
		case err != nil:
			refused = true
		case !bytes.Equal(got, entry):
			s.t.Fatalf("served another entry %d", i)
		}
		if err := inclusion(n, uint64(i), entry); err != nil {
			refused = true
		}
	}
	return refused
}

// inclusion proves an entry under the log's root; a proof that is given must hold.
func inclusion(n *node.Node, index uint64, entry []byte) error {
	size := n.Log().Size()
	path, err := n.Log().InclusionProof(index, size)
	if err != nil {
		return err
	}
	root, err := n.Log().Root(size)
	if err != nil {
		return err
	}
	if err := txlog.VerifyInclusion(txlog.LeafHash(entry), index, size, path, root); err != nil {
		panic(err)
	}
	return nil
}
