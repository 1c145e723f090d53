package pool

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"time"

	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/pool/stratum"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// What an operator does with a running pool. Loops own their connections, so each change is carried
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

func (s Selector) fits(c *conn) bool {
	if s.Address != "" && c.ip.String() != s.Address {
		return false
	}
	if s.Worker == "" {
		return true
	}
	address, name := splitName(s.Worker)
	fits := false
	c.each(func(w *worker) { fits = fits || sameAddress(w.address, address) && (name == "" || name == w.name) })
	return fits
}

// onLoops runs f for each selected connection on its loop and waits until all loops are done.
func (p *Pool) onLoops(ctx context.Context, s Selector, f func(*loop, *conn)) error {
	done := make(chan struct{}, len(p.loops))
	for _, l := range p.loops {
		l.post(func() {
			for _, c := range slices.Clone(l.conns) {
				if s.fits(c) {
					f(l, c)
				}
			}
			done <- struct{}{}
		})
	}
	for range p.loops {
		select {
		case <-done:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// Sessions lists up to limit connections, the greatest difficulties first, and counts all that fit.
func (p *Pool) Sessions(ctx context.Context, s Selector, limit int) (list []Session, all int, err error) {
	found := make(chan Session, 1024)
	collected := make(chan struct{})
	go func() {
		defer close(collected)
		for one := range found {
			all++
			list = append(list, one)
		}
	}()
	err = p.onLoops(ctx, s, func(_ *loop, c *conn) {
		one := Session{Address: c.ip.String(), Agent: c.agent, TLS: c.secure, Good: c.good, Bad: c.bad, Connected: c.connected.UTC(), LastHeard: c.lastByte.UTC(), Workers: len(c.workers)}
		if c.worker != nil {
			one.Worker, one.Workers = c.worker.fullName(), max(one.Workers, 1)
		}
		if len(c.steps) > 0 {
			one.Difficulty = c.announced().difficulty.Float()
		}
		found <- one
	})
	if err != nil {
		return nil, 0, err // the collector ends with the loops, which hold the channel
	}
	close(found)
	<-collected
	slices.SortStableFunc(list, func(a, b Session) int {
		return cmp.Or(cmp.Compare(b.Difficulty, a.Difficulty), cmp.Compare(a.Worker, b.Worker))
	})
	return list[:min(len(list), limit)], all, nil
}

// each carries something out for the selected connections and says for how many.
func (p *Pool) each(ctx context.Context, s Selector, f func(*loop, *conn)) (n int, err error) {
	counts := make(chan struct{}, 1<<20)
	err = p.onLoops(ctx, s, func(l *loop, c *conn) {
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
func (p *Pool) Kick(ctx context.Context, s Selector) (int, error) {
	return p.each(ctx, s, func(l *loop, c *conn) { l.close(c) })
}

// maxMessage bounds what devices are to show.
const maxMessage = 200

// Message has devices show a text (client.show_message), where their firmware can.
func (p *Pool) Message(ctx context.Context, s Selector, text string) (int, error) {
	if text == "" || len(text) > maxMessage {
		return 0, fmt.Errorf("message: want 1 to %d bytes", maxMessage)
	}
	params, err := json.Marshal([]string{text})
	if err != nil {
		return 0, err
	}
	line := stratum.AppendRequest(nil, -1, "client.show_message", string(params))
	return p.each(ctx, s, func(l *loop, c *conn) { l.send(c, line) })
}

// Reconnect asks devices to connect again (client.reconnect), here or, where their firmware obeys
// it, elsewhere.
func (p *Pool) Reconnect(ctx context.Context, s Selector, host string, port int) (int, error) {
	if host == "" && port != 0 || host != "" && (port < 1 || port > 65535) {
		return 0, &ConfigError{"port", fmt.Sprintf("%d: want 1 to 65535, with a host", port)}
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
	return p.each(ctx, s, func(l *loop, c *conn) { l.send(c, line) })
}

// Ban refuses an address and closes its connections.
func (p *Pool) Ban(ctx context.Context, ip netip.Addr) (int, error) {
	p.guard.ban(ip, time.Now())
	n, err := p.Kick(ctx, Selector{Address: ip.String()})
	if errors.Is(err, ErrNobody) {
		err = nil
	}
	return n, err
}

// Unban lets an address in again.
func (p *Pool) Unban(ip netip.Addr) bool {
	g := p.guard
	g.mu.Lock()
	defer g.mu.Unlock()
	_, banned := g.banned[ip]
	if banned {
		g.banned[ip] = time.Now()
		g.unkept[ip] = g.banned[ip]
	}
	return banned
}

// Bans lists the addresses that are refused, and until when.
func (p *Pool) Bans() map[string]time.Time {
	g := p.guard
	g.mu.Lock()
	defer g.mu.Unlock()
	bans := map[string]time.Time{}
	for ip, until := range g.banned {
		if time.Now().Before(until) {
			bans[ip.String()] = until.UTC()
		}
	}
	return bans
}

// maxExempt bounds the networks that are exempt.
const maxExempt = 1000

// Exempt keeps a network from being banned or limited, until the pool's end; --exempt does for good.
func (p *Pool) Exempt(prefix netip.Prefix, exempt bool) error {
	g := p.guard
	g.mu.Lock()
	defer g.mu.Unlock()
	g.exempt = slices.DeleteFunc(slices.Clone(g.exempt), func(one netip.Prefix) bool { return one == prefix })
	if exempt && len(g.exempt) >= maxExempt {
		return fmt.Errorf("exempt: at most %d networks", maxExempt)
	}
	if exempt {
		g.exempt = append(g.exempt, prefix)
	}
	return nil
}

// ErrPaused means that the operator has paused payouts.
var ErrPaused = errors.New("payouts are paused")

// pausedFile stands beside the payments' directory while payouts are paused: a restart does not pay.
func (p *Pool) pausedFile() string { return p.drawer.dir + ".paused" }

// PausePayouts stops or resumes payments from the wallet. A payment that has been signed is finished.
func (p *Pool) PausePayouts(pause bool) error {
	if p.drawer.dir == "" {
		return errors.New("payouts: this pool keeps no payments")
	}
	if !pause {
		err := os.Remove(p.pausedFile())
		if errors.Is(err, os.ErrNotExist) {
			err = nil
		}
		return err
	}
	return durable.Replace(vfs.OS, p.pausedFile(), []byte("payouts are paused: aqsha pool admin payouts resume\n"))
}

// PayoutsPaused says whether payments are stopped.
func (p *Pool) PayoutsPaused() bool {
	if p.drawer.dir == "" {
		return false
	}
	_, err := os.Stat(p.pausedFile())
	return err == nil
}

// feeChange is a fee that will hold.
type feeChange struct {
	ppm uint64
	at  time.Time
}

// leastNotice is how long before it holds a higher fee is announced.
const leastNotice = 24 * time.Hour

// ChangeFee announces another fee of the operator's from a time on: at least a day ahead where it
// rises. It is in /v1/pool at once and in the log when it holds; shares before it keep theirs.
func (p *Pool) ChangeFee(ppm uint64, at, now time.Time) error {
	switch {
	case ppm > 1_000_000:
		return &ConfigError{"fee", "more than everything"}
	case ppm > p.feePPM.Load() && at.Sub(now) < leastNotice:
		return &ConfigError{"fee", "a higher fee is announced at least 24 h before"}
	case at.Before(now.Add(-clockLeeway)):
		return &ConfigError{"at", "is past; a fee that is not higher holds at once without it"}
	}
	if err := p.announceFee(ppm, at); err != nil {
		return err
	}
	if !now.Before(at) {
		p.applyFee(now)
	}
	return nil
}

// clockLeeway is how far behind the pool's clock that of who says "now" may be.
const clockLeeway = time.Minute

func (p *Pool) announceFee(ppm uint64, at time.Time) error {
	if err := p.keepFee(&announcedFee{PPM: ppm, At: at.UTC(), Configured: p.config.FeePPM}); err != nil {
		return fmt.Errorf("fee: the announcement cannot be kept: %w", err)
	}
	p.nextFee.Store(&feeChange{ppm, at})
	return nil
}

// announcedFee is an announcement as it is kept beside the payments, so that no restart forgets it. It stays when it
// has come true: the pool is started with the old --fee until somebody changes the command.
type announcedFee struct {
	PPM        uint64    `json:"ppm"`
	At         time.Time `json:"at"`
	Configured uint64    `json:"configured_ppm"` // the fee of --fee when it was announced
}

func (p *Pool) feeFile() string { return p.drawer.dir + ".fee" }

func (p *Pool) keepFee(a *announcedFee) error {
	if p.drawer.dir == "" {
		return nil // a pool in memory
	}
	encoded, err := json.Marshal(a)
	if err != nil {
		return err
	}
	return durable.Replace(vfs.OS, p.feeFile(), append(encoded, '\n'))
}

// maxFeeFile bounds the announcement's file.
const maxFeeFile = 1024

// restoreFee finds the fee that holds from this start on. What held is in the log; an announcement is taken up again,
// and one whose time has come meanwhile holds. A --fee that differs from the one at the announcement is newer than it and
// has the last word, but it gives the same notice as any: a higher one than holds, or was announced, is announced now and
// holds a day later.
func (p *Pool) restoreFee(now time.Time) error {
	kept, err := p.keptFee()
	if err != nil {
		return err
	}
	held, known := p.accounts.loggedFee()
	if !known {
		held = p.config.FeePPM // nobody has mined here yet
	}
	switch {
	case kept != nil && kept.Configured == p.config.FeePPM && now.Before(kept.At):
		p.nextFee.Store(&feeChange{kept.PPM, kept.At})
		p.feePPM.Store(held)
		return nil
	case kept != nil && kept.Configured == p.config.FeePPM:
		p.feePPM.Store(kept.PPM)
		return nil
	}
	at := now.Add(leastNotice)
	if kept != nil {
		p.logger.Warn("the announced fee is dropped: the pool was started with another --fee since", "announced_ppm", kept.PPM, "ppm", p.config.FeePPM)
		if err := os.Remove(p.feeFile()); err != nil {
			return err
		}
		if p.config.FeePPM <= kept.PPM && kept.At.Before(at) {
			at = kept.At // users know of as much
		}
	}
	if p.config.FeePPM <= held || !now.Before(at) {
		p.feePPM.Store(p.config.FeePPM)
		return nil
	}
	p.feePPM.Store(held)
	p.logger.Warn("a higher fee needs a day's notice: it is announced, the old one holds until then",
		"ppm", held, "next_ppm", p.config.FeePPM, "from", at.UTC())
	return p.announceFee(p.config.FeePPM, at)
}

// keptFee is the announcement that is kept, if there is one.
func (p *Pool) keptFee() (*announcedFee, error) {
	if p.drawer.dir == "" {
		return nil, nil
	}
	raw, err := durable.Read(vfs.OS, p.feeFile(), maxFeeFile)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	var kept announcedFee
	if err == nil {
		err = json.Unmarshal(raw, &kept)
	}
	if err != nil || kept.PPM > 1_000_000 {
		return nil, fmt.Errorf("%s: no announcement of a fee (%w); announce it again and remove the file", p.feeFile(), err)
	}
	return &kept, nil
}

// applyFee makes an announced fee hold when its time has come.
func (p *Pool) applyFee(now time.Time) {
	next := p.nextFee.Load()
	if next == nil || now.Before(next.at) || !p.nextFee.CompareAndSwap(next, nil) {
		return
	}
	p.accounts.layout.Lock() // a coinbase that is laid out with the old fee is logged before the new one
	p.feePPM.Store(next.ppm)
	p.committer.record(p.schemeRecord())
	p.accounts.layout.Unlock()
	p.logger.Info("fee changed", "ppm", next.ppm)
}

// settings are the configuration with the fee that holds now.
func (p *Pool) settings() Config {
	c := p.config
	c.FeePPM = p.feePPM.Load()
	return c
}

// Drain lets nobody new in, asks everybody to connect elsewhere or later, and returns when all have
// gone or the context ends. The pool then goes on for who has stayed until it is ended.
func (p *Pool) Drain(ctx context.Context) (left int, err error) {
	p.draining.Store(true)
	if _, err := p.Reconnect(ctx, Selector{}, "", 0); err != nil && !errors.Is(err, ErrNobody) {
		return p.connections(), err
	}
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for p.connections() > 0 {
		select {
		case <-ctx.Done():
			return p.connections(), nil
		case <-tick.C:
		}
	}
	return 0, nil
}

// Undrain lets miners in again.
func (p *Pool) Undrain() { p.draining.Store(false) }

func (p *Pool) connections() int {
	p.guard.mu.Lock()
	defer p.guard.mu.Unlock()
	return p.guard.total
}
