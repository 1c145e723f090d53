package serve

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/aqsha/aqsha/pool/settings"
	"github.com/aqsha/aqsha/pool/stratum"
	"github.com/aqsha/aqsha/pool/worker"
)

// What an operator does with connections. Loops own them, so each change is carried
// out by them; these methods wait for it.

// Session is a connection as an operator sees it.
type Session struct {
	Address    string    `json:"address"`
	Agent      string    `json:"agent,omitempty"`
	Worker     string    `json:"worker,omitempty"` // the first
	Workers    int       `json:"workers"`
	TLS        bool      `json:"tls,omitempty"`
	Difficulty float64   `json:"difficulty"`
	Good       int       `json:"shares_this_minute"`
	Bad        int       `json:"bad_shares_this_minute"`
	Connected  time.Time `json:"connected"`
	LastHeard  time.Time `json:"last_heard"`
}

// Selector names connections: all of an address, of a worker or of an account. Empty fields don't
// select; an empty selector is everybody.
type Selector struct {
	Address string `json:"address,omitempty"` // of the network
	Worker  string `json:"worker,omitempty"`  // a full name, or an account for all of its workers
}

// ErrNobody means that a selector fits no connection.
var ErrNobody = errors.New("no connection fits")

// fits says whether a connection is selected; it runs on the connection's own loop.
func (s Selector) fits(c *conn) bool {
	if s.Address != "" && c.ip.String() != s.Address {
		return false
	}
	if s.Worker == "" {
		return true
	}
	address, name := worker.SplitName(s.Worker)
	fits := false
	c.each(func(w *worker.Worker) {
		fits = fits || worker.SameAddress(w.Address, address) && (name == "" || name == w.Name)
	})
	return fits
}

// onLoops runs f for each selected connection on its loop and waits until all loops are done. f touches a connection as
// its owner. When ctx ends some loops may not have come to it yet; they do it all the same.
func (srv *Server) onLoops(ctx context.Context, s Selector, f func(*loop, *conn)) error {
	done := make(chan struct{}, len(srv.loops))
	for _, l := range srv.loops {
		l.post(func() {
			for _, c := range slices.Clone(l.conns) {
				if s.fits(c) {
					f(l, c)
				}
			}
			done <- struct{}{}
		})
	}
	for range srv.loops {
		select {
		case <-done:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// Sessions lists up to limit connections, the greatest difficulties first, and counts all that fit.
func (srv *Server) Sessions(ctx context.Context, s Selector, limit int) (list []Session, all int, err error) {
	var mu sync.Mutex // over found; loops that come to it after ctx has ended add to what nobody reads
	var found []Session
	err = srv.onLoops(ctx, s, func(_ *loop, c *conn) {
		one := Session{Address: c.ip.String(), Agent: c.agent, TLS: c.secure, Good: c.good, Bad: c.bad,
			Connected: c.connected.UTC(), LastHeard: c.lastByte.UTC(), Workers: len(c.workers)}
		if c.worker != nil {
			one.Worker, one.Workers = c.worker.FullName(), max(one.Workers, 1)
		}
		if len(c.steps) > 0 {
			one.Difficulty = c.announced().difficulty.Float()
		}
		mu.Lock()
		defer mu.Unlock()
		found = append(found, one)
	})
	if err != nil {
		return nil, 0, err
	}
	slices.SortStableFunc(found, func(a, b Session) int {
		return cmp.Or(cmp.Compare(b.Difficulty, a.Difficulty), cmp.Compare(a.Worker, b.Worker))
	})
	return found[:min(len(found), limit)], len(found), nil
}

// each carries something out for the selected connections and says for how many.
func (srv *Server) each(ctx context.Context, s Selector, f func(*loop, *conn)) (n int, err error) {
	counts := make(chan struct{}, 1<<20)
	err = srv.onLoops(ctx, s, func(l *loop, c *conn) {
		f(l, c)
		select {
		case counts <- struct{}{}:
		default:
		}
	})
	if n = len(counts); err == nil && n == 0 {
		err = ErrNobody
	}
	return n, err
}

// Kick closes connections. They may come back: a ban keeps an address away.
func (srv *Server) Kick(ctx context.Context, s Selector) (int, error) {
	return srv.each(ctx, s, func(l *loop, c *conn) { l.close(c) })
}

// MaxMessage bounds what devices are to show, bytes.
const MaxMessage = 200

// Message has devices show a text (client.show_message), where their firmware can.
func (srv *Server) Message(ctx context.Context, s Selector, text string) (int, error) {
	if text == "" || len(text) > MaxMessage {
		return 0, fmt.Errorf("message: want 1 to %d bytes", MaxMessage)
	}
	params, err := json.Marshal([]string{text})
	if err != nil {
		return 0, err
	}
	line := stratum.AppendRequest(nil, -1, "client.show_message", string(params))
	return srv.each(ctx, s, func(l *loop, c *conn) { l.send(c, line) })
}

// Reconnect asks devices to connect again (client.reconnect), here or, where their firmware obeys
// it, elsewhere.
func (srv *Server) Reconnect(ctx context.Context, s Selector, host string, port int) (int, error) {
	if host == "" && port != 0 || host != "" && (port < 1 || port > 65535) {
		return 0, &settings.ConfigError{Field: "port", Rule: fmt.Sprintf("%d: want 1 to 65535, with a host", port)}
	}
	params := "[]"
	if host != "" {
		encoded, err := json.Marshal([]any{host, port, 0})
		if err != nil {
			return 0, err
		}
		params = string(encoded)
	}
	line := stratum.AppendRequest(nil, -1, "client.reconnect", params)
	return srv.each(ctx, s, func(l *loop, c *conn) { l.send(c, line) })
}

// Ban refuses an address and closes its connections.
func (s *Server) Ban(ctx context.Context, ip netip.Addr) (int, error) {
	s.guard.Ban(ip, time.Now())
	n, err := s.Kick(ctx, Selector{Address: ip.String()})
	if errors.Is(err, ErrNobody) {
		err = nil
	}
	return n, err
}

// Drain lets nobody new in, asks everybody to connect elsewhere or later, and returns when all have
// gone or the context ends. The pool then goes on for who has stayed until it is ended.
func (s *Server) Drain(ctx context.Context) (left int, err error) {
	s.draining.Store(true)
	if _, err := s.Reconnect(ctx, Selector{}, "", 0); err != nil && !errors.Is(err, ErrNobody) {
		return s.guard.Counts(time.Now()).Connections, err
	}
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for s.guard.Counts(time.Now()).Connections > 0 {
		select {
		case <-ctx.Done():
			return s.guard.Counts(time.Now()).Connections, nil
		case <-tick.C:
		}
	}
	return 0, nil
}

// Undrain lets miners in again.
func (s *Server) Undrain() { s.draining.Store(false) }

// Unban lets an address in again.
func (s *Server) Unban(ip netip.Addr) bool { return s.guard.Unban(ip) }

// Bans lists the addresses that are refused, and until when.
func (s *Server) Bans() map[string]time.Time { return s.guard.Bans() }

// Exempt keeps a network from being banned or limited, until the pool's end; --exempt does for good.
func (s *Server) Exempt(prefix netip.Prefix, exempt bool) error {
	return s.guard.Exempt(prefix, exempt)
}
