// Package commit makes a pool's records durable: whatever has gathered while the last sync ran becomes one batch of the
// log, written and synced once. Nothing is acknowledged before.
//
// It may import txlog and sharelog.
package commit

import (
	"context"
	"encoding/binary"
	"errors"
	"sync"
	"time"

	"github.com/aqsha/aqsha/pool/sharelog"
	"github.com/aqsha/aqsha/txlog"
)

// Batch is records on their way into the log, and what is done once they are durable.
type Batch struct {
	Arena []byte // records, one after another
	Ends  []int  // of the records in Arena
	Done  func() // called once they are durable
}

// Reset empties a batch for its next use.
func (b *Batch) Reset() { b.Arena, b.Ends = b.Arena[:0], b.Ends[:0] }

// Committer is a log's one writer.
//
// Invariant: of what is queued, records are written before the batches that were queued after them, and nothing is told
// (Then, Done) before it is durable. A crash loses what was queued and told to nobody. After a failed write nothing is
// told any more.
type Committer struct {
	log    *txlog.Log
	failed func(error) // called once; nothing is acknowledged afterwards

	mu      sync.Mutex // over what is queued, and syncTime; never held while the disk is waited for
	records [][]byte   // precede the batches that are queued after them
	after   []func()
	batches []*Batch
	signal  chan struct{}

	entries  [][]byte      // reused; the goroutine's that commits
	syncTime time.Duration // of the newest batch
}

// New makes the writer of a log. failed is called when the log takes no more.
func New(log *txlog.Log, failed func(error)) *Committer {
	return &Committer{log: log, failed: failed, signal: make(chan struct{}, 1)}
}

// Record queues a record that nobody waits for.
func (c *Committer) Record(record sharelog.Record) { c.RecordThen(record, nil) }

// RecordThen queues a record and calls then, if not nil, once it is durable. then runs on the committer's goroutine and
// must not wait.
func (c *Committer) RecordThen(record sharelog.Record, then func()) {
	c.mu.Lock()
	c.records = append(c.records, sharelog.Append(nil, record))
	if then != nil {
		c.after = append(c.after, then)
	}
	c.mu.Unlock()
	c.wake()
}

// Then calls f once everything queued before is durable.
func (c *Committer) Then(f func()) {
	c.mu.Lock()
	c.after = append(c.after, f)
	c.mu.Unlock()
	c.wake()
}

// Queue queues a batch. The batch is the committer's until its Done is called.
func (c *Committer) Queue(b *Batch) {
	c.mu.Lock()
	c.batches = append(c.batches, b)
	c.mu.Unlock()
	c.wake()
}

func (c *Committer) wake() {
	select {
	case c.signal <- struct{}{}:
	default:
	}
}

// Flush waits until everything queued is in the log. After a failed write it waits for ctx: nothing is told any more.
func (c *Committer) Flush(ctx context.Context) error {
	durable := make(chan struct{})
	c.Then(func() { close(durable) })
	select {
	case <-durable:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// SyncTime is how long the newest batch took to become durable.
func (c *Committer) SyncTime() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.syncTime
}

// publishEvery bounds how old the newest signed checkpoint is while shares flow.
const publishEvery = 30 * time.Second

// Run commits until ctx ends, and then what is still queued.
func (c *Committer) Run(ctx context.Context) {
	var published time.Time
	for {
		select {
		case <-c.signal:
		case <-ctx.Done():
			_ = c.Commit()
			_, _ = c.log.Publish()
			return
		}
		if err := c.Commit(); err != nil {
			c.failed(err)
			return
		}
		if time.Since(published) > publishEvery {
			published = time.Now()
			if _, err := c.log.Publish(); err != nil && !errors.Is(err, txlog.ErrNoSigner) {
				c.failed(err)
				return
			}
		}
	}
}

// Commit makes durable what is queued, on the caller's goroutine: where Run does not run. Never beside Run, and by one
// goroutine.
func (c *Committer) Commit() error {
	c.mu.Lock()
	records, after, batches := c.records, c.after, c.batches
	c.records, c.after, c.batches = nil, nil, nil
	c.mu.Unlock()
	c.entries = append(c.entries[:0], records...)
	for _, b := range batches {
		from := 0
		for _, end := range b.Ends {
			c.entries = append(c.entries, b.Arena[from:end])
			from = end
		}
	}
	if len(c.entries) > 0 {
		if err := c.write(); err != nil {
			return err
		}
	}
	for _, f := range after {
		f()
	}
	for _, b := range batches {
		b.Done()
	}
	return nil
}

// write makes the gathered entries durable. After a disk has stood still they may be more than a batch of the log
// holds.
func (c *Committer) write() error {
	for rest := c.entries; len(rest) > 0; {
		n, size := 0, 0
		for n < len(rest) && (n == 0 || size+len(rest[n])+binary.MaxVarintLen64 <= maxCommitted) {
			size += len(rest[n]) + binary.MaxVarintLen64
			n++
		}
		if err := c.writeBatch(rest[:n]); err != nil {
			return err
		}
		rest = rest[n:]
	}
	return nil
}

// maxCommitted is below what the log takes in a batch, and small enough that nobody waits long for what precedes.
const maxCommitted = txlog.MaxBatchBytes / 4

func (c *Committer) writeBatch(entries [][]byte) error {
	staged, err := c.log.Stage(entries)
	if err != nil {
		return err
	}
	start := time.Now()
	if err := c.log.Commit(staged); err != nil {
		return err
	}
	c.mu.Lock()
	c.syncTime = time.Since(start)
	c.mu.Unlock()
	return nil
}
