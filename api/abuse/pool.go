package abuse

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/internal/httplimit"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/pool"
	"github.com/aqsha/aqsha/pool/serve"
	"github.com/aqsha/aqsha/pool/settings"
	"github.com/aqsha/aqsha/pool/stratum"
	"github.com/aqsha/aqsha/pool/web"
	"github.com/aqsha/aqsha/txlog"
)

// The pool's people, on a network where coins are worth nothing.
const (
	poolUser    = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"
	poolThief   = "bcrt1qtp7fhly84qm6q4hhzmp0nh5frtdugmyszllqc7"
	poolMiners  = 16
	poolWorkers = 3000 // whom lists are long of
	namesAtOnce = 50   // that an attacker logs in by one connection
)

// ServePool is the measured pool: all of it but a node, with its pages. Every hash is a share.
func ServePool(ctx context.Context, dir string, in io.Reader, out io.Writer) error {
	log, err := txlog.Open(filepath.Join(dir, "shares"), txlog.Options{Origin: "abuse.pool"})
	if err != nil {
		return err
	}
	defer log.Close()
	network, err := bitcoin.FindNetwork("regtest")
	if err != nil {
		return err
	}
	config := settings.Defaults()
	config.Operator = poolUser
	config.MinDifficulty, config.StartDifficulty, config.MaxDifficulty = 1.0/(1<<34), 1.0/(1<<34), 1.0/(1<<34)
	p, err := pool.Open(ctx, config, pool.Options{Network: network, Log: log})
	if err != nil {
		return err
	}
	miners, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return err
	}
	pages, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return err
	}
	serving, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- p.Run(serving, serve.Listener{Net: miners}) }()
	bounded := web.Bounded(p, httplimit.Files(), slog.New(slog.DiscardHandler))
	go func() { _ = bounded.Serve(pages) }()
	if err = p.Offer(someTemplate(), time.Now()); err == nil {
		err = enlist(ctx, miners.Addr().String())
	}
	// In order, and the place is said only when miners can be served: whoever reads it begins at once.
	if err == nil {
		err = json.NewEncoder(out).Encode(Place{URL: "http://" + pages.Addr().String(),
			Stratum: miners.Addr().String()})
	}
	if err == nil {
		_, _ = io.Copy(io.Discard, in)
	}
	stop()
	return errors.Join(err, bounded.Close(), <-ended)
}

// someTemplate has a full block's shape, and a difficulty at which no share is a block.
func someTemplate() *bitcoin.Template {
	t := &bitcoin.Template{Version: 0x20000000, Height: 900_000, Bits: 0x1800ffff, CurTime: uint32(time.Now().Unix()),
		CoinbaseValue: 3 * money.Bitcoin,
		Commitment:    new(bitcoin.Hash), Branch: make([]bitcoin.Hash, 12)}
	t.MinTime = t.CurTime - 600
	t.Target, _ = bitcoin.TargetOfBits(t.Bits)
	_, _ = rand.Read(t.Previous[:])
	for i := range t.Branch {
		_, _ = rand.Read(t.Branch[i][:])
	}
	return t
}

// miner is one honest connection.
type miner struct {
	conn  net.Conn
	lines *bufio.Scanner
	m     stratum.Message
	job   *stratum.Notify
	nonce uint32
}

func dialMiner(ctx context.Context, address string) (*miner, error) {
	d := net.Dialer{}
	c, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	m := &miner{conn: c, lines: bufio.NewScanner(c)}
	m.lines.Buffer(nil, stratum.MaxPoolLine)
	_, err = fmt.Fprintf(c, `{"id":1,"method":"mining.subscribe","params":["honest/1"]}`+"\n"+
		`{"id":2,"method":"mining.authorize","params":["%s","x"]}`+"\n", poolUser)
	for err == nil && m.job == nil {
		_, err = m.read()
	}
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return m, nil
}

// read reads a line: a job is taken up, an answer's id is returned.
func (m *miner) read() (id string, err error) {
	if !m.lines.Scan() {
		return "", errors.Join(m.lines.Err(), io.ErrUnexpectedEOF)
	}
	if err := m.m.ParsePool(m.lines.Bytes()); err != nil {
		return "", err
	}
	if string(m.m.Method) == "mining.notify" {
		m.job, err = m.m.ParseNotify()
	}
	return string(m.m.ID), err
}

// share submits one share and waits for its answer.
func (m *miner) share(user string) (accepted bool, err error) {
	m.nonce++
	_, err = fmt.Fprintf(m.conn,
		`{"id":9,"method":"mining.submit","params":["%s","%s","0000000000000000","%08x","%08x"]}`+"\n", user,
		m.job.JobID, m.job.Time, m.nonce)
	for err == nil {
		var id string
		if id, err = m.read(); id == "9" {
			return string(m.m.Result) == "true", err
		}
	}
	return false, err
}

