package node_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
)

func codeOf(err error) token.Code {
	var refusal *token.Error
	if errors.As(err, &refusal) {
		return refusal.Code
	}
	return ""
}

// promote prepares an epoch and leads it.
func promote(n *node.Node, signer note.Signer, word string) ([]byte, node.Fence, error) {
	signed, prepared, err := n.Prepare(signer, word)
	if err == nil {
		err = n.Hold(signed, prepared)
	}
	if err != nil {
		return nil, node.Fence{}, err
	}
	return n.Promote(signer, prepared)
}

// A follower that is promoted goes on where the leader was; the old leader stops at the sight of the fence, does
// not open again, and is left by who has seen it.
func TestPromotionFencesTheOldLeader(t *testing.T) {
	ctx := t.Context()
	f := newFleet(t, nil)
	f.populate(ctx)
	c := f.copyConfig()
	second := f.copyConfig()
	n, stop := follow(t, c, to(f.leader), nil)
	until(t, "the follower has everything", func() bool { return n.Head().Root == f.leader.Head().Root })
	stranger, _, _ := note.GenerateKey(nil, f.world.Genesis.Name)
	wrong, _ := note.NewSigner(stranger)
	if _, _, err := promote(n, wrong, "word"); err == nil {
		t.Error("promoted by another key")
	}
	signed, fence, err := promote(n, f.world.LogSigner, "word")
	if err != nil || fence.Epoch != 1 || fence.Size != n.Head().Size {
		t.Fatal(fence, err)
	}
	_ = stop()
	c.Leader, c.Options.Signers, c.Options.Verifiers = "", []note.Signer{f.world.LogSigner}, nil
	promoted, err := node.Open(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = promoted.Close() })
	tx := f.world.Pay(f.bank, f.world.Key("bank treasury"), f.shop, 5, []token.ID{f.coin}, f.rest, fleetValid)
	if _, err := promoted.Submit(ctx, tx); err != nil {
		t.Fatal("the promoted node does not write:", err)
	}

	// Another follower learns of it from the promoted node, and does not go back.
	other, stopOther := follow(t, second, to(promoted), nil)
	until(t, "the second follower has everything", func() bool { return other.Head().Root == promoted.Head().Root })
	_ = stopOther()
	back, stopBack := follow(t, second, to(f.leader), nil)
	until(t, "it leaves the old leader", func() bool { return back.Err() != nil })
	_ = stopBack()

	// The old leader is told.
	if err := f.leader.Fence(append([]byte("x"), signed...)); err == nil {
		t.Error("took a fence that is not signed")
	}
	if err := f.leader.Fence(signed); err != nil {
		t.Fatal(err)
	}
	if err := f.leader.Fence(signed); err != nil {
		t.Error("the same fence again:", err)
	}
	if err := f.pay(ctx, 1); codeOf(err) != node.Fenced {
		t.Errorf("the old leader answers %v", err)
	}
	_ = f.leader.Close()
	if _, err := node.Open(f.config); codeOf(err) != node.Fenced {
		t.Errorf("the old leader opens: %v", err)
	}
	// It may follow.
	f.config.Leader, f.config.Options.Signers = "the new one", nil
	old, stopOld := follow(t, f.config, to(promoted), nil)
	until(t, "the old leader follows", func() bool { return old.Head().Root == promoted.Head().Root })
	_ = stopOld()
}

func FuzzOpenFence(f *testing.F) {
	w := newFleetWorld()
	verifier, err := note.NewVerifier(w.Genesis.LogKey)
	if err != nil {
		f.Fatal(err)
	}
	fence := node.Fence{Network: w.Network, Epoch: 3, Size: 17, Leader: "word"}
	signed, err := note.Sign(&note.Note{Text: fence.Text()}, w.LogSigner)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(signed)
	f.Add([]byte(fence.Text()))
	f.Fuzz(func(t *testing.T, data []byte) {
		if got, err := node.OpenFence(data, verifier); err == nil && got != fence {
			t.Errorf("nobody signed %+v", got)
		}
	})
}

// collect gathers what a node feeds.
func collect(f *testing.F, n *node.Node) []byte {
	var all []byte
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	_ = n.Feed(ctx, 0, true, func(frames []byte) error {
		all = append(all, frames...)
		return io.EOF
	})
	return all
}

func FuzzReadFrame(f *testing.F) {
	w := newFleetWorld()
	c := node.Config{Dir: f.TempDir()}
	c.Options.Origin, c.Options.Signers = w.Genesis.Name, []note.Signer{w.LogSigner}
	if err := node.Init(c, w.Genesis); err != nil {
		f.Fatal(err)
	}
	n, err := node.Open(c)
	if err != nil {
		f.Fatal(err)
	}
	frames := collect(f, n)
	_ = n.Close()
	f.Add(frames)
	f.Add([]byte("B\x00\x00\x00\x03\x00\x01x"))
	f.Add([]byte("C\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, data []byte) {
		r := bufio.NewReader(bytes.NewReader(data))
		for {
			frame, err := node.ReadFrame(r)
			if err != nil {
				return
			}
			if (frame.Entries == nil) == (frame.Checkpoint == nil) && len(frame.Checkpoint) > 0 {
				t.Fatal("a frame is a block or a checkpoint")
			}
		}
	})
}

// A frame of 64 MiB with 22 million entries of a byte once took 2.3 GB before it was refused.
func TestAFrameOfTooManyEntriesIsRefused(t *testing.T) {
	content := bytes.Repeat([]byte{0, 1, 'x'}, 22_000_000)
	frame := append(binary.BigEndian.AppendUint32([]byte{'B'}, uint32(len(content))), content...)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := node.ReadFrame(bufio.NewReader(bytes.NewReader(frame)))
	runtime.ReadMemStats(&after)
	var bad *node.FrameError
	if !errors.As(err, &bad) || !strings.Contains(err.Error(), "more than") {
		t.Fatalf("it gives %v", err)
	}
	if taken := after.TotalAlloc - before.TotalAlloc; taken > uint64(8*len(content)) { // reading it doubles a buffer a few times
		t.Errorf("%d bytes were taken for a frame of %d", taken, len(frame))
	}
}
