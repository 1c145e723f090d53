package intake

import (
	"sync"
	"time"
)

// Queue is what waits, by source. Its methods may be called by any goroutine.
type Queue[T any] struct {
	room int
	now  func() time.Time

	mu      sync.Mutex // over what follows
	arrived sync.Cond  // with mu: something came, or it was closed
	closed  bool
	sources map[Source]*queue[T] // at most maxSources
	active  []*queue[T]          // those that have something to take out, in the order of their turns
	waiting int
	unknown int             // of these, those of sessions and strangers
	nobody  standing        // of all strangers together
	lanes   allowance       // of all sessions and strangers in disgrace
	lent    time.Time       // when the table of sources was last cleared of those that are idle
	pooled  [classes]Source // who shares one place when the table is full
}

// maxSources bounds the table of sources. Those beyond it share one place for each class.
const maxSources = 16_384

// New makes a queue with room for so many transactions.
func New[T any](room int, now func() time.Time) *Queue[T] {
	q := &Queue[T]{room: room, now: now, sources: map[Source]*queue[T]{}}
	q.arrived.L = &q.mu
	for c := range q.pooled {
		q.pooled[c] = Source{Class(c), "\x00others"}
	}
	return q
}

// of finds or makes a source's queue. The lock is held. Beyond maxSources, those that are idle are forgotten, at most
// once a second; when all are busy, newcomers of a class share one queue: who invents addresses shares with himself.
func (q *Queue[T]) of(source Source, now time.Time) *queue[T] {
	if s, ok := q.sources[source]; ok {
		s.standing.age(now)
		return s
	}
	if len(q.sources) >= maxSources {
		if now.Sub(q.lent) >= time.Second {
			q.lent = now
			for name, s := range q.sources {
				if s.idle(now) {
					delete(q.sources, name)
				}
			}
		}
		if len(q.sources) >= maxSources && source.Name != q.pooled[source.Class].Name {
			return q.of(q.pooled[source.Class], now)
		}
	}
	s := &queue[T]{source: source, standing: standing{at: now}}
	q.sources[source] = s
	return s
}

// disgraced says whether a source has lost its share for now: by its own forgeries or, when strangers send many from
// ever new addresses, as a stranger of whom nothing good was seen either.
func (q *Queue[T]) disgraced(s *queue[T], now time.Time) bool {
	return s.source.Class != Own && (s.standing.bad(forgedFree) || q.suspected(s.source, &s.standing, now))
}

// suspected says whether a stranger is in disgrace for what others like him do.
func (q *Queue[T]) suspected(source Source, s *standing, now time.Time) bool {
	q.nobody.age(now)
	return source.Class == Stranger && s.valid < 1 && q.nobody.bad(forgedByNobody)
}

// inLane is how many transactions of a source in disgrace may be verified now.
func (q *Queue[T]) inLane(source Source, lane *allowance, now time.Time) int {
	left := lane.left(shares[source.Class].lane, now)
	if source.Class >= Session {
		left = min(left, q.lanes.left(laneOfAll, now))
	}
	return max(0, left)
}

// Barred says for how long a source will be in disgrace if it forges no more, zero if it is not, and whether one
// transaction of it would be taken in nevertheless: what a source sends that cannot be taken in need not be read. It
// holds a source's own forgeries against it and against nobody whose name stands in them.
func (q *Queue[T]) Barred(source Source) (wait time.Duration, lane bool) {
	if source.Class == Own {
		return 0, true
	}
	now := q.now()
	q.mu.Lock()
	defer q.mu.Unlock()
	s, known := q.sources[source]
	if !known && len(q.sources) >= maxSources {
		s, known = q.sources[q.pooled[source.Class]]
	}
	if !known { // looking makes no place in the table
		s = &queue[T]{source: source, standing: standing{at: now}}
	}
	s.standing.age(now)
	if s.standing.bad(forgedFree) {
		wait = s.standing.recovers(forgedFree, now)
	}
	if q.suspected(source, &s.standing, now) {
		wait = max(wait, q.nobody.recovers(forgedByNobody, now))
	}
	return wait, wait == 0 || q.inLane(source, &s.lane, now) > 0
}

