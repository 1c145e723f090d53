package reconcile

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/btcsuite/btcd/wire/v2"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/bitcoin/wallet"
)

// Found is a transaction of the pool's that its log does not know.
type Found struct {
	ID          bitcoin.Hash
	Transaction *wire.MsgTx
	Coinbase    bool // of a block of the pool's
	// Unmarked: sent from the wallet, all to users and the wallet itself, by an earlier program or by hand.
	Unmarked bool
	Height   uint64       // of its block; 0: in none
	Block    bitcoin.Hash // zero: in none
	Time     time.Time    // at which the wallet has seen it; else its block's
	parent   bitcoin.Hash // of Block
	job      uint32       // of a coinbase
}

// Log is what a log knows.
type Log interface {
	// Knows tells whether a transaction is a payment's in the log, or was set aside there.
	Knows(bitcoin.Hash) bool
	// HasBlock tells whether the log has a block of the pool's, or a job as late as the block's on the same parent:
	// then it was alive at the time. JobMark is the job's number as the block's coinbase has it.
	HasBlock(hash, previous bitcoin.Hash, jobMark uint32) bool
	// IsUser tells whether a script is that of a user of the pool.
	IsUser(script []byte) bool
}

// Cursor is up to where a log has been held against the chain and the wallet.
type Cursor struct {
	Height uint64
	Time   time.Time
}

// Reconciler reads the chain and the wallet on from a log's cursor. It is not for use by several at a time.
type Reconciler struct {
	tagger  *Tagger
	cursor  Cursor
	started time.Time // of this process: nothing that the log has lost was sent later
	first   uint64    // height from which the chain is read
	next    uint64    // height of the first block not read
	hashes  []bitcoin.Hash
	chain   []Found // on the chain as it was read
}

const (
	// deep is how many blocks before the cursor are read again: a reorganisation may have put a payment there.
	deep = 6
	// walletDeep is the same for the wallet's list, which costs one call.
	walletDeep = 100
	// readAtOnce bounds the blocks that one round reads.
	readAtOnce = 2016
)

// ErrUnread means that there are more blocks to read than one round does; another goes on.
var ErrUnread = errors.New("the chain has not been read to its end yet")

// New begins at a cursor.
func New(tagger *Tagger, cursor Cursor, started time.Time) *Reconciler {
	first := cursor.Height - min(cursor.Height, deep)
	return &Reconciler{tagger: tagger, cursor: cursor, started: started, first: first, next: first}
}

// Round reads what is new in a node's chain and lists what the log does not know, in the chain or, unless it is nil, in
// the wallet. Open are coins that payments of the log spend which the chain has not decided: another transaction that
// spends one is theirs. Tip is up to where the chain was read.
func (r *Reconciler) Round(ctx context.Context, node *bitcoin.Client, w *wallet.Wallet, log Log,
	open map[wire.OutPoint]bool) (found []Found, tip Cursor, err error) {
	tip.Time = time.Now()
	if tip.Height, err = r.read(ctx, node); err != nil {
		return nil, tip, err
	}
	for _, f := range r.chain {
		if !r.known(log, &f, open) {
			found = append(found, f)
		}
	}
	if w == nil {
		return found, tip, nil
	}
	sends, err := r.sends(ctx, node, w, log)
	if err != nil {
		return nil, tip, fmt.Errorf("the wallet's payments: %w", err)
	}
	for _, s := range sends {
		if at := slices.IndexFunc(found, func(f Found) bool { return f.ID == s.ID }); at >= 0 {
			found[at].Time = s.Time
		} else if f, lost := r.lost(&s, log); lost && !r.known(log, &f, open) {
			found = append(found, f)
		}
	}
	return found, tip, nil
}

func (r *Reconciler) known(log Log, f *Found, open map[wire.OutPoint]bool) bool {
	if f.Coinbase && log.HasBlock(f.Block, f.parent, f.job) {
		return true
	}
	return log.Knows(f.ID) ||
		slices.ContainsFunc(f.Transaction.TxIn, func(in *wire.TxIn) bool { return open[in.PreviousOutPoint] })
}

