package miner_test

import (
	"bufio"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/bitcoin/sha256d"
	"github.com/aqsha/aqsha/internal/testnode"
	"github.com/aqsha/aqsha/pool/miner"
	"github.com/aqsha/aqsha/pool/stratum"
)

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

func kernel(t testing.TB) sha256d.Kernel {
	k, ok := sha256d.Find("generic")
	if !ok {
		t.Fatal("no generic kernel")
	}
	return k
}

// Summaries are snapshots: rates come from the samples that earlier ones have left.
func ExampleStats_Summary() {
	start := time.Unix(1_800_000_000, 0)
	stats := miner.NewStats(start)
	summary := stats.Summary(start.Add(time.Minute))
	fmt.Println(summary.ElapsedSeconds, summary.Accepted, summary.RejectedTotal())
	// Output: 60 0 0
}

func TestSolo(t *testing.T) {
	testnode.Each(t, func(t *testing.T, client *bitcoin.Client) {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		stats := miner.NewStats(time.Now())
		engine := miner.NewEngine(miner.Options{Threads: 2, Kernel: kernel(t)}, stats)
		go engine.Run(ctx)
		var found []bitcoin.Hash
		solo := miner.Solo{Client: client, Script: []byte{0x51}, Tag: "/test/", Log: quiet, Blocks: 5, Found: func(h bitcoin.Hash) { found = append(found, h) }}
		if err := solo.Run(ctx, engine, stats); err != nil {
			t.Fatal(err)
		}
		tip, err := client.Tip(ctx)
		if err != nil || len(found) != 5 || found[4] != tip {
			t.Fatalf("found %v, tip %s, %v", found, tip, err)
		}
		if s := stats.Summary(time.Now()); s.Blocks != 5 || s.Accepted != 5 || s.RejectedTotal() != 0 {
			t.Errorf("%+v", s)
		}
	})
}

// scripted is a pool that plays the part of the test.
type scripted struct {
	t        *testing.T
	listener net.Listener
}

func newScripted(t *testing.T) *scripted {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	return &scripted{t, listener}
}

func (p *scripted) url() string { return "stratum+tcp://" + p.listener.Addr().String() }

// conversation is one connection of a miner.
type conversation struct {
	t     *testing.T
	conn  net.Conn
	lines *bufio.Scanner
}

func (p *scripted) accept() *conversation {
	p.t.Helper()
	conn, err := p.listener.Accept()
	if err != nil {
		p.t.Fatal(err)
	}
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	return &conversation{p.t, conn, bufio.NewScanner(conn)}
}

// await reads until a request of this method and returns its id and parameters.
func (c *conversation) await(method string) (int, []json.RawMessage) {
	c.t.Helper()
	for c.lines.Scan() {
		var m struct {
			ID     int
			Method string
			Params []json.RawMessage
		}
		if err := json.Unmarshal(c.lines.Bytes(), &m); err != nil {
			c.t.Fatal(err)
		}
		if m.Method == method {
			return m.ID, m.Params
		}
	}
	c.t.Fatalf("miner never sent %s: %v", method, c.lines.Err())
	return 0, nil
}

func (c *conversation) send(format string, args ...any) {
	c.t.Helper()
	if _, err := fmt.Fprintf(c.conn, format+"\n", args...); err != nil {
		c.t.Fatal(err)
	}
}

// open answers the handshake as an old pool does, which does not know mining.configure.
func (c *conversation) open() {
	id, _ := c.await("mining.configure")
	c.send(`{"id":%d,"result":null,"error":[20,"Not supported.",null]}`, id)
	id, _ = c.await("mining.subscribe")
	c.send(`{"id":%d,"result":[[["mining.set_difficulty","1"],["mining.notify","ae68"]],"f0000001",4],"error":null}`, id)
	id, _ = c.await("mining.authorize")
	c.send(`{"id":%d,"result":true,"error":null}`, id)
}

func (c *conversation) job(id string, clean bool) { c.jobOf(id, clean, 0x1d00ffff) }

