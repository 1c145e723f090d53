package abuse

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// attack is one way of harming. Each of its workers does step at the pace, from an address of its own kind.
type attack struct {
	name    string
	workers int
	every   time.Duration // between the steps of a worker
	address byte          // 127.0.0.N, so that it is not the payers'
	step    func(a *attacker, ctx context.Context, worker, n int)
	pool    bool // it is a pool that is attacked
}

func find(name string) *attack {
	for i := range attacks {
		if attacks[i].name == name {
			return &attacks[i]
		}
	}
	return nil
}

var attacks = []attack{
	{"forgeries", 4, 100 * time.Millisecond, 2, (*attacker).forge, false},
	{"refusals", 4, 200 * time.Millisecond, 3, (*attacker).refuse, false},
	{"bodies", 150, 500 * time.Millisecond, 4, (*attacker).unfinished, false},
	{"lists", 4, 50 * time.Millisecond, 5, (*attacker).list, false},
	{"streams", 1000, 2 * time.Second, 6, (*attacker).stream, false},
	{"slow", 100, time.Second, 7, (*attacker).slow, false},
	{"pool-half-open", 500, time.Second, 8, (*attacker).halfOpen, true},
	{"pool-workers", 8, 100 * time.Millisecond, 9, (*attacker).workerNames, true},
	{"pool-pages", 8, 50 * time.Millisecond, 10, (*attacker).poolPages, true},
	{"pool-bodies", 50, 500 * time.Millisecond, 11, (*attacker).poolBody, true},
}

// forgedAtOnce is how many forgeries one request has, refusedAtOnce how many contracts that are refused, and
// unfinishedBytes how much of a body is sent before its last byte is not.
const (
	forgedAtOnce    = 1024
	refusedAtOnce   = 16
	unfinishedBytes = 2<<20 - 1
)

// Order is what an attacking process is to do.
type Order struct {
	Attack string `json:"attack"`
	Place  Place  `json:"place"`  // of the network
	Target string `json:"target"` // the node, or what throws all away
	// Pace is what was reached against the node, where another target is to be attacked as hard; zero for the attack's
	// own.
	Pace Pace `json:"pace"`
}

// Pace is how hard an attack is: how long a worker is between two steps, and what it sends in one.
type Pace struct {
	Every time.Duration `json:"every"`
	Bytes int64         `json:"bytes"` // of an unfinished body
}

// attacker is one attacking process. Its workers share the counts; all else is set before they begin.
type attacker struct {
	Order
	attack  *attack
	world   *sim.World
	client  *http.Client
	forged  []byte // a request's body
	steps   atomic.Int64
	refused atomic.Int64 // not taken: no connection, or an answer that says so
	sent    atomic.Int64 // bytes of unfinished bodies
}

// Attack is an attacking process: it reads its order from in, says on out when it begins, goes on until in ends, and
// says how much it did.
func Attack(ctx context.Context, in io.Reader, out io.Writer) error {
	orders := json.NewDecoder(in)
	var o Order
	if err := orders.Decode(&o); err != nil {
		return err
	}
	a := &attacker{Order: o, world: newWorld(), attack: find(o.Attack)}
	if a.attack == nil {
		return fmt.Errorf("no attack %q", o.Attack)
	}
	a.client = &http.Client{Transport: &http.Transport{DialContext: a.dial, MaxIdleConnsPerHost: a.attack.workers},
		Timeout: 10 * time.Second}
	if err := a.prepare(); err != nil {
		return err
	}
	if _, err := fmt.Fprintln(out, "{}"); err != nil {
		return err
	}
	attacking, stop := context.WithCancel(ctx)
	defer stop()
	began := time.Now()
	// The order's pipe is the leash: when the measuring process ends, however it ends, so does the attack.
	go func() {
		_, _ = io.Copy(io.Discard, io.MultiReader(orders.Buffered(), in))
		stop()
	}()
	var all sync.WaitGroup
	for w := range a.attack.workers {
		all.Go(func() { a.work(attacking, w) })
	}
	all.Wait()
	done := Done{Steps: a.steps.Load(), Refused: a.refused.Load()}
	// What one step of one attacker costs and takes, so that the measured node can be compared with one that bears
	// the same number of steps elsewhere.
	if done.Steps > 0 {
		done.Pace = Pace{time.Duration(int64(time.Since(began)) * int64(a.attack.workers) / done.Steps),
			a.sent.Load() / done.Steps}
	}
	return json.NewEncoder(out).Encode(done)
}

// Done is how much an attacking process did.
type Done struct {
	Steps   int64 `json:"steps"`
	Refused int64 `json:"refused"`
	Pace    Pace  `json:"pace"` // that it reached
}

// work does steps at the pace. One that takes long is not made up for.
func (a *attacker) work(ctx context.Context, worker int) {
	tick := time.NewTicker(max(a.attack.every, a.Pace.Every))
	defer tick.Stop()
	for n := 0; ctx.Err() == nil; n++ {
		a.attack.step(a, ctx, worker, n)
		a.steps.Add(1)
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
}

func (a *attacker) dial(ctx context.Context, network, address string) (net.Conn, error) {
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, a.attack.address)}, Timeout: 2 * time.Second}
	return d.DialContext(ctx, network, address)
}

