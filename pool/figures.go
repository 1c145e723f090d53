package pool

import (
	"slices"
	"sync"
	"time"

	"github.com/aqsha/aqsha/pool/worker"
)

// figures are what pages and lists tell of all workers. Anybody may ask for them as often as he likes, and the walk
// over a million workers takes a second of the registry's lock, which miners who log in wait for: what was found is
// shown on for restOfWalks times as long as the walk took, so that all who ask together take a small part of a core. mu
// is held during the walk: who comes meanwhile waits, and has what the first found.
type figures struct {
	mu    sync.Mutex
	until time.Time
	seen  *walk
}

// walk is what was seen in one walk. It is not changed any more.
type walk struct {
	stats   Stats                       // with the workers by descending hash rate
	workers []*worker.Worker            // by number
	users   map[string][]*worker.Worker // by address, by number
}

const (
	// 20 means that walking takes a twenty-first part of one core at most.
	restOfWalks = 20
	shortWalk   = time.Millisecond // what takes no longer is always walked anew
)

// ShownWorkers are the workers of the last walk, by descending hash rate.
func (p *Pool) ShownWorkers(now time.Time) []worker.Stats { return p.walked(now).stats.Workers }

// walked is the newest walk, or a new one.
func (p *Pool) walked(now time.Time) *walk {
	f := &p.figures
	f.mu.Lock()
	defer f.mu.Unlock()
	began := time.Now()
	if f.seen != nil && began.Before(f.until) {
		return f.seen
	}
	w := &walk{stats: p.WorkerStats(now), workers: p.registry.All(), users: map[string][]*worker.Worker{}}
	for _, one := range w.workers {
		w.users[one.Address] = append(w.users[one.Address], one)
	}
	took := time.Since(began)
	f.seen, f.until = w, began.Add(took+restAfter(took))
	return w
}

// restAfter is how long what a walk saw is shown on.
func restAfter(took time.Duration) time.Duration {
	if took < shortWalk {
		return 0
	}
	return restOfWalks * took
}

// ShownStats are the figures of the pool without the workers: what is counted is of now, hash rates are of the last
// walk.
func (p *Pool) ShownStats(now time.Time) Stats {
	s, seen := p.Stats(now), p.walked(now).stats
	s.HashRate1m, s.HashRate1h, s.HashRate24h = seen.HashRate1m, seen.HashRate1h, seen.HashRate24h
	return s
}

// listed are the workers whose numbers follow after, of one user if it is named.
func (p *Pool) listed(after uint64, user string, now time.Time) []*worker.Worker {
	w := p.walked(now)
	list := w.workers
	if user != "" {
		if canonical, _, err := p.network.Canonical(user); err == nil {
			user = canonical
		}
		list = w.users[user]
	}
	at, _ := slices.BinarySearchFunc(list, after, func(one *worker.Worker, after uint64) int {
		if one.Number.Load() <= after {
			return -1
		}
		return 1
	})
	return list[at:]
}