// jobOf is a job of a network whose blocks have these bits.
func (c *conversation) jobOf(id string, clean bool, bits uint32) {
	c.send(`%s`, strings.TrimSpace(string(stratum.AppendNotify(nil, &stratum.Notify{
		JobID: id, Previous: bitcoin.Hash{1}, Head: []byte("head"), Tail: []byte("tail"), Branch: []bitcoin.Hash{{2}}, Version: 0x20000000, Bits: bits, Time: 1_800_000_000, CleanJobs: clean,
	}))))
}

// check verifies a submitted share as a pool would.
func (c *conversation) check(params []json.RawMessage, difficulty float64) {
	c.t.Helper()
	target, _ := bitcoin.TargetOfDifficulty(difficulty)
	if hash := c.hash(params, 0x1d00ffff); !target.Met(hash) {
		c.t.Errorf("share %s does not meet difficulty %v", hash, difficulty)
	}
}

// hash is a submitted share's.
func (c *conversation) hash(params []json.RawMessage, bits uint32) bitcoin.Hash {
	c.t.Helper()
	fields := make([]string, len(params))
	for i, p := range params {
		if json.Unmarshal(p, &fields[i]) != nil {
			c.t.Fatalf("parameter %d is %s", i, p)
		}
	}
	extranonce2, err := hex.DecodeString(fields[2])
	if err != nil || len(extranonce2) != 4 {
		c.t.Fatalf("extranonce2 %q", fields[2])
	}
	ntime, _ := stratum.Hex32([]byte(fields[3]))
	nonce, _ := stratum.Hex32([]byte(fields[4]))
	coinbase := append([]byte("head\xf0\x00\x00\x01"), extranonce2...)
	header := bitcoin.Header{
		Version: 0x20000000, Previous: bitcoin.Hash{1}, Time: ntime, Bits: bits, Nonce: nonce,
		MerkleRoot: bitcoin.RootOf(bitcoin.HashOf(append(coinbase, "tail"...)), []bitcoin.Hash{{2}}),
	}
	return header.Hash()
}

// A whole life at a pool: shares at the difficulty of their job, rejections by reason, a lost
// connection, a second pool, a clean stop.
func TestPoolClient(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	first, second := newScripted(t), newScripted(t)
	stats := miner.NewStats(time.Now())
	engine := miner.NewEngine(miner.Options{Threads: 1, Kernel: kernel(t)}, stats)
	go engine.Run(ctx)
	done := make(chan error, 1)
	client := miner.PoolClient{URLs: []string{first.url(), second.url()}, User: "somebody.rig", Password: "x", Agent: "test", Log: quiet}
	go func() { done <- client.Run(ctx, engine, stats) }()

	c := first.accept()
	c.open()
	c.send(`{"id":null,"method":"mining.set_difficulty","params":[0.00001]}`)
	c.job("a", true)
	id, params := c.await("mining.submit")
	c.check(params, 0.00001)
	c.send(`{"id":%d,"result":true,"error":null}`, id)
	id, params = c.await("mining.submit")
	c.check(params, 0.00001)
	c.send(`{"id":%d,"result":false,"error":[23,"Above target",null]}`, id)
	// A new difficulty holds from the next job on; until then shares keep the old one.
	c.send(`{"id":null,"method":"mining.set_difficulty","params":[0.00005]}`)
	c.job("b", false)
	for {
		if _, params = c.await("mining.submit"); string(params[1]) == `"b"` {
			break
		}
	}
	c.check(params, 0.00005)
	c.conn.Close()

	c = second.accept()
	c.open()
	c.send(`{"id":null,"method":"mining.set_difficulty","params":[0.00001]}`)
	c.job("c", true)
	id, params = c.await("mining.submit")
	c.check(params, 0.00001)
	c.send(`{"id":%d,"result":true,"error":null}`, id)
	c.send(`{"id":9,"method":"mining.ping","params":[]}`)
	for c.lines.Scan() {
		if strings.Contains(c.lines.Text(), "pong") {
			break
		}
	}
	go func() { _, _ = io.Copy(io.Discard, c.conn) }()
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	s := stats.Summary(time.Now())
	if s.Accepted < 2 || s.Rejected["Above target"] != 1 || s.Hashes == 0 || s.BestShare < 0.00001 {
		t.Errorf("%+v", s)
	}
}

