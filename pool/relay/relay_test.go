package relay_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/internal/testnode"
	"github.com/aqsha/aqsha/pool/relay"
)

var regtest, _ = bitcoin.FindNetwork("regtest")

// verdicts records what a relay tells.
type verdicts struct {
	mu             sync.Mutex
	taken, refused []bitcoin.Hash
}

func (v *verdicts) took(hash, _ bitcoin.Hash) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.taken = append(v.taken, hash)
}

func (v *verdicts) refuse(_, previous bitcoin.Hash) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.refused = append(v.refused, previous)
}

func (v *verdicts) has(list func(*verdicts) []bitcoin.Hash, hash bitcoin.Hash) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Contains(list(v), hash)
}

func taken(v *verdicts) []bitcoin.Hash   { return v.taken }
func refused(v *verdicts) []bitcoin.Hash { return v.refused }

func open(t *testing.T, dir string, nodes []*bitcoin.Client, peers ...string) (*relay.Relay, *verdicts) {
	t.Helper()
	v := &verdicts{}
	r, err := relay.Open(relay.Options{Network: regtest, Nodes: nodes, Peers: peers, Dir: dir, Logger: slog.New(slog.NewTextHandler(t.Output(), nil)), Taken: v.took, Refused: v.refuse})
	if err != nil {
		t.Fatal(err)
	}
	return r, v
}

// running runs a relay until the test's end, or until stop.
func running(t *testing.T, r *relay.Relay) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { r.Run(ctx); close(ended) }()
	var once sync.Once
	stop = func() { once.Do(func() { cancel(); <-ended }) }
	t.Cleanup(stop)
	return stop
}

// solve makes a block for a node's tip.
func solve(t *testing.T, node *bitcoin.Client, tag string) *relay.Block {
	t.Helper()
	template, err := node.Template(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	raw, hash, err := template.Solve(context.Background(), []byte{0x51}, []byte(tag))
	if err != nil {
		t.Fatal(err)
	}
	return &relay.Block{Raw: raw, Hash: hash, Previous: template.Previous, Height: template.Height, Found: time.Now()}
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !is(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within a minute: %s", what)
		}
	}
}

func atTip(t *testing.T, node *bitcoin.Client, hash bitcoin.Hash) func() bool {
	return func() bool {
		tip, err := node.Tip(context.Background())
		return err == nil && tip == hash
	}
}

// silent is an RPC address that takes connections and never answers.
func silent(t *testing.T) *bitcoin.Client {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	client, err := bitcoin.Dial("http://u:p@"+listener.Addr().String(), bitcoin.DialOptions{Timeout: 3 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func files(t *testing.T, dir string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "*.block"))
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// A node whose RPC says nothing gets the block over the peer-to-peer protocol.
func TestPeerWhereRPCIsSilent(t *testing.T) {
	port := testnode.FreePort(t)
	node := testnode.CoreWith(t, "regtest", fmt.Sprintf("-bind=127.0.0.1:%d", port), "-listen=1")
	if _, err := node.Client.MineBlocks(context.Background(), 3, []byte{0x51}); err != nil {
		t.Fatal(err)
	}
	for _, nodes := range [][]*bitcoin.Client{nil, {silent(t)}} {
		r, v := open(t, t.TempDir(), nodes, fmt.Sprintf("127.0.0.1:%d", port))
		block := solve(t, node.Client, "peer")
		r.Send(block)
		eventually(t, "the block at the node", atTip(t, node.Client, block.Hash))
		eventually(t, "the relay knows", func() bool { return v.has(taken, block.Hash) })
	}
}

// A block is durable before a node has it: a pool that ends while no node answers hands it over at
// its next start.
func TestBlockOutlastsTheNodeAndThePool(t *testing.T) {
	node := testnode.CoreWith(t, "regtest", "-listen=0")
	if _, err := node.Client.MineBlocks(context.Background(), 3, []byte{0x51}); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	block := solve(t, node.Client, "first")
	node.Stop(os.Interrupt)
	r, _ := open(t, dir, []*bitcoin.Client{node.Client})
	r.Send(block)
	eventually(t, "a file", func() bool { return len(files(t, dir)) == 1 })
	if r.Undelivered() != 1 {
		t.Errorf("%d blocks undelivered", r.Undelivered())
	}
	// This relay ends with its process; another takes over.
	again, v := open(t, dir, []*bitcoin.Client{node.Client})
	stop := running(t, again)
	node.Start()
	eventually(t, "the block at the node", atTip(t, node.Client, block.Hash))
	eventually(t, "the relay knows", func() bool { return v.has(taken, block.Hash) && again.Undelivered() == 0 })
	// Its file goes when the block is final.
	if _, err := node.Client.MineBlocks(context.Background(), 101, []byte{0x51}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "no file", func() bool { return len(files(t, dir)) == 0 })
	stop()
}

// A block that a node has lost, as one that is killed before it has flushed, is handed over again;
// one that the operator declares invalid makes room for another on the same parent, and comes back
// with the operator's second thoughts.
func TestBlockThatVanishes(t *testing.T) {
	node := testnode.CoreWith(t, "regtest", "-listen=0")
	if _, err := node.Client.MineBlocks(context.Background(), 3, []byte{0x51}); err != nil {
		t.Fatal(err)
	}
	node.Stop(os.Interrupt) // which flushes what there is
	node.Start()
	r, v := open(t, t.TempDir(), []*bitcoin.Client{node.Client})
	running(t, r)
	block := solve(t, node.Client, "vanishes")
	r.Send(block)
	eventually(t, "the block at the node", atTip(t, node.Client, block.Hash))
	node.Stop(os.Kill) // a regtest node flushes at an orderly end only
	node.Start()
	eventually(t, "the block at the node again", atTip(t, node.Client, block.Hash))

	if err := node.Client.Call(context.Background(), nil, "invalidateblock", block.Hash.String()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "room for another on its parent", func() bool { return v.has(refused, block.Previous) })
	if err := node.Client.Call(context.Background(), nil, "reconsiderblock", block.Hash.String()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the block at the node for good", atTip(t, node.Client, block.Hash))
}

// A block that every node refuses makes room at once.
func TestRefusedBlock(t *testing.T) {
	node := testnode.CoreWith(t, "regtest", "-listen=0")
	if _, err := node.Client.MineBlocks(context.Background(), 3, []byte{0x51}); err != nil {
		t.Fatal(err)
	}
	template, err := node.Client.Template(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	template.CoinbaseValue++ // a satoshi too much
	raw, hash, err := template.Solve(context.Background(), []byte{0x51}, []byte("greedy"))
	if err != nil {
		t.Fatal(err)
	}
	r, v := open(t, t.TempDir(), []*bitcoin.Client{node.Client})
	r.Send(&relay.Block{Raw: raw, Hash: hash, Previous: template.Previous, Height: template.Height, Found: time.Now()})
	eventually(t, "refused", func() bool { return v.has(refused, template.Previous) })
	if v.has(taken, hash) {
		t.Error("a refused block counts as taken")
	}
}

// Files that are no blocks of ours are left alone and named; half-written ones are swept.
func TestJournalsOtherFiles(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{"notes.txt": "x", "7-abc.block": "too short", ".8-def.block.new": "half"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r, _ := open(t, dir, nil)
	if r.Undelivered() != 0 {
		t.Error("a file that is no block is taken for one")
	}
	if _, err := os.Stat(filepath.Join(dir, ".8-def.block.new")); err == nil {
		t.Error("a half-written file stays")
	}
	if _, err := os.Stat(filepath.Join(dir, "7-abc.block")); err != nil {
		t.Error("a file that may matter was removed")
	}
}
