package pool_test

import (
	"context"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/internal/testnode"
	"github.com/aqsha/aqsha/pool"
	"github.com/aqsha/aqsha/pool/handover"
	"github.com/aqsha/aqsha/pool/serve"
	"github.com/aqsha/aqsha/pool/settings"
	"github.com/aqsha/aqsha/txlog"
)

// life is a pool that can be replaced by another in this process.
type life struct {
	*pool.Pool
	listener net.Listener
	log      *txlog.Log
	leave    chan struct{}
	left     chan *handover.Handover
}

// begin runs a pool on a directory, after an earlier one when from is not nil.
func begin(t *testing.T, dir string, config settings.Config, node *bitcoin.Client, from *handover.Handover) *life {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	log, err := txlog.Open(filepath.Join(dir, "shares"), txlog.Options{Origin: "pool.test", SegmentBytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	l := &life{log: log, leave: make(chan struct{}, 1), left: make(chan *handover.Handover, 1)}
	l.Pool, err = pool.Open(ctx, config, pool.Options{Network: regtest, Nodes: []*bitcoin.Client{node}, Log: log, BooksFile: filepath.Join(dir, "books.sqlite"),
		PaymentsDir: filepath.Join(dir, "payments"), BlocksDir: filepath.Join(dir, "blocks"), Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	if from == nil {
		l.listener, err = net.Listen("tcp", "127.0.0.1:0")
	} else if l.listener, err = from.Listener("plain"); err == nil {
		err = l.Adopt(from)
	}
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		left, err := l.RunUntil(ctx, l.leave, serve.Listener{Name: "plain", Net: l.listener})
		if err != nil {
			t.Errorf("pool ended: %v", err)
		}
		if err := log.Close(); err != nil {
			t.Error(err)
		}
		l.left <- left
	}()
	t.Cleanup(func() {
		cancel()
		<-l.left
	})
	return l
}

// end has the pool leave its connections and lets its log go.
func (l *life) end(t *testing.T) *handover.Handover {
	t.Helper()
	l.leave <- struct{}{}
	h := <-l.left
	l.left <- nil // for the cleanup
	if h == nil {
		t.Fatal("nothing was handed over")
	}
	return h
}

// A miner's block arrives while nobody serves, on a job of before, and the successor's node answers nothing: the
// successor knows the job with its transactions, and the block is at the node as soon as that answers. A block
// that the predecessor has found and could not deliver is delivered by the successor.
func TestABlockAroundAHandover(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	node := testnode.Core(t)
	if err := node.Call(ctx, nil, "createwallet", "spender"); err != nil {
		t.Fatal(err)
	}
	var own string
	if err := node.Call(ctx, &own, "getnewaddress"); err != nil {
		t.Fatal(err)
	}
	script, err := regtest.PayTo(own)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := node.MineBlocks(ctx, 101, script); err != nil {
		t.Fatal(err)
	}
	spend := func() (id string) {
		if err := node.Call(ctx, nil, "settxfee", 0.0001); err != nil {
			t.Logf("%v", err)
		}
		if err := node.Call(ctx, &id, "sendtoaddress", bob, 0.5); err != nil {
			t.Fatal(err)
		}
		return id
	}
	through, between := meddle(t, node)
	dir := t.TempDir()
	transaction := spend()
	first := begin(t, dir, testConfig(), through, nil)
	c := dial(t, first.listener.Addr().String()).login(alice)
	network, _ := bitcoin.TargetOfBits(c.job().Bits)
	height := func() (h int) {
		if err := node.Call(ctx, &h, "getblockcount"); err != nil {
			t.Fatal(err)
		}
		return h
	}
	was := height()

	// While nobody serves, and with a node that is away.
	left := first.end(t)
	between.do("getblocktemplate", loses)
	between.do("submitblock", loses)
	id := c.send("mining.submit", c.find(alice, c.job(), 1, network.Met)...)
	second := begin(t, dir, testConfig(), through, left)
	if a := c.await(id); !a.isTrue() {
		t.Fatalf("a block sent between two processes: %+v", a)
	}
	between.do("submitblock", passes)
	eventually(t, "the block is at the node", func() bool { return height() == was+1 })
	hash, err := node.HashAt(ctx, was+1)
	if err != nil {
		t.Fatal(err)
	}
	block, err := node.Block(ctx, regtest, hash.String())
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(block.Transactions, func(tx bitcoin.TransactionView) bool { return fmt.Sprint(tx.ID) == transaction }) {
		t.Errorf("the block has %d transactions, without that of its job", len(block.Transactions))
	}

	// Found before, delivered after.
	spend()
	between.do("getblocktemplate", passes)
	eventually(t, "a job on it", func() bool {
		_ = c.conn.SetDeadline(time.Now().Add(time.Minute))
		return c.awaitJob(len(c.jobs)+1).Previous == hash
	})
	between.do("submitblock", loses)
	if a := c.call("mining.submit", c.find(alice, c.job(), 2, network.Met)...); !a.isTrue() {
		t.Fatalf("%+v", a)
	}
	left = second.end(t)
	third := begin(t, dir, testConfig(), through, left)
	between.do("submitblock", passes)
	eventually(t, "the earlier process's block is at the node", func() bool { return height() == was+2 })
	eventually(t, "both are booked", func() bool { return len(third.Blocks()) == 2 })
	if err := third.Audit(ctx); err != nil {
		t.Error(err)
	}
	if text := strings.Join(blockStatuses(third.Pool), " "); strings.Contains(text, "orphan") {
		t.Errorf("blocks: %s", text)
	}
}

func blockStatuses(p *pool.Pool) (statuses []string) {
	for _, b := range p.Blocks() {
		statuses = append(statuses, b.Status)
	}
	return statuses
}

// Coinbases of a SOLO pool's users have numbers that the log learns with their first share: after a handover no
// other coinbase gets one of them, and each share is of the coinbase that its number names.
func TestSoloNumbersOverAHandover(t *testing.T) {
	node := testnode.Core(t)
	config := testConfig()
	config.Scheme, config.PayInCoinbase, config.JobInterval = "solo", true, time.Hour
	dir := t.TempDir()
	seen := map[string]string{} // job by whose it is
	log := func(c *client, user string) {
		if before, twice := seen[c.job().JobID]; twice {
			t.Errorf("job %s of %s is %s's as well", c.job().JobID, user, before)
		}
		seen[c.job().JobID] = user
	}
	user := func(i int) string {
		script := append([]byte{0x00, 0x14}, make([]byte, 20)...)
		script[2] = byte(i + 1)
		return regtest.AddressOf(script)
	}
	if _, err := node.MineBlocks(context.Background(), 1, []byte{0x51}); err != nil {
		t.Fatal(err)
	}
	var l *life
	var from *handover.Handover
	clients := map[string]*client{}
	for process := range 3 {
		l = begin(t, dir, config, node, from)
		for i := range 4 { // none sends a share yet
			name := user(process*4 + i)
			clients[name] = dial(t, l.listener.Addr().String()).login(name)
			log(clients[name], name)
		}
		if process < 2 {
			from = l.end(t)
		}
	}
	network, _ := bitcoin.TargetOfBits(clients[user(0)].jobs[0].Bits)
	for name, c := range clients {
		work := c.find(name, c.jobs[0], 1, func(h bitcoin.Hash) bool { return !network.Met(h) && meets(c.difficulty)(h) })
		if a := c.call("mining.submit", work...); !a.isTrue() {
			t.Errorf("%s: %+v", name, a)
		}
	}
	l.end(t).Close()
	shares, jobs := logged(t, dir)
	if len(shares) != len(clients) {
		t.Errorf("%d shares of %d miners", len(shares), len(clients))
	}
	for _, s := range shares {
		if jobs[s.Job] == nil {
			t.Errorf("share of job %d, which is not in the log", s.Job)
		} else if err := s.Verify(jobs[s.Job]); err != nil {
			t.Error(err)
		}
	}
}