// At a pool a miner counts as blocks the shares that meet the network's target of their job and that the pool takes;
// neither easier ones nor those it refuses.
func TestPoolClientCountsBlocks(t *testing.T) {
	const bits = 0x1f00ffff // difficulty 1/65536: each fifth share or so of those at 3e-6
	network, err := bitcoin.TargetOfBits(bits)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	pool := newScripted(t)
	stats := miner.NewStats(time.Now())
	engine := miner.NewEngine(miner.Options{Threads: 1, Kernel: kernel(t)}, stats)
	go engine.Run(ctx)
	done := make(chan error, 1)
	client := miner.PoolClient{URLs: []string{pool.url()}, User: "somebody.rig", Agent: "test", Log: quiet, MaxSharesPerSecond: 1e6}
	go func() { done <- client.Run(ctx, engine, stats) }()
	c := pool.accept()
	c.open()
	c.send(`{"id":null,"method":"mining.set_difficulty","params":[0.000003]}`)
	c.jobOf("a", true, bits)
	want, easier, refused := 0, 0, 0
	for want < 3 || easier < 3 || refused == 0 {
		id, params := c.await("mining.submit")
		switch solved := network.Met(c.hash(params, bits)); {
		case solved && refused == 0:
			refused++
			c.send(`{"id":%d,"result":false,"error":[21,"Job not found",null]}`, id)
			continue
		case solved:
			want++
		default:
			easier++
		}
		c.send(`{"id":%d,"result":true,"error":null}`, id)
	}
	c.send(`{"id":9,"method":"mining.ping","params":[]}`) // its answer follows the miner's reading of those before
	for c.lines.Scan() && !strings.Contains(c.lines.Text(), "pong") {
	}
	if s := stats.Summary(time.Now()); s.Blocks != uint64(want) || s.Accepted != uint64(want+easier) {
		t.Errorf("%d blocks of %d shares; want %d of %d", s.Blocks, s.Accepted, want, want+easier)
	}
	go func() { _, _ = io.Copy(io.Discard, c.conn) }()
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

func TestPoolRefusesTheUser(t *testing.T) {
	pool := newScripted(t)
	stats := miner.NewStats(time.Now())
	engine := miner.NewEngine(miner.Options{Threads: 1, Kernel: kernel(t)}, stats)
	client := miner.PoolClient{URLs: []string{pool.url()}, User: "nobody", Log: quiet}
	done := make(chan error, 1)
	go func() { done <- client.Run(context.Background(), engine, stats) }()
	c := pool.accept()
	id, _ := c.await("mining.authorize")
	c.send(`{"id":%d,"result":false,"error":[24,"Unauthorized worker",null]}`, id)
	if err := <-done; err == nil || !strings.Contains(err.Error(), "nobody") {
		t.Fatal(err)
	}
}

// ends is a log that ends a miner with the first connection that was lost.
type ends struct{ stop context.CancelFunc }

func (e ends) Write(line []byte) (int, error) { e.stop(); return len(line), nil }

// A miner that nobody took a connection of, and one that no pool gave work, say so at their end; one that worked ends well.
func TestAMinerWithoutAPool(t *testing.T) {
	gone := newScripted(t)
	gone.listener.Close()
	closing := newScripted(t)
	go func() { closing.accept().conn.Close() }()
	for what, x := range map[string]struct {
		urls    []string
		reached bool
	}{
		"nobody there":       {[]string{gone.url()}, false},
		"nobody there, TLS":  {[]string{"stratum+ssl://127.0.0.1:1"}, false},
		"there, and no work": {[]string{closing.url()}, true},
	} {
		ctx, cancel := context.WithCancel(context.Background())
		stats := miner.NewStats(time.Now())
		engine := miner.NewEngine(miner.Options{Threads: 1, Kernel: kernel(t)}, stats)
		client := miner.PoolClient{URLs: x.urls, User: "somebody", Log: slog.New(slog.NewTextHandler(ends{cancel}, nil))}
		err := client.Run(ctx, engine, stats)
		var nobody *miner.NotReachedError
		if errors.As(err, &nobody) == x.reached || errors.Is(err, miner.ErrNoWork) != x.reached || !strings.Contains(err.Error(), ": ") {
			t.Errorf("%s: %v", what, err)
		}
		cancel()
	}
}
