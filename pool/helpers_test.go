package pool_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/pool"
	"github.com/aqsha/aqsha/pool/serve"
	"github.com/aqsha/aqsha/pool/settings"
	"github.com/aqsha/aqsha/pool/stratum"
	"github.com/aqsha/aqsha/txlog"
)

// Addresses of test miners on regtest; nobody's keys matter here.
var (
	regtest, _ = bitcoin.FindNetwork("regtest")
	alice      = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"
	bob        = "bcrt1qtp7fhly84qm6q4hhzmp0nh5frtdugmyszllqc7"
	operator   = "bcrt1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3qzf4jry"
)

func testConfig() settings.Config {
	c := settings.Defaults()
	c.Operator = operator
	c.StartDifficulty, c.MinDifficulty = 1.0/(1<<32), 1.0/(1<<34)
	c.JobInterval = time.Second
	c.Loops = 2
	return c
}

// running is a pool under test.
type running struct {
	*pool.Pool
	t       *testing.T
	dir     string
	address string
	stop    func()
	out     *testLogger
}

// logged tells whether the pool has written a line with all of these.
func (r *running) logged(parts ...string) bool {
	r.out.mu.Lock()
	defer r.out.mu.Unlock()
	return slices.ContainsFunc(r.out.lines, func(line string) bool {
		return !slices.ContainsFunc(parts, func(part string) bool { return !strings.Contains(line, part) })
	})
}

// testLogger sends the pool's log to the test.
type testLogger struct {
	t     *testing.T
	mu    sync.Mutex
	done  bool
	lines []string
}

func (l *testLogger) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, string(line))
	if !l.done {
		l.t.Log(strings.TrimSpace(string(line)))
	}
	return len(line), nil
}

// startPool runs a pool on a directory, which may hold an earlier run's log.
func startPool(t *testing.T, dir string, config settings.Config, nodes ...*bitcoin.Client) *running {
	t.Helper()
	return startPoolWith(t, dir, config, pool.Options{Network: regtest, Nodes: nodes})
}

func startPoolWith(t *testing.T, dir string, config settings.Config, options pool.Options) *running {
	t.Helper()
	return startPoolOn(t, dir, config, options, nil)
}

func startPoolOn(t *testing.T, dir string, config settings.Config, options pool.Options, port *settings.Port) *running {
	t.Helper()
	log, err := txlog.Open(filepath.Join(dir, "shares"), txlog.Options{Origin: "pool.test", SegmentBytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	out := &testLogger{t: t}
	options.Log, options.Logger = log, slog.New(slog.NewTextHandler(out, nil))
	options.BooksFile, options.PaymentsDir = filepath.Join(dir, "books.sqlite"), filepath.Join(dir, "payments")
	options.BlocksDir = filepath.Join(dir, "blocks")
	p, err := pool.Open(context.Background(), config, options)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx, serve.Listener{Net: listener, Port: port}) }()
	var once sync.Once
	r := &running{Pool: p, t: t, dir: dir, address: listener.Addr().String(), out: out}
	r.stop = func() {
		once.Do(func() {
			cancel()
			if err := <-ended; err != nil {
				t.Errorf("pool ended: %v", err)
			}
			if err := log.Close(); err != nil {
				t.Error(err)
			}
			out.mu.Lock()
			out.done = true
			out.mu.Unlock()
		})
	}
	t.Cleanup(r.stop)
	return r
}

// client is a miner by hand.
type client struct {
	t           *testing.T
	conn        net.Conn
	reader      *bufio.Reader
	id          int
	extranonce1 string
	difficulty  float64
	jobs        []*stratum.Notify
	mask        uint32
	password    string
}

func dial(t *testing.T, address string) *client {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	return clientOn(t, conn)
}

// clientOn is a miner on a connection.
func clientOn(t *testing.T, conn net.Conn) *client {
	t.Helper()
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	return &client{t: t, conn: conn, reader: bufio.NewReaderSize(conn, 1<<18)}
}

// answer is the pool's reply to a request.
type answer struct {
	ID     json.RawMessage
	Method string
	Params []json.RawMessage
	Result json.RawMessage
	Error  []any
}

func (a answer) code() int {
	if len(a.Error) == 0 {
		return 0
	}
	return int(a.Error[0].(float64))
}

func (a answer) isTrue() bool { return string(a.Result) == "true" && a.Error == nil }

// send writes a request and returns its id.
func (c *client) send(method string, params ...any) int {
	c.t.Helper()
	c.id++
	line, err := json.Marshal(map[string]any{"id": c.id, "method": method, "params": append([]any{}, params...)})
	if err != nil {
		c.t.Fatal(err)
	}
	if _, err := c.conn.Write(append(line, '\n')); err != nil {
		c.t.Fatal(err)
	}
	return c.id
}