// enlist has many workers earn their places in the lists: a name that never sent a share is not kept.
func enlist(ctx context.Context, address string) error {
	m, err := dialMiner(ctx, address)
	if err != nil {
		return err
	}
	defer m.conn.Close()
	for i := range poolWorkers {
		user := fmt.Sprintf("%s.rig%d", poolUser, i)
		if _, err := fmt.Fprintf(m.conn, `{"id":3,"method":"mining.authorize","params":["%s","x"]}`+"\n",
			user); err != nil {
			return err
		}
		if accepted, err := m.share(user); err != nil || !accepted {
			return errors.Join(err, fmt.Errorf("worker %d of the pool earned nothing: %s", i, m.m.Error))
		}
	}
	return nil
}

// miners are the honest ones: each sends a share as soon as the one before is answered.
func miners(place Place) (honest, func(), error) {
	var all []*miner
	end := func() {
		for _, m := range all {
			_ = m.conn.Close()
		}
	}
	for range poolMiners {
		m, err := dialMiner(context.Background(), place.Stratum)
		if err != nil {
			end()
			return nil, nil, err
		}
		all = append(all, m)
	}
	return func(ctx context.Context, duration time.Duration) (rate Rate, err error) {
		var mu sync.Mutex
		var took []float64
		var group sync.WaitGroup
		began := time.Now()
		for _, m := range all {
			// A worker keeps its own times and joins them once, at the end: a lock within the loop would be measured
			// too.
			group.Go(func() {
				var mine []float64
				var failed error
				refused := 0
				for failed == nil && time.Since(began) < duration && ctx.Err() == nil {
					at := time.Now()
					var accepted bool
					if accepted, failed = m.share(poolUser); failed == nil && accepted {
						mine = append(mine, time.Since(at).Seconds()*1000)
					} else {
						refused++
					}
				}
				mu.Lock()
				defer mu.Unlock()
				took, err, rate.Failed = append(took, mine...), errors.Join(err, failed), rate.Failed+refused
			})
		}
		group.Wait()
		if err = errors.Join(err, ctx.Err()); err == nil && len(took) == 0 {
			err = errors.New("no share was accepted")
		}
		if err != nil {
			return rate, err
		}
		slices.Sort(took)
		rate.PerSecond, rate.P99 = float64(len(took))/time.Since(began).Seconds(), took[len(took)*99/100]
		return rate, nil
	}, end, nil
}

// target is where a pool takes shares, or what throws all away.
func (a *attacker) target() string {
	if a.Target == a.Place.URL {
		return a.Place.Stratum
	}
	return strings.TrimPrefix(a.Target, "http://")
}

func (a *attacker) dialPool(ctx context.Context) (net.Conn, error) {
	c, err := a.dial(ctx, "tcp", a.target())
	if err == nil {
		_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	}
	return c, err
}

// halfOpen begins a line and never ends it.
func (a *attacker) halfOpen(ctx context.Context, _, _ int) {
	c, err := a.dialPool(ctx)
	if err != nil {
		a.refused.Add(1)
		return
	}
	_, _ = io.WriteString(c, `{"id":1,"method":"mining.sub`)
	a.until(ctx, c, 0, 4096)
}

// workerNames logs ever new names in, none of which ever sends a share.
func (a *attacker) workerNames(ctx context.Context, worker, n int) {
	c, err := a.dialPool(ctx)
	if err != nil {
		a.refused.Add(1)
		return
	}
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { _ = c.Close() })
	defer stop()
	var lines strings.Builder
	lines.WriteString(`{"id":1,"method":"mining.subscribe","params":["names/1"]}` + "\n")
	for i := range namesAtOnce {
		fmt.Fprintf(&lines, `{"id":2,"method":"mining.authorize","params":["%s.%d-%d-%d","x"]}`+"\n", poolThief, worker,
			n, i)
	}
	if _, err := io.WriteString(c, lines.String()); err != nil {
		a.refused.Add(1)
		return
	}
	_ = c.SetReadDeadline(time.Now().Add(200 * time.Millisecond))
	answers := bufio.NewScanner(c)
	for got := 0; got <= namesAtOnce && answers.Scan(); got++ {
	}
}

// poolPages reads what costs most to show.
func (a *attacker) poolPages(ctx context.Context, worker, n int) {
	path := []string{"/v1/workers?limit=1000", "/user/" + poolUser, "/v1/pool", "/metrics", "/v1/users/" +
		poolUser}[(worker+n)%5]
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, a.Target+path, nil)
	if err == nil {
		a.answered(a.client.Do(r))
	}
}

func (a *attacker) poolBody(ctx context.Context, _, _ int) { a.unfinishedAt(ctx, "POST /v1/pool") }
