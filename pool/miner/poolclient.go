package miner

import (
	"bufio"
	"cmp"
	"context"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/url"
	"time"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/pool/stratum"
)

// PoolClient mines for a Stratum V1 pool.
type PoolClient struct {
	URLs     []string // stratum+tcp://host:port or stratum+ssl://host:port; tried in turn
	User     string
	Password string
	Agent    string
	Log      *slog.Logger
	// RequestedDifficulty is suggested to the pool when positive.
	RequestedDifficulty float64
	TLS                 *tls.Config // nil: the system's roots
	// MaxSharesPerSecond pauses the engine when shares come faster, as they do on a development
	// network, where every other hash is one. 0 means 50.
	MaxSharesPerSecond float64
}

// Times of a connection. A pool sends a job at least each minute; five without any means it is gone.
const (
	dialTimeout  = 15 * time.Second
	idleTimeout  = 5 * time.Minute
	writeTimeout = 20 * time.Second
	maxRetryWait = time.Minute
	keptJobs     = 16
	maxPending   = 4096 // shares without an answer
)

// ErrRefused means that the pool does not accept the user.
var ErrRefused = errors.New("pool refuses the user")

// NotReachedError means that no pool of the list took a connection from the first attempt to the end; Cause is why the
// last attempt failed, nil where none came to its end.
type NotReachedError struct{ Cause error }

func (e *NotReachedError) Error() string {
	if e.Cause == nil {
		return "no pool took a connection"
	}
	return fmt.Sprintf("no pool took a connection: %v", e.Cause)
}

func (e *NotReachedError) Unwrap() error { return e.Cause }

// ErrorCode is the refusal's name in the catalogue of words.
func (e *NotReachedError) ErrorCode() string { return "pool-not-reached" }

// ErrNoWork means that a pool took a connection, and none ever gave a job.
var ErrNoWork = errors.New("no pool gave work")

// CheckURL tells whether a pool's address can be used.
func CheckURL(text string) error {
	_, _, err := parsePoolURL(text)
	return err
}

// parsePoolURL reads a pool's address, in the spellings that miners use.
func parsePoolURL(text string) (host string, secure bool, err error) {
	parsed, err := url.Parse(text)
	if err != nil || parsed.Host == "" || parsed.Port() == "" {
		return "", false, fmt.Errorf("pool %q: want stratum+tcp://host:port", text)
	}
	switch parsed.Scheme {
	case "stratum+tcp", "stratum", "tcp":
		return parsed.Host, false, nil
	case "stratum+ssl", "stratum+tls", "ssl":
		return parsed.Host, true, nil
	}
	return "", false, fmt.Errorf("pool %q: want stratum+tcp:// or stratum+ssl://", text)
}

// Run keeps a connection until ctx ends, waiting longer after each failure, with jitter so
// that a farm does not come back all at once. It takes the next pool of the list each time. Ended without ever having
// been connected, or given a job, it returns a NotReachedError or
// ErrNoWork with what was wrong last.
func (p *PoolClient) Run(ctx context.Context, engine *Engine, stats *Stats) error {
	wait, reached, worked := time.Second, false, false
	var last error // of those that are not the end of ctx
	for i := 0; ctx.Err() == nil; i++ {
		target := p.URLs[i%len(p.URLs)]
		stats.setSource(target, p.User)
		s := &session{PoolClient: p, engine: engine, stats: stats, jobs: map[string]*Job{}, pending: map[int]*Share{}}
		err := s.run(ctx, target)
		stats.setAlive(false)
		reached, worked = reached || s.conn != nil, worked || s.working
		if s.working {
			wait = time.Second
		} else {
			engine.Set(nil)
		}
		if ctx.Err() != nil {
			break
		}
		if errors.Is(err, ErrRefused) && len(p.URLs) == 1 {
			return err
		}
		last = err
		p.Log.Warn("connection lost", "pool", target, "error", err)
		pause := time.NewTimer(wait/2 + rand.N(wait))
		select {
		case <-ctx.Done():
		case <-pause.C:
		}
		pause.Stop()
		wait = min(2*wait, maxRetryWait)
		engine.Set(nil)
	}
	switch {
	case worked:
		return nil
	case !reached:
		return &NotReachedError{last}
	case last == nil:
		return ErrNoWork
	}
	return fmt.Errorf("%w: %w", ErrNoWork, last)
}

// session is one connection.
type session struct {
	*PoolClient
	engine *Engine
	stats  *Stats
	conn   net.Conn

	subscription *stratum.Subscription
	difficulty   float64
	target       bitcoin.Target
	jobs         map[string]*Job
	order        []string // of jobs, oldest first
	pending      map[int]*Share
	nextID       int
	working      bool      // had a job
	sendAfter    time.Time // the next share's turn
	waiting      *Share    // for it
}

// Ids of the requests that open a session.
const (
	idConfigure = iota + 1
	idSubscribe
	idAuthorize
	idSuggest
	idExtranonce
	firstSubmit
)

