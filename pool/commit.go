package pool

import (
	"context"
	"encoding/binary"
	"sync"
	"time"

	"github.com/aqsha/aqsha/pool/sharelog"
	"github.com/aqsha/aqsha/txlog"
)

// batch is shares of one loop on their way into the log, and whom to answer afterwards.
type batch struct {
	loop  *loop
	arena []byte // records, one after another
	ends  []int  // of the records in arena
	acks  []ack
	ids   []byte // JSON ids of the requests, one after another
}

type ack struct {
	conn  *conn
	idEnd int
}

func (b *batch) reset() {
	b.arena, b.ends, b.acks, b.ids = b.arena[:0], b.ends[:0], b.acks[:0], b.ids[:0]
}

// committer makes records durable: whatever has gathered while the last sync ran becomes one
// batch of the log, written and synced once.
type committer struct {
	log    *txlog.Log
	failed func(error) // called once; nothing is acknowledged afterwards

	mu      sync.Mutex
	records [][]byte // precede the batches that are queued after them
	after   []func()
	batches []*batch
	signal  chan struct{}

	entries  [][]byte // reused
	synced   uint64   // for the metrics
	syncTime time.Duration
}

func newCommitter(log *txlog.Log, failed func(error)) *committer {
	return &committer{log: log, failed: failed, signal: make(chan struct{}, 1)}
}

// record queues a record that nobody waits for.
func (c *committer) record(record sharelog.Record) { c.recordThen(record, nil) }

// recordThen queues a record and calls then, if not nil, once it is durable.
func (c *committer) recordThen(record sharelog.Record, then func()) {
	c.mu.Lock()
	c.records = append(c.records, sharelog.Append(nil, record))
	if then != nil {
		c.after = append(c.after, then)
	}
	c.mu.Unlock()
	c.wake()
}

// then calls f once everything queued before is durable.
func (c *committer) then(f func()) {
	c.mu.Lock()
	c.after = append(c.after, f)
	c.mu.Unlock()
	c.wake()
}

func (c *committer) queue(b *batch) {
	c.mu.Lock()
	c.batches = append(c.batches, b)
	c.mu.Unlock()
	c.wake()
}

func (c *committer) wake() {
	select {
	case c.signal <- struct{}{}:
	default:
	}
}

// publishEvery bounds how old the newest signed checkpoint is while shares flow.
const publishEvery = 30 * time.Second

// run commits until ctx ends, and then what is still queued.
func (c *committer) run(ctx context.Context) {
	var published time.Time
	for {
		select {
		case <-c.signal:
		case <-ctx.Done():
			_ = c.commit()
			_, _ = c.log.Publish()
			return
		}
		if err := c.commit(); err != nil {
			c.failed(err)
			return
		}
		if time.Since(published) > publishEvery {
			published = time.Now()
			if _, err := c.log.Publish(); err != nil && err != txlog.ErrNoSigner {
				c.failed(err)
				return
			}
		}
	}
}

func (c *committer) commit() error {
	c.mu.Lock()
	records, after, batches := c.records, c.after, c.batches
	c.records, c.after, c.batches = nil, nil, nil
	c.mu.Unlock()
	c.entries = append(c.entries[:0], records...)
	for _, b := range batches {
		from := 0
		for _, end := range b.ends {
			c.entries = append(c.entries, b.arena[from:end])
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
		b.loop.finished(b)
	}
	return nil
}

// write makes the gathered entries durable. After a disk has stood still they may be more than a batch of the log holds.
func (c *committer) write() error {
	for rest := c.entries; len(rest) > 0; {
		n, size := 0, 0
		for n < len(rest) && (n == 0 || size+len(rest[n])+binary.MaxVarintLen64 <= mostCommitted) {
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

// mostCommitted is below what the log takes in a batch, and small enough that nobody waits long for what precedes.
const mostCommitted = txlog.MaxBatchBytes / 4

func (c *committer) writeBatch(entries [][]byte) error {
	staged, err := c.log.Stage(entries)
	if err != nil {
		return err
	}
	start := time.Now()
	if err := c.log.Commit(staged); err != nil {
		return err
	}
	c.mu.Lock()
	c.synced += uint64(len(entries))
	c.syncTime = time.Since(start)
	c.mu.Unlock()
	return nil
}