// free is how many transactions more a source may have waiting.
func (q *Queue[T]) free(s *queue[T], now time.Time) int {
	most := max(1, q.room/shares[s.source.Class].part)
	if s.source.Class == Stranger && s.standing.valid < knownFrom {
		most = min(most, maxNew)
	}
	if q.disgraced(s, now) {
		most = max(1, most/disgracedPart)
	}
	free := min(most-s.waiting, q.room-q.waiting)
	if s.source.Class >= Session {
		free = min(free, max(1, q.room*unknownPart/unknownParts)-q.unknown)
	}
	return max(0, free)
}

// Place is room that was reserved for so many transactions of a source.
type Place[T any] struct {
	of        *queue[T]
	N         int
	Disgraced bool // the source has lost its share for now
}

// Reserve reserves room for up to so many transactions of a source, and says how many of it wait already. What is
// reserved is given back by Done.
func (q *Queue[T]) Reserve(source Source, want int) (place Place[T], waiting int) {
	now := q.now()
	q.mu.Lock()
	defer q.mu.Unlock()
	s := q.of(source, now)
	waiting = s.waiting
	place = Place[T]{s, min(want, q.free(s, now)), q.disgraced(s, now)}
	if place.Disgraced {
		place.N = min(place.N, q.inLane(source, &s.lane, now))
		s.lane.used += float64(place.N)
		if source.Class >= Session {
			q.lanes.used += float64(place.N)
		}
	}
	q.count(s, place.N)
	return place, waiting
}

func (q *Queue[T]) count(s *queue[T], n int) {
	s.waiting += n
	q.waiting += n
	if s.source.Class >= Session {
		q.unknown += n
	}
}

// Push puts in what a place was reserved for. False means that the queue is closed.
func (q *Queue[T]) Push(place Place[T], value T) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return false
	}
	s := place.of
	s.push(item[T]{value, place.N})
	if !s.listed {
		s.listed = true
		q.active = append(q.active, s)
	}
	q.arrived.Signal()
	return true
}

// Pop takes out what is next. With wait it waits for something; false means that there is nothing, or nothing any more.
func (q *Queue[T]) Pop(wait bool) (value T, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.active) == 0 {
		if !wait || q.closed {
			return value, false
		}
		q.arrived.Wait()
	}
	now := q.now()
	for {
		s := q.active[0]
		if s.deficit <= 0 {
			s.deficit += q.quantumOf(s, now)
		}
		if s.deficit <= 0 { // it has taken more than its turn before
			q.active = append(q.active[1:], s)
			continue
		}
		i := s.pop()
		s.deficit -= i.size
		switch {
		case s.empty():
			q.active, s.listed, s.deficit = q.active[1:], false, min(s.deficit, 0)
		case s.deficit <= 0:
			q.active = append(q.active[1:], s)
		}
		return i.value, true
	}
}

// quantumOf is how many transactions a source has taken out at a turn.
func (q *Queue[T]) quantumOf(s *queue[T], now time.Time) int {
	quantum := shares[s.source.Class].quantum
	if q.disgraced(s, now) {
		return max(1, quantum/disgracedPart)
	}
	return quantum
}

// Done gives a place back: what it was for has left the pipeline.
func (q *Queue[T]) Done(place Place[T]) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.count(place.of, -place.N)
}

// Judge says how many signatures of what was in a place were valid, and how many were forged or made others work in
// vain.
func (q *Queue[T]) Judge(place Place[T], valid, forged int) {
	now := q.now()
	q.mu.Lock()
	defer q.mu.Unlock()
	s := place.of
	s.standing.age(now)
	s.standing.valid += float64(valid)
	s.standing.forged += float64(forged)
	if s.source.Class == Stranger {
		q.nobody.age(now)
		q.nobody.valid += float64(valid)
		q.nobody.forged += float64(forged)
	}
}

// Waiting is how many transactions are taken in and not yet done.
func (q *Queue[T]) Waiting() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.waiting
}

// Close lets what waits be taken out, and nothing more in.
func (q *Queue[T]) Close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.arrived.Broadcast()
}