// run is one connection from its dialling to its end. One goroutine reads lines; all that is decided and written is
// here.
func (s *session) run(ctx context.Context, target string) error {
	host, secure, err := parsePoolURL(target)
	if err != nil {
		return err
	}
	if err := s.dial(ctx, host, secure); err != nil {
		return err
	}
	defer s.conn.Close()
	s.nextID = firstSubmit
	s.difficulty = 1
	s.target, _ = bitcoin.TargetOfDifficulty(1)
	if err := s.open(); err != nil {
		return err
	}
	lines := make(chan []byte, 16)
	broken := make(chan error, 1)
	stopped := make(chan struct{})
	defer close(stopped)
	go func() { broken <- s.read(lines, stopped) }()
	gap := time.Duration(float64(time.Second) / cmp.Or(s.MaxSharesPerSecond, 50))
	ready := time.NewTimer(0)
	defer ready.Stop()
	for {
		shares := s.engine.Shares()
		if s.waiting != nil {
			shares = nil // the engine waits too once its channel is full
			ready.Reset(time.Until(s.sendAfter))
		}
		select {
		case <-ready.C:
			if s.waiting == nil || time.Now().Before(s.sendAfter) {
				continue
			}
			share := s.waiting
			s.waiting = nil
			if s.jobs[share.Job.ID] != share.Job {
				continue
			}
			if err := s.submit(share); err != nil {
				return err
			}
			// A burst of a second's worth goes out at once.
			s.sendAfter = maxTime(s.sendAfter, time.Now().Add(-time.Second)).Add(gap)
		case <-ctx.Done():
			return s.drain(lines, broken)
		case err := <-broken:
			return err
		case line := <-lines:
			if err := s.handle(line); err != nil {
				return err
			}
		case share, ok := <-shares:
			if !ok {
				return s.drain(lines, broken)
			}
			s.stats.found(share.Difficulty())
			// A share of a job that was cleaned, or of an earlier connection, would only be refused.
			if s.jobs[share.Job.ID] != share.Job {
				continue
			}
			s.waiting = share
		}
	}
}

// dial connects. The handshake of TLS comes with the first bytes, under their deadline.
func (s *session) dial(ctx context.Context, host string, secure bool) (err error) {
	dialer := net.Dialer{Timeout: dialTimeout, KeepAlive: 30 * time.Second}
	conn, err := dialer.DialContext(ctx, "tcp", host)
	if err != nil {
		return err
	}
	if s.conn = conn; !secure {
		return nil
	}
	config := s.TLS.Clone()
	if config == nil {
		config = &tls.Config{}
	}
	if config.ServerName == "" {
		config.ServerName, _, _ = net.SplitHostPort(host)
	}
	s.conn = tls.Client(s.conn, config)
	return nil
}

// maxTime is the later of two.
func maxTime(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// drain waits a moment for the answers to what was handed in, so that a clean stop counts them.
func (s *session) drain(lines <-chan []byte, broken <-chan error) error {
	timer := time.NewTimer(2 * time.Second)
	defer timer.Stop()
	for len(s.pending) > 0 {
		select {
		case line := <-lines:
			if err := s.handle(line); err != nil {
				return err
			}
		case err := <-broken:
			return err
		case <-timer.C:
			return nil
		}
	}
	return nil
}

// open sends all requests of the beginning at once, without waiting for answers.
func (s *session) open() error {
	agent, user := quote(s.Agent), quote(s.User)
	var out []byte
	out = stratum.AppendRequest(out, idConfigure, "mining.configure", `[["subscribe-extranonce"],{}]`)
	out = stratum.AppendRequest(out, idSubscribe, "mining.subscribe", "["+agent+"]")
	out = stratum.AppendRequest(out, idAuthorize, "mining.authorize", "["+user+","+quote(s.Password)+"]")
	if s.RequestedDifficulty > 0 {
		out = stratum.AppendRequest(out, idSuggest, "mining.suggest_difficulty",
			fmt.Sprintf("[%g]", s.RequestedDifficulty))
	}
	out = stratum.AppendRequest(out, idExtranonce, "mining.extranonce.subscribe", "[]")
	return s.write(out)
}

// quote is a text as JSON has it: names and passwords come from a configuration and may hold anything.
func quote(text string) string {
	quoted, _ := json.Marshal(text)
	return string(quoted)
}

// write sends within writeTimeout.
func (s *session) write(out []byte) error {
	if err := s.conn.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return err
	}
	_, err := s.conn.Write(out)
	return err
}

// read hands lines over until the pool is silent for too long, says a line that is too long, or nobody takes them any
// more.
func (s *session) read(lines chan<- []byte, stopped <-chan struct{}) error {
	reader := bufio.NewReaderSize(s.conn, stratum.MaxPoolLine)
	for {
		if err := s.conn.SetReadDeadline(time.Now().Add(idleTimeout)); err != nil {
			return err
		}
		line, err := reader.ReadSlice('\n')
		if err != nil {
			return fmt.Errorf("reading: %w", err)
		}
		select {
		case lines <- append([]byte(nil), line...):
		case <-stopped:
			return nil
		}
	}
}

