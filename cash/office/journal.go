package office

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/fxamacker/cbor/v2"

	"github.com/aqsha/aqsha/cash"
	"github.com/aqsha/aqsha/internal/durable"
)

// Bounds of the journal: a record holds the events of many requests, made durable by one sync.
const (
	journalHeader = "aqsha cash journal 1\n"
	maxRecord     = 32 << 20
	maxBatch      = 4 << 20 // bytes of events after which a record is full
)

// eventMode refuses fields that are not known: a later version's event would be applied without them.
var eventMode, _ = cbor.DecOptions{DupMapKey: cbor.DupMapKeyEnforcedAPF, MaxArrayElements: 1 << 20, MaxMapPairs: 64,
	MaxNestedLevels: 12,
	IndefLength:     cbor.IndefLengthForbidden, ExtraReturnErrors: cbor.ExtraDecErrorUnknownField}.DecMode()

// readEvents hands over the events of a record, which is a sequence of them.
func readEvents(record []byte, each func(e *cash.Event) error) error {
	for decoder := eventMode.NewDecoder(bytes.NewReader(record)); decoder.NumBytesRead() < len(record); {
		e := new(cash.Event)
		if err := decoder.Decode(e); err != nil {
			return fmt.Errorf("the journal has an event that cannot be read: %w", err)
		}
		if err := each(e); err != nil {
			return err
		}
	}
	return nil
}

// writer makes events durable in their order, many with one sync. After a failed write it takes nothing more: what the
// disk holds is found out by opening anew. Order of locks: the office's, then syncing, then mu.
type writer struct {
	mu      sync.Mutex       // over what follows but journal and syncing; the disk is not waited for with it
	journal *durable.Journal // changed by rotate, under sync
	queue   [][]byte
	queued  uint64 // events so far
	durable uint64 // of which these are on disk
	failure error
	wake    chan struct{} // capacity 1
	changed chan struct{} // closed and made anew when durable or failure changes
	syncing sync.Mutex    // held while a record is written, and by rotate
}

// newWriter has run and flush write to a journal.
func newWriter(journal *durable.Journal) *writer {
	return &writer{journal: journal, wake: make(chan struct{}, 1), changed: make(chan struct{})}
}

// errClosed refuses what comes after the end.
var errClosed = errors.New("the office is closed")

// put queues an event; its number is what to wait for. The caller holds the lock under which the event was applied. An
// error has queued nothing.
func (w *writer) put(e *cash.Event) (uint64, error) {
	raw, err := cbor.Marshal(e)
	if err != nil {
		return 0, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.failure != nil {
		return 0, w.failure
	}
	w.queue = append(w.queue, raw)
	w.queued++
	select {
	case w.wake <- struct{}{}:
	default:
	}
	return w.queued, nil
}

// last is the number of the event queued last: who saw the state waits for it before he tells anybody.
func (w *writer) last() uint64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.queued
}

// wait returns when an event is durable. When ctx ends first, the event may become durable all the same.
func (w *writer) wait(ctx context.Context, number uint64) error {
	for {
		w.mu.Lock()
		done, failure, changed := w.durable >= number, w.failure, w.changed
		w.mu.Unlock()
		switch {
		case done:
			return nil
		case failure != nil:
			return failure
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Changed is closed when something became durable: whoever watches looks again.
func (w *writer) Changed() <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.changed
}

// run writes until the context ends, and then what is queued.
func (w *writer) run(ctx context.Context) {
	for {
		select {
		case <-w.wake:
		case <-ctx.Done():
			for w.flush() {
			}
			w.fail(errClosed)
			return
		}
		for w.flush() {
		}
	}
}

// flush writes one record and says whether there is more. One at a time: records stand in the journal in the order of
// their events.
func (w *writer) flush() bool {
	w.syncing.Lock()
	defer w.syncing.Unlock()
	w.mu.Lock()
	var record []byte
	n := 0
	for n < len(w.queue) && (n == 0 || len(record)+len(w.queue[n]) <= maxBatch) {
		record = append(record, w.queue[n]...)
		n++
	}
	w.queue = w.queue[n:]
	failure := w.failure
	w.mu.Unlock()
	if n == 0 || failure != nil {
		return false
	}
	if err := w.journal.Append(record); err != nil {
		w.fail(fmt.Errorf("writing the journal: %w", err))
		return false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.durable += uint64(n)
	close(w.changed)
	w.changed = make(chan struct{})
	return len(w.queue) > 0
}

// follow has the next events written to another journal, once all that is queued is in this one. Nobody queues
// meanwhile.
func (w *writer) follow(next *durable.Journal) error {
	for w.flush() {
	}
	w.syncing.Lock()
	defer w.syncing.Unlock()
	if err := w.err(); err != nil {
		return err
	}
	last := w.journal
	w.journal = next
	return last.Close()
}

// fail keeps the first reason and wakes all who wait.
func (w *writer) fail(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.failure == nil {
		w.failure = err
		close(w.changed)
		w.changed = make(chan struct{})
	}
}

// err is why nothing is written any more, or nil.
func (w *writer) err() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.failure
}
