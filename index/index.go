package index

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"

	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// Log is where entries are read to answer with: the index itself keeps only where they stand.
type Log interface {
	Entry(number uint64) ([]byte, error)
	Entries(from, to uint64) iter.Seq2[[]byte, error] // in order, each valid until the next
}

// Index is an open index. Block is called by one goroutine; questions may come from anywhere.
type Index struct {
	fs      vfs.FS
	dir     string
	network token.NetworkID
	log     Log
	size    counter // entries indexed
	dropped []error // damage found at the start; not changed after

	mu     sync.RWMutex // guards the lists, not the runs, which never change
	disk   []*run       // in order of their entries
	memory []*run       // those after them
	failed error        // of merging files, since the last that went well

	gathered int // records in memory; Block's alone, as is what follows
	writer   writer
	scratch  []record

	daily *daily
	grown chan struct{} // there may be entries that the daily series lacks, or so many that it is written

	flushed chan struct{} // there may be files to merge
	stop    chan struct{} // closed by Close, which waits for what runs beside
	merging sync.WaitGroup
}

// Open opens the index of a network's log, or begins one. An index of another log is an error.
func Open(fs vfs.FS, dir string, network token.NetworkID, log Log) (*Index, error) {
	x := &Index{fs: fs, dir: dir, network: network, log: log, flushed: make(chan struct{}, 1),
		grown: make(chan struct{}, 1), stop: make(chan struct{})}
	if err := fs.MkdirAll(dir); err != nil {
		return nil, fmt.Errorf("index in %s: %w", dir, err)
	}
	if err := x.load(); err != nil {
		return nil, errors.Join(fmt.Errorf("index in %s: %w", dir, err), x.closeFiles())
	}
	// the index lost its end: what is indexed again is counted again
	if x.daily = loadDaily(fs, dir, network); x.daily.Size > x.Size() {
		if err := x.daily.forget(fs, dir); err != nil {
			return nil, errors.Join(fmt.Errorf("index in %s: %w", dir, err), x.closeFiles())
		}
	}
	x.merging.Add(2)
	go x.mergeFiles()
	go x.followDaily()
	x.flushed <- struct{}{}
	return x, nil
}

// Dropped lists damage found when opening. The damaged parts are indexed again.
func (x *Index) Dropped() []error { return x.dropped }

// Close keeps what was indexed and releases the files.
func (x *Index) Close() error {
	err := x.flush()
	close(x.stop)
	x.merging.Wait()
	return errors.Join(err, x.daily.save(x.fs, x.dir), x.closeFiles())
}

// closeFiles closes the runs' files.
func (x *Index) closeFiles() (err error) {
	for _, r := range x.disk {
		err = errors.Join(err, r.file.f.Close())
	}
	x.disk = nil
	return err
}

// Size is how many entries of the log are indexed.
func (x *Index) Size() uint64 { return x.size.get() }

// Block indexes a block's entries, whose first has the given number in the log. An error other than an UnkeptError has
// indexed nothing of it.
func (x *Index) Block(first uint64, entries [][]byte) error {
	if first != x.Size() {
		return fmt.Errorf("index stands at %d, not at %d", x.Size(), first)
	}
	w := &x.writer
	w.records = [tables][]record{}
	decoded := make([]ledger.Entry, 0, len(entries))
	for i, data := range entries {
		e, err := ledger.DecodeEntry(data)
		if err != nil {
			return fmt.Errorf("entry %d: %w", first+uint64(i), err)
		}
		if err := w.entry(first+uint64(i), e); err != nil {
			return fmt.Errorf("entry %d: %w", first+uint64(i), err)
		}
		decoded = append(decoded, e)
	}
	for t := range tables {
		x.scratch = sortRecords(w.records[t], x.scratch)
	}
	x.add(&run{first: first, size: first + uint64(len(entries)), memory: w.records})
	// Under the lock of the daily series, so that who catches up does not begin with what is counted here.
	x.daily.mu.Lock()
	x.size.set(first + uint64(len(entries)))
	x.counted(first, decoded)
	x.daily.mu.Unlock()
	select {
	case x.grown <- struct{}{}:
	default:
	}
	if x.gathered >= flushRecords {
		if err := x.flush(); err != nil {
			return &UnkeptError{err}
		}
	}
	return nil
}

// UnkeptError says that a block is indexed, in memory, and that what memory holds could not be written. The next block
// tries again: whoever indexes should wait before it.
type UnkeptError struct{ Err error }

func (e *UnkeptError) Error() string { return fmt.Sprintf("the index cannot be written: %v", e.Err) }