// handle takes one line: a request of the pool's, or an answer to one of ours. An error ends the connection.
func (s *session) handle(line []byte) error {
	var m stratum.Message
	if err := m.ParsePool(line); err != nil {
		return fmt.Errorf("pool sent a line that is %w", err)
	}
	if len(m.Method) > 0 {
		return s.request(&m)
	}
	var id int
	if json.Unmarshal(m.ID, &id) != nil {
		return nil //nolint:nilerr // an answer to nothing that was asked
	}
	refusal := stratum.ParseRefusal(m.Error)
	switch id {
	case idConfigure, idSuggest, idExtranonce:
		return nil // optional: old pools refuse them or say nothing
	case idSubscribe:
		if refusal != nil {
			return fmt.Errorf("pool refuses to subscribe: %w", refusal)
		}
		var err error
		s.subscription, err = stratum.ParseSubscription(m.Result)
		return err
	case idAuthorize:
		if refusal != nil || string(m.Result) != "true" {
			return fmt.Errorf("%w %q", ErrRefused, s.User)
		}
		s.stats.setAlive(true)
		return nil
	}
	s.answered(id, &m, refusal)
	return nil
}

// answered judges a share by the pool's answer.
func (s *session) answered(id int, m *stratum.Message, refusal *stratum.Refusal) {
	share, ok := s.pending[id]
	if !ok {
		return
	}
	delete(s.pending, id)
	if string(m.Result) == "true" && refusal == nil {
		s.stats.accept(share.Job.Difficulty, time.Now())
		if share.solves() {
			s.stats.block()
			s.Log.Debug("block found", "hash", share.Hash, "job", share.Job.ID)
		}
		return
	}
	reason := "rejected"
	if refusal != nil {
		reason = refusal.Text
	}
	s.stats.reject(reason, share.Job.Difficulty)
	s.Log.Warn("share rejected", "reason", reason, "job", share.Job.ID)
}

// request does what the pool asks, if it is known; the rest is passed over.
func (s *session) request(m *stratum.Message) error {
	switch string(m.Method) {
	case "mining.notify":
		return s.notify(m)
	case "mining.set_difficulty":
		d, ok := m.Number(0)
		if !ok {
			return errors.New("mining.set_difficulty: want a number")
		}
		target, err := bitcoin.TargetOfDifficulty(d)
		if err != nil {
			return err
		}
		s.difficulty, s.target = d, target // holds from the next job on
	case "mining.set_extranonce":
		if s.subscription != nil {
			return s.subscription.ParseSetExtranonce(m)
		}
	case "client.reconnect":
		// Where to is not obeyed: it would let anybody on the path take the miner away.
		return errors.New("pool asks to connect again")
	case "mining.ping":
		return s.write(stratum.AppendResult(nil, m.ID, `"pong"`))
	case "client.get_version":
		return s.write(stratum.AppendResult(nil, m.ID, quote(s.Agent)))
	case "client.show_message":
		if text, err := m.Text(0); err == nil {
			s.Log.Info("message from the pool", "text", string(text[:min(len(text), 200)]))
		}
	}
	return nil
}

// notify takes a job. Difficulty and extranonce are those of this moment, whatever the pool changes later.
func (s *session) notify(m *stratum.Message) error {
	n, err := m.ParseNotify()
	if err != nil {
		return err
	}
	if s.subscription == nil {
		return errors.New("pool sent a job before it answered mining.subscribe")
	}
	job := &Job{
		ID: n.JobID, Head: n.Head, Tail: n.Tail, Extranonce1: s.subscription.Extranonce1,
		Extranonce2Size: s.subscription.Extranonce2Size,
		Branch:          n.Branch, Version: n.Version, Bits: n.Bits, Time: n.Time, Previous: n.Previous,
		Target:     s.target,
		Difficulty: s.difficulty,
	}
	// Shares of jobs that are no more would be refused: what the engine finds of them is dropped before it is sent
	// (run).
	if n.CleanJobs {
		clear(s.jobs)
		s.order = s.order[:0]
	}
	if _, again := s.jobs[job.ID]; !again {
		s.order = append(s.order, job.ID)
	}
	s.jobs[job.ID] = job
	if len(s.order) > keptJobs {
		delete(s.jobs, s.order[0])
		s.order = s.order[1:]
	}
	s.working = true
	s.stats.newJob(job.Difficulty)
	s.engine.Set(job)
	return nil
}

// submit sends a share. A pool that answers none any more is left.
func (s *session) submit(share *Share) error {
	if len(s.pending) >= maxPending {
		return errors.New("pool does not answer shares")
	}
	id := s.nextID
	s.nextID++
	s.pending[id] = share
	params := make([]byte, 0, 200)
	params = append(params, '[')
	params = append(params, quote(s.User)...)
	params = append(params, `,"`...)
	params = append(params, share.Job.ID...)
	params = append(params, `","`...)
	params = hex.AppendEncode(params, share.Extranonce2)
	params = append(params, `","`...)
	params = stratum.AppendHex32(params, share.Job.Time)
	params = append(params, `","`...)
	params = hex.AppendEncode(params, share.nonceHex())
	params = append(params, `"]`...)
	return s.write(stratum.AppendRequest(nil, id, "mining.submit", string(params)))
}
