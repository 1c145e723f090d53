package intake

import "time"

// Class is what is known of a source.
type Class uint8

const (
	Own      Class = iota // the operator's own process and commands
	Access                // a holder of an access token: a bank, the authority, an auditor
	Session               // who has signed in with a wallet's key
	Stranger              // an address, of which nothing is known
	classes
)

// share is what a class may do. Parts are of the whole queue.
type share struct {
	part    int     // one source's transactions that wait: one part in so many
	quantum int     // transactions that it may have taken out at its turn
	lane    float64 // transactions a second that it may have verified in disgrace
}

var shares = [classes]share{Own: {1, 1024, 0}, Access: {2, 1024, 256}, Session: {16, 128, 16}, Stranger: {8, 128, 16}}

// laneOfAll is how many transactions a second all sources in disgrace that are not known may have verified together: a
// signature by itself takes some 100 µs, so it is a fortieth of a core.
const laneOfAll = 256

// Who is not known has at most so much of the queue, all together, that whoever has an access still finds room.
const unknownPart, unknownParts = 3, 4

// A stranger of whom not so many signatures were valid lately has at most so much of the queue: what he sends may be
// forged, and the rest of it need not be verified when its beginning was.
const (
	knownFrom = 32
	maxNew    = 64
)

// A source in disgrace has one part in so many of its share.
const disgracedPart = 64

// Source is who sends: sources of the same class and name share.
type Source struct {
	Class Class
	Name  string // of the access, the wallet, or the address (of IPv6 its /64, which one subscriber has)
}

// standing is how a source's signatures turned out lately: it halves every halfLife, so that nothing is held against
// anybody for long, and no list of the bad is kept.
type standing struct {
	valid, forged float64
	at            time.Time
}

// halfLife is the time in which half of what was seen is forgotten.
const halfLife = 4 * time.Second

func (s *standing) age(now time.Time) {
	for ; now.Sub(s.at) >= halfLife; s.at = s.at.Add(halfLife) {
		if s.valid, s.forged = s.valid/2, s.forged/2; s.valid < 1e-3 && s.forged < 1e-3 {
			*s = standing{at: now}
			return
		}
	}
}

// A source may send so many forgeries, and one in so many of its signatures, before it is in disgrace: a wallet that
// has got another key, or an error, does no harm.
const (
	forgedFree     = 8
	forgedPart     = 64
	forgedByNobody = 8 * forgedFree // of all strangers together
)

// bad says whether more was forged than is let pass, free times over.
func (s *standing) bad(free float64) bool { return s.forged > free+s.valid/forgedPart }

// recovers is in how long no more than that will be left of what was forged, if nothing more is.
func (s *standing) recovers(free float64, now time.Time) time.Duration {
	later := *s
	for later.bad(free) {
		later.age(later.at.Add(halfLife))
	}
	return later.at.Sub(now)
}

// allowance is what may be done of something that comes back at a rate: as much at once as in a second. A new one is
// full.
type allowance struct {
	used float64
	at   time.Time
}

// left is how many may be done now.
func (a *allowance) left(perSecond float64, now time.Time) int {
	if elapsed := now.Sub(a.at); elapsed > 0 {
		a.used, a.at = max(0, a.used-perSecond*elapsed.Seconds()), now
	}
	return int(perSecond - a.used)
}

// queue is one source's.
type queue[T any] struct {
	source   Source
	standing standing
	lane     allowance // in disgrace
	items    []item[T]
	first    int // of items
	waiting  int // transactions taken in and not yet done
	deficit  int // what is left of its turn
	listed   bool
}

type item[T any] struct {
	value T
	size  int
}

// idle says whether nothing would be lost with it.
func (q *queue[T]) idle(now time.Time) bool {
	q.standing.age(now)
	return q.waiting == 0 && q.standing.forged < 1
}

func (q *queue[T]) push(i item[T]) { q.items = append(q.items, i) }

// pop takes the oldest. What was taken is moved away when it is half of the slice: each item is copied at most once a
// halving, and the memory of a burst is used again.
func (q *queue[T]) pop() item[T] {
	i := q.items[q.first]
	q.items[q.first] = item[T]{}
	if q.first++; q.first == len(q.items) {
		q.items, q.first = q.items[:0], 0
	} else if q.first >= 64 && 2*q.first > len(q.items) {
		q.items = append(q.items[:0], q.items[q.first:]...)
		q.first = 0
	}
	return i
}

func (q *queue[T]) empty() bool { return q.first == len(q.items) }