// sendMany writes many submissions in one piece.
func (c *client) sendMany(submissions [][]any) {
	c.t.Helper()
	var all []byte
	for _, params := range submissions {
		c.id++
		line, err := json.Marshal(map[string]any{"id": c.id, "method": "mining.submit", "params": params})
		if err != nil {
			c.t.Fatal(err)
		}
		all = append(append(all, line...), '\n')
	}
	if _, err := c.conn.Write(all); err != nil {
		c.t.Fatal(err)
	}
}

// next reads a line, taking notifications to itself; ok is false when the pool has closed.
func (c *client) next() (answer, bool) {
	c.t.Helper()
	line, err := c.reader.ReadBytes('\n')
	if err != nil {
		return answer{}, false
	}
	var a answer
	if err := json.Unmarshal(line, &a); err != nil {
		c.t.Fatalf("pool sent %q: %v", line, err)
	}
	switch a.Method {
	case "mining.notify":
		var m stratum.Message
		if err := m.Parse([]byte(strings.TrimSpace(string(line)))); err != nil {
			c.t.Fatal(err)
		}
		job, err := m.ParseNotify()
		if err != nil {
			c.t.Fatal(err)
		}
		c.jobs = append(c.jobs, job)
	case "mining.set_difficulty":
		if err := json.Unmarshal(a.Params[0], &c.difficulty); err != nil {
			c.t.Fatal(err)
		}
	}
	return a, true
}

// await reads until the answer to a request.
func (c *client) await(id int) answer {
	c.t.Helper()
	for {
		a, ok := c.next()
		if !ok {
			c.t.Fatalf("pool closed before it answered request %d", id)
		}
		if a.Method == "" && string(a.ID) == fmt.Sprint(id) {
			return a
		}
	}
}

func (c *client) call(method string, params ...any) answer {
	c.t.Helper()
	return c.await(c.send(method, params...))
}

// login subscribes and authorizes, and waits for a job.
func (c *client) login(user string) *client {
	c.t.Helper()
	subscribed := c.call("mining.subscribe", "test/1")
	var parts []json.RawMessage
	if err := json.Unmarshal(subscribed.Result, &parts); err != nil || len(parts) != 3 {
		c.t.Fatalf("subscribe: %s", subscribed.Result)
	}
	_ = json.Unmarshal(parts[1], &c.extranonce1)
	if a := c.call("mining.authorize", user, c.password); !a.isTrue() {
		c.t.Fatalf("authorize: %+v", a)
	}
	c.awaitJob(1)
	return c
}

// awaitJob reads until n jobs have come.
func (c *client) awaitJob(n int) *stratum.Notify {
	c.t.Helper()
	for len(c.jobs) < n {
		if _, ok := c.next(); !ok {
			c.t.Fatal("pool closed before it sent a job")
		}
	}
	return c.job()
}

func (c *client) job() *stratum.Notify { return c.jobs[len(c.jobs)-1] }

// find searches a nonce from a start whose hash meets want, and returns submit's parameters.
func (c *client) find(user string, job *stratum.Notify, extranonce2 uint64, want func(bitcoin.Hash) bool, rolled ...uint32) []any {
	c.t.Helper()
	en2 := fmt.Sprintf("%016x", extranonce2)
	var en [13]byte
	if !stratum.HexBytes(en[:], []byte(c.extranonce1+en2)) {
		c.t.Fatalf("extranonces %s %s", c.extranonce1, en2)
	}
	coinbase := append(append(append([]byte(nil), job.Head...), en[:]...), job.Tail...)
	header := bitcoin.Header{Version: job.Version, Previous: job.Previous, MerkleRoot: bitcoin.RootOf(bitcoin.HashOf(coinbase), job.Branch), Time: job.Time, Bits: job.Bits}
	for _, bits := range rolled {
		header.Version = header.Version&^c.mask | bits
	}
	for ; !want(header.Hash()); header.Nonce++ {
	}
	params := []any{user, job.JobID, en2, fmt.Sprintf("%08x", header.Time), fmt.Sprintf("%08x", header.Nonce)}
	for _, bits := range rolled {
		params = append(params, fmt.Sprintf("%08x", bits))
	}
	return params
}

func meets(difficulty float64) func(bitcoin.Hash) bool {
	target, err := bitcoin.TargetOfDifficulty(difficulty)
	if err != nil {
		panic(err)
	}
	return target.Met
}

// between finds hashes that meet the easier difficulty and miss the harder.
func between(easy, hard float64) func(bitcoin.Hash) bool {
	return func(h bitcoin.Hash) bool { return meets(easy)(h) && !meets(hard)(h) }
}

var quiet = slog.New(slog.DiscardHandler)
