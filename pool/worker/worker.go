package worker

import (
	"maps"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aqsha/aqsha/pool/books"
	"github.com/aqsha/aqsha/pool/stratum"
)

// Worker is a name that miners work under: an address and what follows it.
type Worker struct {
	Address, Name string
	Number        atomic.Uint64 // in the log; 0 until its first valid share
	// Owned by the registry.
	account *account
	holds   int // connections that have authorized it

	mu    sync.Mutex // over what follows
	stats Stats
	rates [3]decaying         // see windows
	floor float64             // least difficulty that its owner has asked for; 0: none
	last  float64             // difficulty that vardiff found; 0: unknown
	kept  books.WorkerSetting // what was written down last
}

// FloorDifficulty is the least difficulty that the worker's owner has asked for.
func (w *Worker) FloorDifficulty() float64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.floor
}

// SetFloor keeps the least difficulty that the worker's owner asks for; 0: none.
func (w *Worker) SetFloor(d float64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.floor = d
}

// Found keeps the difficulty that suits a worker for its next connection.
func (w *Worker) Found(d float64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.last = d
}

// LastDifficulty is what found has kept; 0: nothing.
func (w *Worker) LastDifficulty() float64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.last
}

// Stats is what a worker has done since the pool started. A share counts in Work with the difficulty that was asked of
// it, not with that of its hash, which is Best's. Rejected is by the reason.
type Stats struct {
	Worker      string            `json:"worker"`
	User        string            `json:"user"`
	Accepted    uint64            `json:"accepted"`
	Work        float64           `json:"work_difficulty"` // sum of credited difficulties
	Rejected    map[string]uint64 `json:"rejected,omitempty"`
	Best        float64           `json:"best_share"`
	LastShare   time.Time         `json:"last_share,omitzero"`
	HashRate1m  float64           `json:"hash_rate_1m"` // hashes per second
	HashRate1h  float64           `json:"hash_rate_1h"`
	HashRate24h float64           `json:"hash_rate_24h"`
}

var windows = [3]time.Duration{time.Minute, time.Hour, 24 * time.Hour}

// decaying is an exponentially weighted rate: difficulty per second over about a window.
type decaying struct {
	value float64
	at    time.Time
	since time.Time // first share: corrects for a window that is not full
}

func (d *decaying) add(amount float64, now time.Time, window time.Duration) {
	if d.at.IsZero() {
		d.since = now
	} else {
		d.value *= math.Exp(-now.Sub(d.at).Seconds() / window.Seconds())
	}
	d.value += amount / window.Seconds()
	d.at = now
}

func (d *decaying) rate(now time.Time, window time.Duration) float64 {
	if d.at.IsZero() {
		return 0
	}
	filled := 1 - math.Exp(-max(now.Sub(d.since).Seconds(), 1)/window.Seconds())
	return d.value * math.Exp(-now.Sub(d.at).Seconds()/window.Seconds()) / filled
}

// hashesPerDifficulty is the mean number of hashes for a share of difficulty 1.
const hashesPerDifficulty = float64(1<<48) / 65535

// Accept counts a valid share.
func (w *Worker) Accept(d stratum.Difficulty, quality float64, now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	difficulty := d.Float()
	w.stats.Accepted++
	w.stats.Work += difficulty
	w.stats.Best = max(w.stats.Best, quality)
	w.stats.LastShare = now
	for i := range w.rates {
		w.rates[i].add(difficulty, now, windows[i])
	}
}

// Reject counts a share that was refused.
func (w *Worker) Reject(reason string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.stats.Rejected == nil {
		w.stats.Rejected = map[string]uint64{}
	}
	w.stats.Rejected[reason]++
}

// Snapshot is what the worker has done.
func (w *Worker) Snapshot(now time.Time) Stats {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.stats
	s.Worker, s.User = w.FullName(), w.Address
	s.Rejected = maps.Clone(w.stats.Rejected)
	for i, to := range []*float64{&s.HashRate1m, &s.HashRate1h, &s.HashRate24h} {
		*to = w.rates[i].rate(now, windows[i]) * hashesPerDifficulty
	}
	return s
}

// FullName is how the worker is authorized.
func (w *Worker) FullName() string { return fullName(w.Address, w.Name) }