// read follows the chain and keeps what carries the pool's mark.
func (r *Reconciler) read(ctx context.Context, node *bitcoin.Client) (tip uint64, err error) {
	if err := node.Call(ctx, &tip, "getblockcount"); err != nil {
		return 0, err
	}
	// A node so far behind has not seen what the pool has paid since: its "nothing found" would let everything be paid
	// again.
	if tip < r.cursor.Height-min(r.cursor.Height, walletDeep) {
		return 0, fmt.Errorf("the node's chain ends at height %d, the pool has worked at %d: %w", tip, r.cursor.Height,
			ErrUnread)
	}
	if err := r.rewind(ctx, node); err != nil {
		return 0, err
	}
	for n := 0; r.next <= tip; n++ {
		if n == readAtOnce {
			return 0, fmt.Errorf("block %d of %d: %w", r.next, tip, ErrUnread)
		}
		hash, err := node.HashAt(ctx, int(r.next))
		if err != nil {
			return 0, err
		}
		block, err := node.RawBlock(ctx, hash)
		if err != nil {
			return 0, err
		}
		if n := len(r.hashes); n > 0 && bitcoin.Hash(block.Header.PrevBlock) != r.hashes[n-1] {
			return 0, fmt.Errorf("the chain has changed at block %d: %w", r.next, ErrUnread)
		}
		r.look(block, hash)
		r.hashes, r.next = append(r.hashes, hash), r.next+1
	}
	return tip, nil
}

// rewind forgets blocks that have left the chain.
func (r *Reconciler) rewind(ctx context.Context, node *bitcoin.Client) error {
	for n := len(r.hashes); n > 0; n-- {
		hash, err := node.HashAt(ctx, int(r.next-1))
		if err == nil && hash == r.hashes[n-1] {
			break
		}
		if err != nil && !bitcoin.BeyondTip(err) { // a chain that is shorter now has left the block, too
			return err
		}
		r.hashes, r.next = r.hashes[:n-1], r.next-1
	}
	r.chain = slices.DeleteFunc(r.chain, func(f Found) bool { return f.Height >= r.next })
	if forget := len(r.hashes) - readAtOnce; forget > 0 {
		r.hashes = slices.Clone(r.hashes[forget:])
	}
	return nil
}

// look keeps what a block has of the pool.
func (r *Reconciler) look(block *wire.MsgBlock, hash bitcoin.Hash) {
	for i, tx := range block.Transactions {
		var job uint32
		var ours bool
		if i == 0 {
			job, ours = r.tagger.Mined(block)
		} else {
			ours = r.tagger.Paid(tx)
		}
		if ours {
			r.chain = append(r.chain, Found{
				ID: bitcoin.Hash(tx.TxHash()), Transaction: tx, Coinbase: i == 0, Height: r.next, Block: hash,
				Time:   block.Header.Timestamp,
				parent: bitcoin.Hash(block.Header.PrevBlock), job: job,
			})
		}
	}
}

// sends lists what the wallet has sent since the cursor.
func (r *Reconciler) sends(ctx context.Context, node *bitcoin.Client, w *wallet.Wallet,
	log Log) ([]wallet.Sent, error) {
	var after bitcoin.Hash
	if r.cursor.Height > walletDeep {
		var err error
		if after, err = node.HashAt(ctx, int(r.cursor.Height-walletDeep)); err != nil {
			return nil, err
		}
	}
	return w.Sends(ctx, after, log.Knows)
}

// lost tells whether what the wallet has sent is a payment that a log may have lost: one with the pool's mark, or
// without any, as of an earlier program, if it was sent after the cursor, by its block and its time, and before this
// process began, and pays nobody but users and, with one output, the wallet. Where another has spent its coins deeply
// it pays nobody. A doubt counts as lost: it stops payments until somebody has looked, where the other mistake pays
// twice.
func (r *Reconciler) lost(s *wallet.Sent, log Log) (f Found, lost bool) {
	f = Found{ID: s.ID, Transaction: s.Transaction, Time: s.Time}
	switch {
	case s.Confirmations <= -deep:
		return f, false
	case r.tagger.Paid(s.Transaction):
		return f, true
	case s.Confirmations > 0 && r.next < r.cursor.Height+uint64(s.Confirmations): // in a block below the cursor
		return f, false
	case Tagged(s.Transaction), s.Time.Before(r.cursor.Time.Truncate(time.Second)), s.Time.After(r.started):
		return f, false
	}
	others := 0
	for _, out := range s.Transaction.TxOut {
		if !log.IsUser(out.PkScript) {
			others++
		}
	}
	f.Unmarked = true
	return f, others <= 1 && others < len(s.Transaction.TxOut)
}

// Advance moves the cursor, once nothing was found up to there.
func (r *Reconciler) Advance(to Cursor) {
	r.cursor = to
	r.chain = slices.DeleteFunc(r.chain, func(f Found) bool { return f.Height+readAtOnce < to.Height })
}
