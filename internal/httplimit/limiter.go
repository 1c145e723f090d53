package httplimit

import (
	"errors"
	"io"
	"net/http"
	"sync"
	"time"
)

// Caller is who sends a request.
type Caller struct {
	Address string // by which it counts; empty is this process itself, which is not limited
	Known   bool   // it has an access
	Stream  bool   // it asks for a stream
	Cheap   bool   // its answer costs nothing to make: a part of a file
}

// what is counted.
const (
	requests = iota
	streams
	bodies
	counters
)

// used is what is in use, in all or by one address.
type used [counters]int64

func (u *used) none() bool { return *u == used{} }

// Limiter bounds the requests of a server.
type Limiter struct {
	limits Limits
	reject func(w http.ResponseWriter, status int, detail string)

	// mu is over all counts. Each is given back by who took it, on every way out: a count that stays would shut an
	// address out for good.
	mu          sync.Mutex
	total       [2]used // of strangers and of those who are known
	addresses   map[string]*used
	connections int
	connected   map[string]int // by address
	answers     answers
}

// New makes a limiter; reject answers a request that is over a limit.
func New(limits Limits, reject func(w http.ResponseWriter, status int, detail string)) *Limiter {
	return &Limiter{limits: limits, reject: reject, addresses: map[string]*used{}, connected: map[string]int{},
		answers: answers{addresses: map[string]*bucket{}}}
}

// most is how much of something there may be in all and for an address.
func (l *Limiter) most(what int) (total, address int64) {
	switch what {
	case requests:
		return int64(l.limits.Requests), int64(l.limits.RequestsPerAddress)
	case streams:
		return int64(l.limits.Streams), int64(l.limits.StreamsPerAddress)
	}
	return l.limits.Bodies, l.limits.BodiesPerAddress
}

// take takes some of a budget, if there is so much of it, all or nothing. What was taken is given back with the same
// caller and amount.
func (l *Limiter) take(c Caller, what int, n int64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	total, address := l.most(what)
	t := &l.total[class(c)]
	a := l.addresses[c.Address]
	if a == nil {
		a = &used{}
	}
	if t[what]+n > total || a[what]+n > address {
		return false
	}
	t[what] += n
	a[what] += n
	l.addresses[c.Address] = a
	return true
}

func (l *Limiter) give(c Caller, what int, n int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.total[class(c)][what] -= n
	a := l.addresses[c.Address]
	if a[what] -= n; a.none() {
		delete(l.addresses, c.Address)
	}
}

func class(c Caller) int {
	if c.Known {
		return 1
	}
	return 0
}

// Handler bounds what comes to a handler: size of the body, requests or streams under way, bytes answered, and a
// body's pace, in this order, the cheapest refusal first. What is refused before the handler is answered 429, by
// reject; within it a body over its size or over the budget is the error of its Read.
func (l *Limiter) Handler(next http.Handler, callerOf func(r *http.Request) Caller) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := callerOf(r)
		most := l.limits.Body
		if !c.Known {
			most = l.limits.StrangersBody
		}
		r.Body = http.MaxBytesReader(w, r.Body, most)
		if c.Address == "" {
			next.ServeHTTP(w, r)
			return
		}
		what, name := requests, "requests"
		if c.Stream {
			what, name = streams, "streams"
		}
		if !l.take(c, what, 1) {
			// What is left of a body is not waited for.
			w.Header().Set("Connection", "close")
			l.reject(w, http.StatusTooManyRequests, "too many "+name+" at once, of yours or of all: come again later")
			return
		}
		defer l.give(c, what, 1)
		if !l.mayAnswer(c, time.Now()) {
			l.reject(w, http.StatusTooManyRequests,
				"so much was answered to you, or to all who have no access, that you must wait")
			return
		}
		if !c.Stream && !c.Known && !c.Cheap {
			out := &counted{ResponseWriter: w}
			defer func() { l.answered(c, out.bytes, time.Now()) }()
			w = out
		}
		if r.ContentLength > SmallBody && !l.roomForBody(c) {
			w.Header().Set("Connection", "close") // nothing of it is read
			l.reject(w, http.StatusTooManyRequests, ErrBodies.Error())
			return
		}
		control := http.NewResponseController(w)
		if c.Stream { // it sets its own, and nothing more is read
			_ = control.SetReadDeadline(time.Time{})
			_ = control.SetWriteDeadline(time.Time{})
		} else {
			// Not a deadline of the answer before on this connection.
			_ = control.SetWriteDeadline(time.Time{})
			w = &timed{ResponseWriter: w}
		}
		b := &body{ReadCloser: r.Body, limiter: l, caller: c, control: control, began: time.Now()}
		defer b.release()
		if r.ContentLength != 0 {
			if !c.Stream {
				// Of a body that the handler does not read the server waits for the rest itself, until then.
				_ = control.SetReadDeadline(b.began.Add(bodyGrace))
			}
			r.Body = b
		}
		next.ServeHTTP(w, r)
	})
}

// roomForBody says whether more of a large body could be taken now: where not, its first bytes need not be read to
// refuse it.
func (l *Limiter) roomForBody(c Caller) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	total, address := l.most(bodies)
	a := l.addresses[c.Address]
	return l.total[class(c)][bodies]+SmallBody <= total && (a == nil || a[bodies]+SmallBody <= address)
}

// ErrBodies means that too many bodies are under way.
var ErrBodies = errors.New("too much is being sent at once, by you or by all: come again later")

// body counts what is read of a request's body, and gives it back when the request is over. It is used by the
// handler's goroutine alone.
type body struct {
	io.ReadCloser
	limiter *Limiter
	caller  Caller
	control *http.ResponseController
	began   time.Time
	read    int64
	taken   int64
	ended   bool
}

// Read moves the deadline on with what has come, so that a body must come at a pace and not by a time: a large one
// over a slow line is let in, and one that trickles is not. What is read beyond a small body's size is counted to its
// caller.
func (b *body) Read(p []byte) (int, error) {
	if !b.ended { // a body that trickles is ended by its connection's deadline
		_ = b.control.SetReadDeadline(b.began.Add(bodyGrace +
			time.Duration(float64(b.read)/bodyPace*float64(time.Second))))
	}
	n, err := b.ReadCloser.Read(p)
	b.read += int64(n)
	if errors.Is(err, io.EOF) && !b.ended { // after any other error the deadline stands: the rest is not waited for
		b.ended = true
		_ = b.control.SetReadDeadline(time.Time{}) // the connection is watched on for its end
	}
	if more := b.read - SmallBody - b.taken; more > 0 {
		if !b.limiter.take(b.caller, bodies, more) {
			return 0, ErrBodies
		}
		b.taken += more
	}
	return n, err
}

func (b *body) release() {
	if b.taken > 0 {
		b.limiter.give(b.caller, bodies, b.taken)
		b.taken = 0
	}
}
