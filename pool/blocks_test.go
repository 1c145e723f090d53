package pool_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/internal/testnode"
	"github.com/aqsha/aqsha/pool"
	"github.com/aqsha/aqsha/pool/serve"
	"github.com/aqsha/aqsha/pool/settings"
)

// blocksTime is how long each kind of node is watched: seconds here, AQSHA_BLOCKS=15m in the long run.
func blocksTime(t *testing.T) time.Duration {
	t.Helper()
	if text := os.Getenv("AQSHA_BLOCKS"); text != "" {
		d, err := time.ParseDuration(text)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	return 9 * time.Second
}

// Two pools beside one bitcoind, with few workers and with many, quiet and busy: every block that a
// miner was told of is at the node, a pool keeps one of its workers, and no call waits for one.
func TestEveryBlockArrives(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("-short: it watches a bitcoind for a while; make test runs it")
	}
	long := blocksTime(t)
	for _, threads := range []int{4, 16} {
		for _, busy := range []bool{false, true} {
			t.Run(fmt.Sprintf("%d RPC threads, busy %v", threads, busy), func(t *testing.T) {
				node := testnode.CoreWith(t, "regtest", "-listen=0", fmt.Sprintf("-rpcthreads=%d", threads), "-fallbackfee=0.0001")
				watchBlocks(t, node, busy, long)
			})
		}
	}
}

func watchBlocks(t *testing.T, node *testnode.CoreNode, busy bool, long time.Duration) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	script, err := regtest.PayTo(alice)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := node.Client.MineBlocks(ctx, 2, script); err != nil {
		t.Fatal(err)
	}
	var others sync.WaitGroup
	defer others.Wait()
	defer cancel()
	if busy {
		pay := walletThatPays(t, node)
		others.Go(func() { repeat(ctx, 50*time.Millisecond, pay) })
	}
	var calls latencies
	others.Go(func() {
		repeat(ctx, 100*time.Millisecond, func() error {
			start := time.Now()
			_, err := node.Client.Tip(ctx)
			calls.add(time.Since(start))
			return err
		})
	})
	var miners []*client
	for number := range byte(2) {
		config := testConfig()
		config.Node = number
		config.StartDifficulty, config.MinDifficulty = 1e-10, 1e-10
		config.MaxTemplateAge = 6 * time.Second // asks for a template each second and a half; a busy machine may stand still for two
		// Each pool speaks to the node over connections of its own.
		dialed, err := bitcoin.Dial(node.URL, bitcoin.DialOptions{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(dialed.Close)
		p := startPoolWith(t, t.TempDir(), config, pool.Options{Network: regtest, Nodes: []*bitcoin.Client{dialed}})
		miners = append(miners, dial(t, p.address).login(alice))
	}
	var arrivals latencies
	blocks, most := 0, 0
	end := time.AfterFunc(long, cancel) // from here on, whatever getting ready took
	defer end.Stop()
	for extranonce2 := uint64(0); ctx.Err() == nil; extranonce2++ {
		c := miners[extranonce2%2]
		if !findOne(ctx, t, node, c, extranonce2, &arrivals) {
			break
		}
		blocks++
		rest := time.Duration(100+extranonce2*37%400) * time.Millisecond
		if blocks%5 == 2 {
			rest = 3 * time.Second // in which polls that nobody waits for would gather
		}
		pause := time.NewTimer(rest)
		select {
		case <-ctx.Done():
		case <-pause.C:
		}
		pause.Stop()
		most = max(most, heldPolls(t, node.Client))
	}
	if most > 2 {
		t.Errorf("the node held %d long polls of two pools", most)
	}
	if blocks == 0 {
		t.Error("no block was found")
	}
	t.Logf("%d blocks, all at the node; from the share's answer to the node %s; a call beside them %s; %d long polls at most", blocks, arrivals.String(), calls.String(), most)
}

// findOne solves a block of a miner's job and waits until the node has it. It is false at the end.
func findOne(ctx context.Context, t *testing.T, node *testnode.CoreNode, c *client, extranonce2 uint64, arrivals *latencies) bool {
	t.Helper()
	tip, err := node.Client.Tip(ctx)
	for err == nil && c.job().Previous != tip {
		_ = c.conn.SetDeadline(time.Now().Add(30 * time.Second))
		if _, ok := c.next(); !ok {
			t.Fatal("no job for the tip within 30 s")
		}
	}
	if err != nil {
		return false
	}
	_ = c.conn.SetDeadline(time.Now().Add(30 * time.Second))
	network, err := bitcoin.TargetOfBits(c.job().Bits)
	if err != nil {
		t.Fatal(err)
	}
	var hash bitcoin.Hash
	params := c.find(alice, c.job(), extranonce2, func(h bitcoin.Hash) bool { hash = h; return network.Met(h) })
	if a := c.call("mining.submit", params...); !a.isTrue() {
		t.Fatalf("a block's share: %+v", a)
	}
	answered := time.Now()
	for deadline := answered.Add(30 * time.Second); ; time.Sleep(time.Millisecond) {
		// Not the test's context: what was answered must arrive, however late the test's end finds it.
		if _, confirmations, err := node.Client.Position(context.Background(), hash); err == nil && confirmations >= 0 {
			arrivals.add(time.Since(answered))
			return true
		}
		if time.Now().After(deadline) {
			t.Fatalf("block %s was answered true and is not at the node", hash)
		}
	}
}

// walletThatPays is a wallet of the node with coins of its own, and a payment from it to itself.
func walletThatPays(t *testing.T, node *testnode.CoreNode) func() error {
	t.Helper()
	ctx := context.Background()
	if err := node.Client.Call(ctx, nil, "createwallet", "busy"); err != nil {
		t.Fatal(err)
	}
	var address string
	if err := node.Client.Call(ctx, &address, "getnewaddress"); err != nil {
		t.Fatal(err)
	}
	script, err := regtest.PayTo(address)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := node.Client.MineBlocks(ctx, 110, script); err != nil {
		t.Fatal(err)
	}
	return func() error { return node.Client.Call(ctx, nil, "sendtoaddress", address, 0.01) }
}

func repeat(ctx context.Context, every time.Duration, f func() error) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := f(); errors.Is(err, bitcoin.ErrUnauthorized) {
				return
			}
		}
	}
}

