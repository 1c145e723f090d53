package bitcoin_test

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/internal/testnode"
)

// heldPolls asks bitcoind which calls its workers are at, and counts templates that have been asked
// for longer than any answer but a long poll's takes.
func heldPolls(t *testing.T, client *bitcoin.Client) (n int) {
	t.Helper()
	var info struct {
		Active []struct {
			Method   string `json:"method"`
			Duration int64  `json:"duration"` // microseconds
		} `json:"active_commands"`
	}
	if err := client.Call(context.Background(), &info, "getrpcinfo"); err != nil {
		t.Fatal(err)
	}
	for _, call := range info.Active {
		if call.Method == "getblocktemplate" && call.Duration > 500_000 {
			n++
		}
	}
	return n
}

// Whoever follows a node, leaves it and follows it again keeps one of its workers busy, never more;
// a node with a single spare worker goes on to answer. (bitcoin/bitcoin#10436)
func TestOneLongPollAtTheNode(t *testing.T) {
	node := testnode.CoreWith(t, "regtest", "-listen=0", "-rpcthreads=2")
	if _, err := node.Client.MineBlocks(context.Background(), 1, []byte{0x51}); err != nil {
		t.Fatal(err)
	}
	follower, err := bitcoin.Dial(node.URL, bitcoin.DialOptions{Timeout: 5 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer follower.Close()
	for round := range 8 {
		ctx, cancel := context.WithCancel(context.Background())
		updates := follower.Watch(ctx, bitcoin.WatchOptions{Poll: 100 * time.Millisecond, Tip: 50 * time.Millisecond})
		for deadline := time.Now().Add(time.Second); time.Now().Before(deadline); {
			if update := <-updates; update.Err != nil {
				t.Fatalf("round %d: %v", round, update.Err)
			}
		}
		cancel()
		if n := heldPolls(t, node.Client); n > 1 {
			t.Fatalf("round %d: the node holds %d long polls of one follower", round, n)
		}
	}
	if n := heldPolls(t, node.Client); n != 1 {
		t.Errorf("the node holds %d long polls", n)
	}
	// The one that is out brings the next block to whoever follows now.
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	updates := follower.Watch(ctx, bitcoin.WatchOptions{Poll: time.Hour, Tip: time.Hour})
	first := <-updates
	mined, err := node.Client.MineBlocks(ctx, 1, []byte{0x51})
	if err != nil {
		t.Fatal(err)
	}
	if second := <-updates; first.Err != nil || second.Err != nil || second.Template.Previous != mined[0] {
		t.Errorf("after a block: %+v %+v", first, second)
	}
}

// A node that is killed and started again is followed as before, with a long poll of its own.
func TestLongPollAfterANodesRestart(t *testing.T) {
	node := testnode.CoreWith(t, "regtest", "-listen=0")
	if _, err := node.Client.MineBlocks(context.Background(), 1, []byte{0x51}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	updates := node.Client.Watch(ctx, bitcoin.WatchOptions{Poll: 200 * time.Millisecond, Tip: 50 * time.Millisecond, Retry: 50 * time.Millisecond})
	if first := <-updates; first.Err != nil {
		t.Fatal(first.Err)
	}
	node.Stop(os.Kill)
	for update := range updates {
		if update.Err != nil {
			break
		}
	}
	node.Start()
	for held := 0; held != 1; held = heldPolls(t, node.Client) {
		if update, ok := <-updates; !ok {
			t.Fatalf("no long poll after the restart; last: %v", update.Err)
		}
	}
}
