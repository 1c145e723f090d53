package pool

import (
	"context"
	"fmt"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/pool/accounts"
	"github.com/aqsha/aqsha/pool/job"
	"github.com/aqsha/aqsha/pool/sharelog"
	"github.com/aqsha/aqsha/pool/worker"
	"github.com/aqsha/aqsha/txlog"
)

// Prepared is what a log says up to an entry, read while another process still writes it. A process that takes a pool
// over has miners wait for what came after it only, however long the log is.
type Prepared struct {
	size     uint64 // entries read
	root     txlog.Hash
	accounts *accounts.Prepared
	said     *restored
}

// Prepare reads a log beside its writer, and holds the books of the same directory against it, entry by entry. After
// an error the pool can be opened without it.
func Prepare(ctx context.Context, network bitcoin.Network, log *txlog.Reader, booksFile string) (*Prepared, error) {
	a, err := accounts.Prepare(log, booksFile)
	if err != nil {
		return nil, err
	}
	defer a.Close()
	d := &Prepared{size: log.Size(), root: log.Root(), accounts: a, said: newRestored(network)}
	for entry, err := range log.Entries(0, d.size) {
		if err != nil {
			return nil, err
		}
		record, err := sharelog.Decode(entry)
		if err := a.Take(ctx, record, err); err != nil {
			return nil, err
		}
		if err := d.said.take(ctx, record); err != nil {
			return nil, err
		}
	}
	return d, a.Finish(ctx)
}

// of tells whether a log begins with what was read.
func (d *Prepared) of(log *txlog.Log) bool {
	if d == nil || d.size > log.Size() {
		return false
	}
	root, err := log.Root(d.size)
	return err == nil && root == d.root
}

// readLog brings the accounts, the workers and the shares that may come again up to the log's end.
func (p *Pool) readLog(ctx context.Context, options Options) (*restored, error) {
	said := newRestored(p.network)
	var prepared *accounts.Prepared
	if options.Prepared.of(p.log) {
		said, prepared = options.Prepared.said, options.Prepared.accounts
	} else if options.Prepared != nil {
		p.logger.Warn("the log is not the one that was read beforehand; it is read anew")
	}
	var err error
	p.accounts, err = accounts.Open(accounts.Options{
		Network: p.network, Log: p.log, Writer: p.writer, Nodes: p.nodes, Logger: p.logger, File: options.BooksFile,
		Prepared: prepared,
	})
	if err != nil {
		return nil, err
	}
	p.replayed = p.log.Size() - said.next
	for entry, err := range p.log.Entries(said.next, p.log.Size()) {
		if err != nil {
			return nil, err
		}
		record, _ := sharelog.Decode(entry) // what the accounts do not understand stops payments, not the pool
		if err := said.take(ctx, record); err != nil {
			return nil, err
		}
	}
	p.registry, p.seen = said.registry, said.seen
	return said, nil
}

// Replayed is how many entries of the log Open has read: all of them, or those since a preparation.
func (p *Pool) Replayed() uint64 { return p.replayed }

// restored gathers from a log what a restart must not lose beside the accounts.
type restored struct {
	next       uint64 // entry
	registry   *worker.Registry
	extranonce uint64
	lastJob    uint64
	jobs       map[uint64]bitcoin.Hash // the tip that a job is on
	order      []bitcoin.Hash          // blocks that jobs were on, oldest first
	seen       *job.SeenShares
}

func newRestored(network bitcoin.Network) *restored {
	return &restored{registry: worker.NewRegistry(network), jobs: map[uint64]bitcoin.Hash{}, seen: job.NewSeenShares()}
}

// take takes the next record; nil stands for one that is not understood.
func (r *restored) take(ctx context.Context, record sharelog.Record) (err error) {
	if r.next++; r.next%10_000 == 0 && ctx.Err() != nil {
		return ctx.Err()
	}
	switch s := record.(type) {
	case *sharelog.Worker:
		err = r.registry.Restore(s)
	case *sharelog.Lease:
		r.extranonce = s.First + s.Count // a lease that is given back ends where it was used up to
	case *sharelog.Job:
		r.lastJob = max(r.lastJob, s.Number)
		if len(r.order) == 0 || r.order[len(r.order)-1] != s.Previous {
			r.order = append(r.order, s.Previous)
			if len(r.order) > 2 { // only the tip's shares and its parent's can come again
				r.order = r.order[1:]
				clear(r.jobs)
			}
		}
		r.jobs[s.Number] = s.Previous
	case *sharelog.Share:
		if previous, ok := r.jobs[s.Job]; ok {
			r.seen.On(previous).Add(s.HashPrefix)
		}
	}
	if err != nil {
		return fmt.Errorf("log entry %d: %w", r.next-1, err)
	}
	return nil
}
