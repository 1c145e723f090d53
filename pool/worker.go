package pool

import (
	"errors"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/pool/sharelog"
	"github.com/aqsha/aqsha/pool/stratum"
)

// worker is a name that miners work under: an address and what follows it.
type worker struct {
	number, user  uint64 // user: number of the address's first worker
	address, name string
	script        []byte // pays the address

	mu    sync.Mutex
	stats WorkerStats
	rates [3]decaying // see windows
}

// WorkerStats is what a worker has done since the pool started.
type WorkerStats struct {
	Worker      string            `json:"worker"`
	User        string            `json:"user"`
	Accepted    uint64            `json:"accepted"`
	Work        float64           `json:"work_difficulty"` // sum of credited difficulties
	Weak        uint64            `json:"weak,omitempty"`  // true, but only by a later, lower difficulty: credited nothing
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

func (w *worker) accept(d stratum.Difficulty, quality float64, now time.Time) {
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

func (w *worker) reject(reason string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.stats.Rejected == nil {
		w.stats.Rejected = map[string]uint64{}
	}
	w.stats.Rejected[reason]++
}

func (w *worker) weak() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stats.Weak++
}

func (w *worker) snapshot(now time.Time) WorkerStats {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.stats
	s.Worker, s.User = w.fullName(), w.address
	s.Rejected = maps.Clone(w.stats.Rejected)
	for i, to := range []*float64{&s.HashRate1m, &s.HashRate1h, &s.HashRate24h} {
		*to = w.rates[i].rate(now, windows[i]) * hashesPerDifficulty
	}
	return s
}

func (w *worker) fullName() string {
	if w.name == "" {
		return w.address
	}
	return w.address + "." + w.name
}

// registry gives workers their numbers.
type registry struct {
	network bitcoin.Network

	mu     sync.Mutex
	byName map[string]*worker
	users  map[string]uint64 // by address
	script map[uint64][]byte // by user
	last   uint64
}

// Limits of the registry; names are logged.
const (
	maxWorkers    = 1_000_000
	maxWorkerName = 40
)

var errTooManyWorkers = errors.New("pool has no room for more workers")

func newRegistry(network bitcoin.Network) *registry {
	return &registry{network: network, byName: map[string]*worker{}, users: map[string]uint64{}, script: map[uint64][]byte{}}
}

// find returns a worker. A new one is handed to log while the lock is held, so that its record
// precedes the shares of any loop.
func (r *registry) find(fullName string, log func(sharelog.Record)) (*worker, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if w, ok := r.byName[fullName]; ok {
		return w, nil
	}
	address, name, _ := strings.Cut(fullName, ".")
	script, err := r.network.PayTo(address)
	if err != nil {
		return nil, err
	}
	if len(name) > maxWorkerName || strings.ContainsFunc(name, func(c rune) bool { return c < ' ' || c == '"' || c == '\\' }) {
		return nil, errors.New("worker's name is too long or not plain text")
	}
	if len(r.byName) >= maxWorkers {
		return nil, errTooManyWorkers
	}
	r.last++
	record := &sharelog.Worker{Number: r.last, User: r.last, Address: address, Name: name}
	if user, ok := r.users[address]; ok {
		record.User = user
	}
	log(record)
	return r.addLocked(record, script), nil
}

// restore takes a worker from the log.
func (r *registry) restore(record *sharelog.Worker) error {
	script, err := r.network.PayTo(record.Address)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last = max(r.last, record.Number)
	r.addLocked(record, script)
	return nil
}

func (r *registry) addLocked(record *sharelog.Worker, script []byte) *worker {
	w := &worker{number: record.Number, user: record.User, address: record.Address, name: record.Name, script: script}
	r.byName[w.fullName()] = w
	if _, ok := r.users[record.Address]; !ok {
		r.users[record.Address] = record.User
		r.script[record.User] = script
	}
	return w
}

// scriptOf returns the output script of a user, nil if unknown.
func (r *registry) scriptOf(user uint64) []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.script[user]
}

func (r *registry) all() []*worker {
	r.mu.Lock()
	defer r.mu.Unlock()
	workers := slices.Collect(maps.Values(r.byName))
	slices.SortFunc(workers, func(a, b *worker) int { return int(a.number) - int(b.number) })
	return workers
}
