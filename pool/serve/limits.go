package serve

import (
	"cmp"
	"time"
)

// Limits on one connection.
const (
	MaxLine   = 4 << 10 // bytes of a client's line; real ones have some 300
	maxUnsent = 1 << 18 // bytes waiting for a client that does not read

	MaxRequests      = 120 // other than shares and authorizations, in one requestWindow
	requestWindow    = time.Minute
	maxOwnWorkers    = 20_000 // names on one connection: a proxy's
	BadSharesToClose = 200    // in a requestWindow, when they are four of five
)

// Timeouts are the times that a client may take; where one is zero, what is usual. Slow senders of bytes would
// otherwise hold connections for nothing (slowloris).
type Timeouts struct {
	Handshake time.Duration // until the first authorization
	Line      time.Duration // from a line's first byte to its last
	Idle      time.Duration // without a byte from the client
}

// orDefault fills in what is left out.
func (t Timeouts) orDefault() Timeouts {
	return Timeouts{
		Handshake: cmp.Or(t.Handshake, 30*time.Second),
		Line:      cmp.Or(t.Line, 30*time.Second),
		Idle:      cmp.Or(t.Idle, 30*time.Minute),
	}
}
