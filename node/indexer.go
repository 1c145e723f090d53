package node

import (
	"context"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aqsha/aqsha/index"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/token"
)

// indexer follows the log and feeds the index. It lags behind payments and never holds them up. One goroutine writes to
// store; readers wait for its size. It is made from the log alone, so a crash costs only what is indexed again.
type indexer struct {
	store   *index.Index
	cancel  context.CancelFunc
	done    sync.WaitGroup
	size    atomic.Uint64         // entries indexed, for who must not wait for the index
	stopped atomic.Pointer[error] // why it makes no progress at present; nil when it does
}

// openIndexer opens the index and follows the log with it until it is closed.
func openIndexer(n *Node) (*indexer, error) {
	store, err := index.Open(n.fs, filepath.Join(n.config.Dir, indexDir), n.network, n.log)
	if err != nil {
		return nil, err
	}
	for _, damage := range store.Dropped() {
		n.logger.Warn("a damaged part of the index is made again from the log", "cause", damage)
	}
	n.nets = index.NewNets()
	store.Remembered(n.nets)
	ctx, cancel := context.WithCancel(context.Background())
	x := &indexer{store: store, cancel: cancel}
	x.size.Store(store.Size())
	x.done.Add(1)
	go x.follow(ctx, n)
	return x, nil
}

func (x *indexer) close() {
	x.cancel()
	x.done.Wait()
	_ = x.store.Close() // what is lost is indexed again from the log
}

// How long the indexer waits before it tries again what failed, at first and at most.
const (
	leastIndexRetry = time.Second
	maxIndexRetry   = time.Minute
)

// follow indexes what is durable. A failure is told once and tried again, with pauses that grow while nothing gets on.
func (x *indexer) follow(ctx context.Context, n *Node) {
	defer x.done.Done()
	wait := leastIndexRetry
	for {
		// An index that is behind when the node closes goes on at the next start.
		if _, err := n.log.WaitSize(ctx, x.store.Size()+1); err != nil || ctx.Err() != nil {
			return
		}
		before := x.store.Size()
		err := x.catchUp(ctx, n)
		if err == nil {
			x.stopped.Store(nil)
			wait = leastIndexRetry
			continue
		}
		if was := x.stopped.Swap(&err); was == nil {
			n.logger.Error("the index stands still; payments go on, and it is tried again. If that does not help, "+
				"delete its folder: it is made again from the log", "cause", err)
		}
		if x.store.Size() > before {
			wait = leastIndexRetry
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return
		}
		wait = min(2*wait, maxIndexRetry)
	}
}

// catchUp indexes every block that is durable now, whole blocks, in order. The index follows from the log: what a
// crash loses of it is made again from the block after the last that it holds.
func (x *indexer) catchUp(ctx context.Context, n *Node) error {
	from := uint64(0)
	if size := x.store.Size(); size > 0 {
		last, err := n.log.BatchOf(size - 1)
		if err != nil {
			return err
		}
		from = last.Height + 1
	}
	var entries [][]byte
	for batch, err := range n.log.Batches(from) {
		if err != nil {
			return err
		}
		if ctx.Err() != nil {
			return nil
		}
		entries = entries[:0]
		for _, entry := range batch.Entries() {
			entries = append(entries, entry)
		}
		err := x.store.Block(batch.FirstIndex, entries)
		x.size.Store(x.store.Size())
		if err != nil {
			return err
		}
	}
	return nil
}

// indexed returns the index once it has come as far as everything durable at the time of the call.
func (n *Node) indexed(ctx context.Context) (*index.Index, error) {
	if n.index == nil {
		return nil, refuse(NotFound, "", "this node keeps no index")
	}
	if err := n.index.store.WaitSize(ctx, n.Head().Size); err != nil {
		return nil, err
	}
	return n.index.store, nil
}

// WaitIndex waits until the index has come as far as everything durable now.
func (n *Node) WaitIndex(ctx context.Context) error {
	_, err := n.indexed(ctx)
	return err
}

// Lookup finds an executed transaction by its id: the same transaction sent twice gets the same answer. It waits for
// the index to come as far as what is durable at the call: false then means that it was not executed before the call,
// not that it never will be.
func (n *Node) Lookup(ctx context.Context, id token.TransactionID) (Receipt, bool, error) {
	store, err := n.indexed(ctx)
	if err != nil {
		return Receipt{}, false, err
	}
	entry, found, err := store.Transaction(id)
	if err != nil || !found {
		return Receipt{}, false, err
	}
	tx, receipt, err := n.transactionAt(entry)
	if err != nil || tx.ID() != id {
		return Receipt{}, false, err
	}
	return receipt, true, n.WaitHeight(ctx, receipt.Height) // where followers acknowledge, it may not be answerable yet
}

