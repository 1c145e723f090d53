package relay_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/internal/testnode"
	"github.com/aqsha/aqsha/pool/relay"
)

// lines is a log that can be read while it is written.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) has(what string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Contains(l.text.String(), what)
}

// A relay that starts with blocks of an earlier run asks the nodes before it raises an alarm; when one is raised
// and a node has the block after all, it says so.
func TestAlarmAfterAsking(t *testing.T) {
	t.Parallel()
	node := testnode.CoreWith(t, "regtest", "-listen=0")
	if _, err := node.Client.MineBlocks(context.Background(), 3, []byte{0x51}); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	block := solve(t, node.Client, "first")
	block.Found = time.Now().Add(-time.Hour)
	first, v := open(t, dir, []*bitcoin.Client{node.Client})
	first.Send(block)
	eventually(t, "the node has it", func() bool { return v.has(taken, block.Hash) && len(files(t, dir)) == 1 })
	first.Wait()
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(files(t, dir)[0], old, old); err != nil {
		t.Fatal(err)
	}
	again := func() (*relay.Relay, *lines) {
		out := &lines{}
		r, err := relay.Open(relay.Options{
			Network: regtest, Nodes: []*bitcoin.Client{node.Client}, Dir: dir, Logger: slog.New(slog.NewTextHandler(io.MultiWriter(t.Output(), out), nil)),
		})
		if err != nil {
			t.Fatal(err)
		}
		running(t, r)
		return r, out
	}
	second, out := again()
	if n := second.Undelivered(); n != 0 {
		t.Errorf("%d blocks undelivered before anybody was asked", n)
	}
	// One more block by this relay marks that it has gone round: its looks are in order.
	later := solve(t, node.Client, "second")
	second.Send(later)
	eventually(t, "a tick after both", func() bool {
		second.Wait()
		tip, err := node.Client.Tip(context.Background())
		return err == nil && tip == later.Hash && second.Known(block.Hash)
	})
	if out.has("ALARM") {
		t.Error("an alarm for a block that the node has")
	}
	node.Stop(os.Interrupt)
	third, out := again()
	eventually(t, "the alarm while the node is away", func() bool { return out.has("ALARM") && third.Undelivered() == 2 })
	node.Start()
	eventually(t, "the alarm's end", func() bool { return out.has("alarm is over") && third.Undelivered() == 0 })
}
