package node

import (
	"context"
	"encoding/binary"
	"io"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/aqsha/aqsha/internal/sim/disk"
	"github.com/aqsha/aqsha/node/replay"
	"github.com/aqsha/aqsha/txlog"
)

// endless is a leader that sends the same block for ever.
type endless struct {
	frame []byte
	at    int
	sent  atomic.Int64
}

func (l *endless) Read(p []byte) (int, error) {
	n := copy(p, l.frame[l.at:])
	l.at = (l.at + n) % len(l.frame)
	l.sent.Add(int64(n))
	return n, nil
}

func (l *endless) Close() error                                        { return nil }
func (l *endless) Feed(context.Context, uint64) (io.ReadCloser, error) { return l, nil }
func (l *endless) Tile(context.Context, txlog.Tile) ([]byte, error)    { return nil, io.EOF }
func (l *endless) Checkpoint(context.Context) ([]byte, error)          { return nil, io.EOF }
func (l *endless) Fence(context.Context) ([]byte, error)               { return nil, nil }
func (l *endless) Signers(context.Context) ([]byte, error)             { return nil, nil }
func (l *endless) Cosign(context.Context, []byte) error                { return nil }

// A follower takes no more than a bound from a leader before it has executed what came, whatever the size of the
// blocks; it goes on when half of that is executed, and the block before it waited is told to be executed at once.
func TestAFollowerTakesNoMoreThanItVerifies(t *testing.T) {
	for name, entries := range map[string]int{"small blocks": 1, "blocks of a megabyte": 18, "large blocks": 250} {
		t.Run(name, func(t *testing.T) { synctest.Test(t, func(t *testing.T) { takesNoMore(t, entries) }) })
	}
}

func takesNoMore(t *testing.T, entries int) {
	log, err := txlog.Open("log", txlog.Options{Origin: "log.example", FS: disk.New(1).FS(), SegmentBytes: 4096})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	leader := &endless{frame: []byte{frameBlock, 0, 0, 0, 0}}
	for range entries {
		leader.frame = binary.BigEndian.AppendUint16(leader.frame, 60_000)
		leader.frame = append(leader.frame, make([]byte, 60_000)...)
	}
	binary.BigEndian.PutUint32(leader.frame[1:], uint32(len(leader.frame)-frameHeader))
	f := &follower{node: &Node{log: log}, leader: leader, executes: make(chan struct{}, 1)}
	f.node.durable.Store(&Head{})
	ctx, cancel := context.WithCancel(t.Context())
	taken := make(chan *replay.Block, 10_000)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for b, err := range f.blocks(ctx) {
			if err != nil {
				t.Error(err)
			}
			taken <- b
		}
	}()
	execute := func() (last *replay.Block) {
		for range len(taken) {
			last = <-taken
			f.unverified.Add(-sizeOf(last.Entries))
			select {
			case f.executes <- struct{}{}:
			default:
			}
		}
		return last
	}
	block, ahead := int64(len(leader.frame)), int64(1<<18)
	for round := range 3 {
		synctest.Wait() // nothing moves any more: the follower waits for what it has taken to be executed
		got, waits := leader.sent.Load(), f.unverified.Load()
		if waits <= maxUnverified-block || waits > maxUnverified+block {
			t.Fatalf("round %d: %d bytes wait, the bound is %d and a block has %d", round, waits, maxUnverified, block)
		}
		if most := int64(round+1)*(maxUnverified+block) + ahead + block; got > most {
			t.Fatalf("round %d: %d bytes were taken, want at most %d", round, got, most)
		}
		if last := execute(); !last.Wait {
			t.Fatal("the last block is not executed before the next comes: both sides wait")
		}
	}
	cancel()
	for stopped := false; !stopped; {
		select {
		case <-taken:
		case <-ended:
			stopped = true
		}
	}
}