// Unwrap is why.
func (e *UnkeptError) Unwrap() error { return e.Err }

// Err says why files are not merged at present; merging is tried again.
func (x *Index) Err() error {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.failed
}

// add appends a run in memory, merging those before it that are not larger, so that there are few. A record is moved as
// often as the logarithm of what is in memory.
func (x *Index) add(r *run) {
	keep := len(x.memory)
	count := len(r.memory[ofIDs]) + len(r.memory[ofWallets])
	x.gathered += count
	for ; keep > 0 && len(x.memory[keep-1].memory[ofIDs]) <= 2*len(r.memory[ofIDs]); keep-- {
		before := x.memory[keep-1]
		r = &run{first: before.first, size: r.size, memory: [tables][]record{
			mergeRecords(before.memory[ofIDs], r.memory[ofIDs]),
			mergeRecords(before.memory[ofWallets], r.memory[ofWallets])}}
	}
	x.mu.Lock()
	x.memory = append(slices.Clone(x.memory[:keep]), r)
	x.mu.Unlock()
}

// find lists up to most entries that stand under an id's prefix before an entry, the latest first. Other ids may share
// the prefix: what the entry says decides. Time is that of a search in each run and, for those in files, of the pages
// that it meets.
func (x *Index) find(t table, id []byte, before uint64, most int) (entries []uint64, err error) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	prefix := prefixOf(id)
	for _, runs := range [][]*run{x.memory, x.disk} { // memory is later
		for i := len(runs) - 1; i >= 0; i-- {
			c := runs[i].cursor(t)
			for at := c.before(record{prefix, before}) - 1; at >= 0 && len(entries) < most; at-- {
				r := c.at(at)
				if r.prefix != prefix {
					break
				}
				// an entry may make two tokens with one prefix
				if len(entries) == 0 || entries[len(entries)-1] != r.entry {
					entries = append(entries, r.entry)
				}
			}
			if c.err != nil {
				return nil, c.err
			}
		}
	}
	return entries, nil
}

// candidates is how many entries are looked up at once for an id that stands in one.
const candidates = 8

// each shows what stands under an id's prefix before an entry, the latest first, until show has enough. Each entry is
// read from the log.
func (x *Index) each(t table, id []byte, before uint64, most int, sought *token.ID,
	show func(number uint64, w *writer) (more bool)) error {
	for {
		entries, err := x.find(t, id, before, most)
		if err != nil {
			return err
		}
		for _, number := range entries {
			w, err := x.booked(number, sought)
			if err != nil {
				return err
			}
			if !show(number, w) {
				return nil
			}
			before = number
		}
		if len(entries) < most {
			return nil
		}
	}
}

// booked reads an entry and books what it does.
func (x *Index) booked(number uint64, sought *token.ID) (*writer, error) {
	data, err := x.log.Entry(number)
	if err != nil {
		return nil, err
	}
	e, err := ledger.DecodeEntry(data)
	if err != nil {
		return nil, err
	}
	w := &writer{index: x, answering: true, sought: sought}
	return w, w.entry(number, e)
}

// Output is where a token was made, for whom and how much.
type Output struct {
	Entry  uint64
	Wallet token.WalletID
	Amount money.Tiyn
}

// Output finds where a token was made, live or spent.
func (x *Index) Output(id token.ID) (o Output, found bool, err error) {
	err = x.each(ofIDs, id[:], noEntry, candidates, &id, func(_ uint64, w *writer) bool {
		o, found = w.outputs[id]
		return !found
	})
	return o, found, err
}

// noEntry is more than any entry's number.
const noEntry = ^uint64(0)

// Transaction finds the entry of a transaction.
func (x *Index) Transaction(id token.TransactionID) (entry uint64, found bool, err error) {
	err = x.each(ofIDs, id[:], noEntry, candidates, new(token.ID), func(number uint64, w *writer) bool {
		if found = w.transaction == id; found {
			entry = number
		}
		return !found
	})
	return entry, found, err
}

// Item is a line of a wallet's history.
type Item struct {
	Entry uint64
	Net   money.Tiyn // what it received less what it gave; zero for a change of the wallet itself
}

// History lists up to most entries that touch a wallet and stand before an entry, the latest first. A page's last entry
// is where the next page begins.
func (x *Index) History(wallet token.WalletID, before uint64, most int) (items []Item, err error) {
	if most <= 0 {
		return nil, nil
	}
	err = x.each(ofWallets, wallet[:], before, most, nil, func(number uint64, w *writer) bool {
		if net, touched := w.nets[wallet]; touched {
			items = append(items, Item{number, net})
		}
		return len(items) < most
	})
	return items, err
}
