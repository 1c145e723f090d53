package api

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
)

// UnansweredError means that transactions were sent and no answer came: they may have been executed, or not. Sending
// the very same again is safe.
type UnansweredError struct{ Cause error }

func (e *UnansweredError) Error() string {
	return "sent, but not answered, so it is not known whether it was done: " + e.Cause.Error()
}
func (e *UnansweredError) Unwrap() error { return e.Cause }

// noticed returns a context in which it is noticed that a request goes out, and a function that says of what came of it
// whether an answer is missing. A request of which a part went out counts as sent: what the other end has of it is not
// known.
func (c *Client) noticed(ctx context.Context) (context.Context, func(err error) error) {
	var sent atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaders: func() {
		sent.Store(true)
		c.changed.Store(true)
	}})
	return ctx, func(err error) error {
		if err == nil || !sent.Load() || errors.As(err, new(*Problem)) {
			return err
		}
		return &UnansweredError{err}
	}
}

// NoAnswer says of a request that was to change nothing that it had no answer: no connection came about, or it ended,
// or time was up. changed says that the same client has sent a change before.
func NoAnswer(err error) (none, changed bool) {
	var e *UnreachedError
	if !errors.As(err, &e) {
		return NotReached(err), false
	}
	return NotReached(err) || e.Asked && e.Ended(), e.Changed
}

// NotReached says whether an error means that no connection came about, so that nothing was sent.
func NotReached(err error) bool {
	var dial *net.OpError
	var name *net.DNSError
	// A line that could not be secured carried nothing.
	unsecured := errors.Is(err, http.ErrSchemeMismatch) || errors.As(err, new(tls.RecordHeaderError)) ||
		errors.As(err, new(*tls.CertificateVerificationError))
	return errors.As(err, &dial) && dial.Op == "dial" || errors.As(err, &name) || unsecured
}
