package node

import (
	"context"
	"encoding/binary"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
)

// hears is a leader that keeps what it is sent, and takes nothing more while it is busy.
type hears struct {
	endless
	busy chan struct{} // nil: never
	sent chan uint64
}

func (l *hears) Cosign(_ context.Context, signed []byte) error {
	if l.busy != nil {
		<-l.busy
	}
	l.sent <- binary.BigEndian.Uint64(signed)
	return nil
}

func numbered(size uint64) []byte { return binary.BigEndian.AppendUint64(nil, size) }

// The source and the engine of a follower hand checkpoints on at the same time. Neither waits, though nobody sends
// them any more; and what is sent last is the newest, whoever came last.
func TestTheNewestCosignatureIsSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // fails where somebody waits for ever
		leader := &hears{sent: make(chan uint64, 1000), busy: make(chan struct{})}
		f := &follower{node: &Node{logger: slog.New(slog.DiscardHandler)}, leader: leader, cosigned: newest{wake: make(chan struct{}, 1)}}
		ctx, cancel := context.WithCancel(t.Context())
		var notify sync.WaitGroup
		notify.Go(func() { f.notify(ctx) })
		f.cosigned.put(numbered(1), 1)
		synctest.Wait() // the leader is busy with it
		for _, size := range []uint64{4, 7, 5, 6, 2} {
			f.cosigned.put(numbered(size), size)
		}
		close(leader.busy)
		synctest.Wait()
		if len(leader.sent) != 2 || <-leader.sent != 1 || <-leader.sent != 7 {
			t.Errorf("%d more were sent, want the first and the newest", len(leader.sent))
		}
		f.cosigned.put(numbered(7), 7) // the leader says again where it stands, and perhaps has lost the answer
		synctest.Wait()
		if len(leader.sent) != 1 || <-leader.sent != 7 {
			t.Error("the newest was not sent again")
		}
		cancel()
		notify.Wait()
		var both sync.WaitGroup
		for sender := range uint64(2) {
			both.Go(func() {
				for i := range uint64(20_000) {
					f.cosigned.put(numbered(8+2*i+sender), 8+2*i+sender)
				}
			})
		}
		both.Wait()
		if got := binary.BigEndian.Uint64(f.cosigned.take()); got != 8+2*19_999+1 {
			t.Errorf("%d is kept", got)
		}
	})
}