// prepare signs what is sent again and again.
func (a *attacker) prepare() error {
	if a.attack.name != "forgeries" {
		return nil
	}
	thief := a.world.Key("thief")
	for i := range forgedAtOnce {
		from := i % payers
		tx := a.world.Pay(a.Place.Wallets[from], thief, a.Place.Wallets[payers], 100, []token.ID{a.Place.Tokens[from]},
			100, soon()+uint64(i))
		a.forged = append(a.forged, tx.Encode()...)
	}
	return nil
}

// post sends a body and throws the answer away.
func (a *attacker) post(ctx context.Context, body []byte) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, a.Target+"/v1/transactions", newReader(body))
	if err != nil {
		return
	}
	r.Header.Set("Content-Type", "application/cbor-seq")
	a.answered(a.client.Do(r))
}

// answered throws an answer away, and counts what was not taken.
func (a *attacker) answered(response *http.Response, err error) {
	if err != nil {
		a.refused.Add(1)
		return
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, response.Body)
	if response.StatusCode >= 400 {
		a.refused.Add(1)
	}
}

func (a *attacker) forge(ctx context.Context, _, _ int) { a.post(ctx, a.forged) }

// refuse sends contracts of ever other definitions, signed as they must be, that their terms refuse.
func (a *attacker) refuse(ctx context.Context, worker, n int) {
	var body []byte
	wallet := a.Place.Wallets[payers]
	for i := range refusedAtOnce {
		encoded, err := variant((worker*997 + n*refusedAtOnce + i) % definitions)
		if err != nil {
			return
		}
		t := &token.Create{Creator: wallet, Definition: sha256.Sum256(encoded),
			Parties: []token.WalletID{wallet, a.Place.Wallets[0], a.Place.Wallets[1]}, Assets: []uint32{0},
			Terms:  []token.Value{token.Int(int64(a.Place.Amount)), token.Int(9999)},
			Inputs: []token.ID{a.Place.Tokens[payers]}, Paid: []money.Tiyn{a.Place.Amount}}
		body = append(body, a.world.Sign(t, soon()+uint64(i),
			sim.One(token.RoleWallet, 0, a.world.Key(payerName(payers)))).Encode()...)
	}
	a.post(ctx, body)
}

// open dials and sends the head of a request.
func (a *attacker) open(ctx context.Context, head string) (net.Conn, error) {
	u, err := url.Parse(a.Target)
	if err != nil {
		return nil, err
	}
	c, err := a.dial(ctx, "tcp", u.Host)
	if err != nil {
		return nil, err
	}
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err = fmt.Fprintf(c, "%s HTTP/1.1\r\nHost: %s\r\n", head, u.Host); err != nil {
		_ = c.Close()
	}
	return c, err
}

// until waits until the other side ends a connection or the attack is over, and closes it.
func (a *attacker) until(ctx context.Context, c net.Conn, each time.Duration, bytes int) {
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { _ = c.Close() })
	defer stop()
	got := make([]byte, bytes)
	for {
		if _, err := c.Read(got); err != nil {
			return
		}
		if each > 0 {
			select {
			case <-time.After(each):
			case <-ctx.Done():
				return
			}
		}
	}
}

// unfinished sends all of a body but its last byte, and waits.
func (a *attacker) unfinished(ctx context.Context, _, _ int) {
	a.unfinishedAt(ctx, "POST /v1/transactions")
}

func (a *attacker) unfinishedAt(ctx context.Context, head string) {
	c, err := a.open(ctx, head)
	if err != nil {
		a.refused.Add(1)
		return
	}
	_, _ = fmt.Fprintf(c, "Content-Type: application/cbor-seq\r\nContent-Length: %d\r\n\r\n", unfinishedBytes+1)
	stop := context.AfterFunc(ctx, func() { _ = c.Close() })
	most := unfinishedBytes
	if a.Pace.Bytes > 0 {
		most = min(most, int(a.Pace.Bytes))
	}
	for sent := 0; sent < most; {
		n, err := c.Write(zeros[:min(len(zeros), most-sent)])
		sent += n
		a.sent.Add(int64(n))
		if err != nil {
			a.refused.Add(1)
			break
		}
	}
	stop()
	if a.Pace.Bytes > 0 { // what throws all away does not end it
		_ = c.Close()
	}
	a.until(ctx, c, 0, 4096)
}

var zeros = make([]byte, 64<<10)

func (a *attacker) list(ctx context.Context, _, _ int) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, a.Target+"/v1/definitions?limit=200", nil)
	if err == nil {
		a.answered(a.client.Do(r))
	}
}

func (a *attacker) stream(ctx context.Context, _, _ int) {
	c, err := a.open(ctx, "GET /v1/blocks/stream")
	if err != nil {
		a.refused.Add(1)
		return
	}
	_, _ = io.WriteString(c, "\r\n")
	line, err := bufio.NewReader(io.LimitReader(c, 64)).ReadString('\n')
	if err != nil || len(line) < 12 || line[9] != '2' {
		a.refused.Add(1)
	}
	a.until(ctx, c, 0, 4096)
}

// slow asks for a long list and reads it a few bytes at a time.
func (a *attacker) slow(ctx context.Context, _, _ int) {
	c, err := a.open(ctx, "GET /v1/definitions?limit=200")
	if err != nil {
		a.refused.Add(1)
		return
	}
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetReadBuffer(4096)
	}
	_, _ = io.WriteString(c, "\r\n")
	a.until(ctx, c, 100*time.Millisecond, 64)
}
