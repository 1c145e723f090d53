package txlog

import (
	"context"
	"errors"
	"io"
	"sync"

	"github.com/aqsha/aqsha/txlog/vfs"
)

// Log is an open log. One goroutine stages, one commits; everything else may be
// called from anywhere.
//
// Locks in order: commitMu, publishMu, mu, tiles.mu; stageMu and handles.mu by themselves. None is held while a file is
// written or synced but commitMu and publishMu, so that readers never wait for the disk's writes.
//
// Invariants: durable moves only when what it covers is synced; hashes are in the tiles, in memory or in the file,
// before durable.size covers them; note is stored durably before it is shown. A failed write or sync poisons the log:
// what the disk holds is then unknown, and only opening it anew finds out.
type Log struct {
	// Set when it is opened, and not changed after; buffers, tiles and handles have locks of their own.
	fs      vfs.FS
	dir     string
	options Options
	lock    io.Closer
	buffers buffers
	tiles   tiles
	handles handles

	stageMu      sync.Mutex
	staged       frontier // of everything staged
	stagedHeight uint64   // of the next batch

	commitMu sync.Mutex // held by the one Commit that runs
	group    []byte     // a group of batches as it is written

	publishMu sync.Mutex // held by the one Publish that runs
	slots     checkpointFile

	mu       sync.RWMutex
	durable  view
	failure  error // why no more writes are taken: *PoisonedError or ErrClosed
	draining bool
	cramped  error         // why work behind the commits waits: the disk is full; nil otherwise
	idle     sync.Cond     // with mu: draining ended
	grown    chan struct{} // closed when the durable size grows
	note     []byte        // the checkpoint last published
	noted    Checkpoint

	recovery Recovery
	reading  bool // for a Reader: nothing is written
}

// view is one moment of the durable log. Its slices only ever grow behind it. It is taken by value; whoever has one
// reads what was durable then, whatever is committed meanwhile.
type view struct {
	size     uint64 // entries
	heights  uint64 // batches
	root     Hash
	segments []*segment
	// Of the last segment:
	end       int64
	capacity  int64
	positions positions
	// unsealed is how many segments at the end have no index on disk yet.
	unsealed int
}

func (l *Log) view() view {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.durable
}

// Size is the number of durable entries.
func (l *Log) Size() uint64 { return l.view().size }

// Rotated is the number of segments that are full and never change again.
func (l *Log) Rotated() int {
	v := l.view()
	return len(v.segments) - 1 - v.unsealed
}

// Heights is the number of durable batches: the height of the next one.
func (l *Log) Heights() uint64 { return l.view().heights }

// State returns the durable size, the root at it, and the number of batches, all of
// one moment.
func (l *Log) State() (size uint64, root Hash, heights uint64) {
	v := l.view()
	return v.size, v.root, v.heights
}

// Origin is the name under which the log signs.
func (l *Log) Origin() string { return l.options.Origin }

// WaitSize waits until at least size entries are durable, and returns how many are.
// It ends early with the context's error, or with the reason for which the log
// will not grow any more.
func (l *Log) WaitSize(ctx context.Context, size uint64) (uint64, error) {
	for {
		l.mu.RLock()
		have, grown, failure := l.durable.size, l.grown, l.failure
		l.mu.RUnlock()
		if have >= size {
			return have, nil
		}
		if failure != nil {
			return have, failure
		}
		select {
		case <-grown:
		case <-ctx.Done():
			return have, ctx.Err()
		}
	}
}

// Err tells why the log takes no more writes: a *PoisonedError, ErrClosed, or nil.
func (l *Log) Err() error {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.failure
}

// poison makes the first failed write final.
func (l *Log) poison(cause error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.failure == nil {
		l.failure = &PoisonedError{cause}
		l.wake()
	}
	return l.failure
}

// wake lets waiters look again; the caller holds mu. A channel that is closed wakes all; whoever waits takes the
// channel under mu before he looks.
func (l *Log) wake() {
	close(l.grown)
	l.grown = make(chan struct{})
}

// Close waits for what is running, and gives the directory free. Batches staged and not committed are lost. Whoever
// reads meanwhile gets errors. A second call does nothing.
func (l *Log) Close() error {
	l.commitMu.Lock()
	defer l.commitMu.Unlock()
	l.publishMu.Lock()
	defer l.publishMu.Unlock()
	l.mu.Lock()
	if errors.Is(l.failure, ErrClosed) {
		l.mu.Unlock()
		return nil
	}
	for l.draining {
		l.idle.Wait()
	}
	l.failure = ErrClosed
	l.wake()
	l.mu.Unlock()
	return l.closeFiles()
}

// closeFiles closes what is open, the lock last: then another process may open the log.
func (l *Log) closeFiles() error {
	l.handles.mu.Lock()
	for _, s := range l.durable.segments {
		if s.file != nil {
			s.file.Close()
		}
	}
	l.handles.mu.Unlock()
	l.tiles.mu.Lock()
	l.tiles.close()
	l.tiles.mu.Unlock()
	if l.slots.file != nil {
		l.slots.file.Close()
	}
	if l.lock == nil { // a Reader's
		return nil
	}
	return l.lock.Close()
}

// buffers recycles the memory of batches between Stage and Commit.
type buffers struct{ records, hashes sync.Pool }

// take is a buffer of n bytes, used again where one is large enough; what it holds is old.
func (b *buffers) take(n int) []byte {
	if old, ok := b.records.Get().(*[]byte); ok && cap(*old) >= n {
		return (*old)[:n]
	}
	return make([]byte, n, n+n/4)
}

// takeHashes is room for n hashes.
func (b *buffers) takeHashes(n int) []Hash {
	if old, ok := b.hashes.Get().(*[]Hash); ok && cap(*old) >= n {
		return (*old)[:0]
	}
	return make([]Hash, 0, n+n/4)
}

// give takes back what no one reads any more: hashes were copied into the tiles, and the record is on the disk.
func (b *buffers) give(record []byte, hashes []Hash) {
	b.records.Put(&record)
	b.hashes.Put(&hashes)
}
