package bitcoin

import (
	"context"
	"errors"
	"sync"
	"syscall"
	"time"
)

// longPoll is a client's one long poll. bitcoind does not notice that a client has gone: its worker
// stays in the poll until a block comes, or a minute when the mempool has changed, and a node has
// few workers (bitcoin/bitcoin#10436). So the poll outlives whoever follows the node, one that is
// out is used again, and after one that was lost none begins before the node must have ended it.
type longPoll struct {
	arrived chan *Template // one place; the newest

	mu        sync.Mutex // over what follows; nobody waits for an answer with it
	out       bool       // the node holds one that we wait for
	lost      bool       // the node may hold one that we no longer wait for
	tip       Hash       // that the poll out or lost was begun on
	id        string     // its long poll id
	lostAt    time.Time  // when waiting for it ended
	notBefore time.Time  // after an answer that was an error
	cancel    context.CancelFunc
	closed    bool
}

const (
	// longPollDeadline ends the waiting for a connection that is dead and does not say so.
	longPollDeadline = 10 * time.Minute
	// heldWithNews is how long bitcoind holds a long poll at most when transactions have come: a
	// minute, and then a look each ten seconds.
	heldWithNews = 75 * time.Second
	// longPollRest follows an answer of the node that was an error.
	longPollRest = 10 * time.Second
)

// begin starts the long poll for what comes after a template, unless one is out or may be held.
func (l *longPoll) begin(c *Client, t *Template) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if l.lost && (t.Previous != l.tip || t.LongPollID != l.id && now.Sub(l.lostAt) > heldWithNews) {
		l.lost = false // what ended this one's wait at the node has happened
	}
	if t.LongPollID == "" || l.out || l.lost || l.closed || now.Before(l.notBefore) {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), longPollDeadline)
	l.out, l.tip, l.id, l.cancel = true, t.Previous, t.LongPollID, cancel
	go func() {
		defer cancel()
		template, err := c.waitTemplate(ctx, t.LongPollID)
		l.ended(template, err)
	}()
}

// ended keeps the answer or decides whether the node may still hold the poll. It is the only sender of arrived, under
// mu, so that the place it has just emptied is still empty when it sends.
func (l *longPoll) ended(t *Template, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.out = false
	if err == nil {
		select {
		case <-l.arrived:
		default:
		}
		l.arrived <- t
		return
	}
	now := time.Now()
	l.lostAt, l.notBefore = now, now.Add(longPollRest)
	// An answer that is an error, or no connection: the node holds nothing.
	var refusal *RPCError
	var status statusError
	answered := errors.As(err, &refusal) || errors.As(err, &status) || errors.Is(err, ErrUnauthorized) ||
		errors.As(err, new(*TemplateError))
	l.lost = !answered && !errors.Is(err, syscall.ECONNREFUSED)
}

// failed takes the error of a plain question. A node that refuses connections has ended, and with
// it all that it held.
func (l *longPoll) failed(err error) {
	if !errors.Is(err, syscall.ECONNREFUSED) {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lost = false
	if l.out {
		l.cancel()
	}
}

// close ends the waiting for good: begin does nothing afterwards. The node goes on holding the poll until it notices.
func (l *longPoll) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	if l.out {
		l.cancel()
	}
}