// heldPolls counts the long polls that bitcoind's workers are in: templates asked for longer ago than
// any other answer takes.
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
		if call.Method == "getblocktemplate" && call.Duration > 300_000 {
			n++
		}
	}
	return n
}

// latencies are printed, never judged.
type latencies struct {
	mu  sync.Mutex
	all []time.Duration
}

func (l *latencies) add(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, d)
}

func (l *latencies) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.all) == 0 {
		return "nothing measured"
	}
	slices.Sort(l.all)
	at := func(part float64) time.Duration {
		return l.all[int(part*float64(len(l.all)-1))].Round(100 * time.Microsecond)
	}
	return fmt.Sprintf("median %s, 99 %% %s, longest %s", at(0.5), at(0.99), at(1))
}

// A node that does not answer when a block is found has it as soon as it does; the pool goes on, and
// ends, meanwhile.
func TestBlockWhileTheNodeHangs(t *testing.T) {
	t.Parallel()
	node := testnode.CoreWith(t, "regtest", "-listen=0")
	if _, err := node.Client.MineBlocks(context.Background(), 2, []byte{0x51}); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	config := testConfig()
	config.StartDifficulty, config.MinDifficulty = 1e-10, 1e-10
	dialed, err := bitcoin.Dial(node.URL, bitcoin.DialOptions{Timeout: 2 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer dialed.Close()
	p := startPool(t, dir, config, dialed)
	c := dial(t, p.address).login(alice)
	network, _ := bitcoin.TargetOfBits(c.job().Bits)
	var hash bitcoin.Hash
	params := c.find(alice, c.job(), 1, func(h bitcoin.Hash) bool { hash = h; return network.Met(h) })
	node.Signal(syscall.SIGSTOP)
	c.expect("a block while the node hangs", params, 0)
	p.stop() // gives the node up for now
	node.Signal(syscall.SIGCONT)
	again := startPool(t, dir, config, dialed)
	eventually(t, "the block at the node", func() bool {
		_, confirmations, err := node.Client.Position(context.Background(), hash)
		return err == nil && confirmations >= 0
	})
	again.stop()
}

// The solution of a block is sent out whatever else is wrong with the share: its block is no longer
// the tip, the name is not authorized, or the connection is being closed for what it did before.
func TestSolutionComesFirst(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"stale", "unauthorized", "closed", "version bits"} {
		t.Run(name, func(t *testing.T) {
			node := testnode.CoreWith(t, "regtest", "-listen=0")
			ctx := context.Background()
			if _, err := node.Client.MineBlocks(ctx, 2, []byte{0x51}); err != nil {
				t.Fatal(err)
			}
			p := startPool(t, t.TempDir(), testConfig(), node.Client)
			c := dial(t, p.address).login(alice)
			network, _ := bitcoin.TargetOfBits(c.job().Bits)
			var hash bitcoin.Hash
			solve := func(rolled ...uint32) []any {
				return c.find(alice, c.job(), 1, func(h bitcoin.Hash) bool { hash = h; return network.Met(h) }, rolled...)
			}
			switch name {
			case "stale":
				params := solve()
				if _, err := node.Client.MineBlocks(ctx, 1, []byte{0x51}); err != nil {
					t.Fatal(err)
				}
				c.awaitJob(len(c.jobs) + 1)
				time.Sleep(700 * time.Millisecond)
				c.expect("a stale block", params, 0)
			case "unauthorized":
				params := solve()
				params[0] = "somebody else"
				c.send("mining.submit", params...)
			case "closed":
				params := solve()
				bad := c.find(alice, c.job(), 2, func(h bitcoin.Hash) bool { return !meets(c.difficulty)(h) })
				c.sendMany(append(slices.Repeat([][]any{bad}, serve.BadSharesToClose+5), params))
			case "version bits":
				c.mask = settings.MaskBIP320
				c.send("mining.submit", solve(0x00002000)...)
			}
			eventually(t, "the node knows the block", func() bool {
				_, _, err := node.Client.Position(ctx, hash)
				return err == nil
			})
		})
	}
}

// A tip that comes back after the pool's block on it was lost can be mined on again.
func TestSolutionAfterTheFirstVanished(t *testing.T) {
	node := testnode.CoreWith(t, "regtest", "-listen=0")
	ctx := context.Background()
	if _, err := node.Client.MineBlocks(ctx, 2, []byte{0x51}); err != nil {
		t.Fatal(err)
	}
	p := startPool(t, t.TempDir(), testConfig(), node.Client)
	c := dial(t, p.address).login(alice)
	job := c.job()
	network, _ := bitcoin.TargetOfBits(job.Bits)
	for i := range uint64(3) {
		var hash bitcoin.Hash
		params := c.find(alice, job, i, func(h bitcoin.Hash) bool { hash = h; return network.Met(h) })
		c.expect(fmt.Sprintf("solution %d", i), params, 0)
		eventually(t, "the node has it", func() bool { tip, err := node.Client.Tip(ctx); return err == nil && tip == hash })
		if err := node.Client.Call(ctx, nil, "invalidateblock", hash.String()); err != nil {
			t.Fatal(err)
		}
		// The relay or the next template finds out; both say that another block is worth having.
		eventually(t, "the pool knows that the block is gone", func() bool { return p.WantsBlockOn(job.Previous) })
	}
}