// transactionAt reads an entry that must be a transaction.
func (n *Node) transactionAt(entry uint64) (*token.Transaction, Receipt, error) {
	e, leaf, err := n.Entry(entry)
	if err != nil {
		return nil, Receipt{}, err
	}
	if e.Transaction == nil {
		return nil, Receipt{}, refuse(NotFound, "entry", "entry %d is no transaction", entry)
	}
	return e.Transaction, Receipt{e.Transaction.ID(), entry, leaf.Height, leaf.TimeMillis}, nil
}

// Entry reads an entry of the log and the leaf of its block, which says when it was executed and under which rules. It
// may be durable and not yet acknowledged: who shows it to others asks for that.
func (n *Node) Entry(number uint64) (ledger.Entry, ledger.Leaf, error) {
	if number >= n.log.Size() {
		return ledger.Entry{}, ledger.Leaf{}, refuse(NotFound, "entry", "the log has %d entries", n.log.Size())
	}
	data, err := n.log.Entry(number)
	if err != nil {
		return ledger.Entry{}, ledger.Leaf{}, err
	}
	e, err := ledger.DecodeEntry(data)
	if err != nil {
		return e, ledger.Leaf{}, err
	}
	batch, err := n.log.BatchOf(number)
	if err != nil {
		return e, ledger.Leaf{}, err
	}
	data, err = n.log.Entry(batch.FirstIndex)
	if err != nil {
		return e, ledger.Leaf{}, err
	}
	first, err := ledger.DecodeEntry(data)
	if err != nil {
		return e, ledger.Leaf{}, err
	}
	return e, *first.Leaf, nil
}

// HistoryItem is a line of a wallet's history.
type HistoryItem struct {
	Receipt
	Entry ledger.Entry // the transaction, or the system entry
	Net   int64        // tiyn received less given
}

// History lists up to most entries that touch a wallet before an entry, the latest first, and the
// size of the log at which the answer stands.
func (n *Node) History(ctx context.Context, wallet token.WalletID, before uint64,
	most int) ([]HistoryItem, uint64, error) {
	store, err := n.indexed(ctx)
	if err != nil {
		return nil, 0, err
	}
	size := min(store.Size(), n.Head().Size)
	items, err := store.History(wallet, min(before, size), most)
	if err != nil {
		return nil, 0, err
	}
	history := make([]HistoryItem, 0, len(items))
	for _, item := range items {
		e, leaf, err := n.Entry(item.Entry)
		if err != nil {
			return nil, 0, err
		}
		line := HistoryItem{Receipt{Index: item.Entry, Height: leaf.Height, TimeMillis: leaf.TimeMillis}, e,
			int64(item.Net)}
		if e.Transaction != nil {
			line.ID = e.Transaction.ID()
		}
		history = append(history, line)
	}
	return history, size, nil
}

// Keyed lists wallets that a key was named for; whether it is theirs still, the state says.
func (n *Node) Keyed(ctx context.Context, key token.PublicKey) ([]token.WalletID, error) {
	store, err := n.indexed(ctx)
	if err != nil {
		return nil, err
	}
	return store.Keyed(key)
}

// Origin finds the entry that made a token, live or spent.
func (n *Node) Origin(ctx context.Context, id token.ID) (index.Output, error) {
	store, err := n.indexed(ctx)
	if err != nil {
		return index.Output{}, err
	}
	o, found, err := store.Output(id)
	if err == nil && !found {
		err = refuse(NotFound, "token", "no token %s was ever made", id)
	}
	if err != nil {
		return o, err
	}
	_, leaf, err := n.Entry(o.Entry)
	if err != nil {
		return o, err
	}
	return o, n.waitShown(ctx, leaf.Height)
}

// Daily returns the days of the daily series within two, counted from 1970 in the network's zone, and the size of the
// log that is counted.
func (n *Node) Daily(ctx context.Context, from, to uint32) ([]index.Day, uint64, error) {
	store, err := n.indexed(ctx)
	if err != nil {
		return nil, 0, err
	}
	return store.Days(from, to)
}

// Today is the network's day of now, counted from 1970.
func (n *Node) Today(ctx context.Context) (today uint32, err error) {
	now := n.Clock().TimeMillis
	store, err := n.indexed(ctx)
	if err != nil {
		return 0, err
	}
	return store.DayOf(now), nil
}
