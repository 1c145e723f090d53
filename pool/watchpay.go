package pool

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/bitcoin/wallet"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/pool/accounting"
	"github.com/aqsha/aqsha/pool/sharelog"
	"github.com/btcsuite/btcd/wire/v2"
)

// Payments are watched on the chain itself. A wallet forgets, remembers what can no longer be mined,
// and may be asked through a connection that loses answers or makes them up; a block is what its hash
// says. Each block since a payment was sent is read once, from the node that the pool follows.

// sighting is how far the chain has been read for a payment. Owned by who holds Pool.paying.
type sighting struct {
	first uint64       // height from which the chain is read
	next  uint64       // height of the first block not read
	last  bitcoin.Hash // of the block before it; zero while none is read
	// found: a transaction of the payment, or one that has spent its coin, is in a block.
	found   bool
	outcome uint64
	txID    bitcoin.Hash
	fee     money.Satoshi
	height  uint64
	block   bitcoin.Hash
	time    time.Time // of the block
	bumped  uint64    // height at which the fee was raised last
	// childDone: the change of the transaction that was found is spent in a block, by a child whose fee this is, or
	// otherwise.
	childDone bool
	childFee  money.Satoshi
}

const (
	// readAtOnce bounds the blocks that one round reads.
	readAtOnce = 2016
	// unknownAge is how far back a payment of before is looked for, whose height was not noted: two weeks.
	unknownAge = 2016
	// bumpAfter is how many blocks a payment waits in vain before its fee is raised: FeeRate asks for six.
	bumpAfter = 6
	// bumpAbove is by how much the rate must have risen; a node wants a whole satoshi per byte more anyway.
	bumpAbove = 1.25
	// watchEvery is how often open payments are looked after when nobody pays.
	watchEvery = 10 * time.Second
)

// keepPayments looks after open payments until ctx ends.
func (p *Pool) keepPayments(ctx context.Context) {
	for last := ""; ; {
		pause(ctx, watchEvery)
		if ctx.Err() != nil {
			return
		}
		if p.wallet == nil || p.chainNode() == nil || !p.paying.TryLock() {
			continue
		}
		err := p.watchPayments(ctx)
		p.paying.Unlock()
		if err != nil && ctx.Err() == nil && err.Error() != last {
			last = err.Error()
			p.logger.Warn("open payments", "error", err)
		}
	}
}

// watchPayments finds out what the chain has made of the payments that are open, and sends again what it
// does not have. The caller holds p.paying.
func (p *Pool) watchPayments(ctx context.Context) error {
	if err := p.accounts.Fault(); err != nil {
		return err
	}
	open := p.accounts.openPayments()
	var all error
	for i := range open {
		if err := p.watchPayment(ctx, &open[i]); err != nil {
			all = errors.Join(all, fmt.Errorf("payment %d: %w", open[i].Number, err))
		}
	}
	if err := p.followSettled(ctx); err != nil {
		all = errors.Join(all, err)
	}
	// A draft whose intention was never logged was never sent.
	return errors.Join(all, p.drawer.removeFrom(p.accounts.nextPaymentNumber()))
}

// WatchPayments is one round of it, for who does not want to wait for the next.
func (p *Pool) WatchPayments(ctx context.Context) error {
	p.paying.Lock()
	defer p.paying.Unlock()
	return p.watchPayments(ctx)
}

func (p *Pool) watchPayment(ctx context.Context, open *accounting.Payment) error {
	drafts, lost := p.drawer.get(open.Number)
	children, err := p.drawer.children(open.Number)
	if err != nil {
		return err
	}
	tip, err := p.chainHeight(ctx)
	if err != nil {
		_, again := p.sendAgain(ctx, drafts)
		return errors.Join(err, again)
	}
	at := p.sighted[open.Number]
	if at == nil {
		at = &sighting{}
		p.sighted[open.Number] = at
	}
	if err := p.readChain(ctx, open, drafts, children, at, tip); err != nil {
		return err
	}
	if at.found {
		return p.settlePayment(ctx, open, children, at, tip)
	}
	if lost != nil {
		return fmt.Errorf("its signed transaction is gone, so it cannot be sent again; it stays open until the chain has it: %w", lost)
	}
	if err := p.resume(ctx, open, drafts); err != nil {
		return err
	}
	if err := p.resumeChildren(ctx, open, children); err != nil {
		return err
	}
	newest, refused := p.sendAgain(ctx, drafts)
	child := newestChild(children, newest.ID)
	if child != nil && refused == nil {
		refused = p.wallet.Send(ctx, child.Raw)
	}
	return p.bump(ctx, &raise{open: open, drafts: drafts, children: children, newest: newest, child: child, refused: refused}, at, tip)
}

// resume enters the ids of transactions that a crash has kept out of the log, before they are sent.
func (p *Pool) resume(ctx context.Context, open *accounting.Payment, drafts []*wallet.Draft) error {
	for _, d := range drafts {
		known := false
		for _, s := range open.Sent {
			known = known || s.TxID == d.ID
		}
		if !known {
			sent := &sharelog.Sent{Number: open.Number, TimeMillis: time.Now().UnixMilli(), TxID: d.ID, Fee: d.Fee, Height: d.Height}
			if err := p.recordDurably(ctx, sent); err != nil {
				return err
			}
		}
	}
	return nil
}

// sendAgain sends the newest transaction of a payment that can still be mined: one that has a further coin for its fee
// is lost with that coin, and those before it are not. Last is the one that was sent, or else the newest.
func (p *Pool) sendAgain(ctx context.Context, drafts []*wallet.Draft) (last *wallet.Draft, err error) {
	for _, d := range slices.Backward(drafts) {
		err = p.wallet.Send(ctx, d.Raw)
		if !errors.Is(err, wallet.ErrSpent) && !errors.Is(err, wallet.ErrRefused) {
			return d, err
		}
	}
	if len(drafts) > 0 {
		last = drafts[len(drafts)-1]
	}
	return last, err
}

// settlePayment enters what the chain has decided once it is deep enough. A child's fee belongs to it, so the child is
// waited for.
func (p *Pool) settlePayment(ctx context.Context, open *accounting.Payment, children []*wallet.Draft, at *sighting, tip uint64) error {
	if tip+1 < at.height+p.payDepth() {
		return nil
	}
	if child := newestChild(children, at.txID); child != nil && !at.childDone && tip < at.height+unknownAge {
		if err := p.wallet.Send(ctx, child.Raw); !errors.Is(err, wallet.ErrSpent) {
			return err
		}
	}
	record := &sharelog.Settled{
		Number: open.Number, TimeMillis: at.time.UnixMilli(), Outcome: at.outcome, TxID: at.txID, Fee: at.fee + at.childFee, Height: at.height, Block: at.block,
	}
	if err := p.recordDurably(ctx, record); err != nil {
		return err
	}
	if at.outcome == sharelog.OutcomeConflicted {
		p.logger.Error("payment's coin was spent by another transaction; its users are owed again", "number", open.Number, "transaction", at.txID, "block", at.block)
	} else {
		p.logger.Info("payment confirmed", "number", open.Number, "transaction", at.txID, "block", at.block)
	}
	delete(p.sighted, open.Number)
	return p.drawer.remove(open.Number)
}

// readChain reads the blocks up to the tip that have not been read, and again all of them when the chain has
// become another.
func (p *Pool) readChain(ctx context.Context, open *accounting.Payment, drafts, children []*wallet.Draft, at *sighting, tip uint64) error {
	return p.eachNode(func(node *bitcoin.Client) error {
		first, err := searchFrom(ctx, node, open, drafts, tip)
		if err != nil {
			return err
		}
		if err := at.follow(ctx, node, first, tip); err != nil {
			return err
		}
		for n := 0; at.next <= tip && n < readAtOnce; n++ {
			if err := ctx.Err(); err != nil {
				return err
			}
			hash, err := node.HashAt(ctx, int(at.next))
			if err != nil {
				return err
			}
			block, err := node.RawBlock(ctx, hash)
			if err != nil {
				return err
			}
			if at.last != (bitcoin.Hash{}) && bitcoin.Hash(block.Header.PrevBlock) != at.last {
				at.restart(first)
				return nil // the chain has changed meanwhile; the next round reads it
			}
			if !at.found {
				at.look(open, drafts, block, hash)
			}
			if at.found && !at.childDone {
				at.lookForChild(children, block)
			}
			at.next, at.last = at.next+1, hash
		}
		return nil
	})
}

// look searches a block for a transaction of a payment, or one that has spent its coin.
func (at *sighting) look(open *accounting.Payment, drafts []*wallet.Draft, block *wire.MsgBlock, hash bitcoin.Hash) {
	fees := map[bitcoin.Hash]money.Satoshi{}
	for _, s := range open.Sent {
		fees[s.TxID] = s.Fee
	}
	for _, d := range drafts {
		fees[d.ID] = d.Fee
	}
	// Every version spends the first one's coins. One that a later version has added for its fee may be spent
	// otherwise, and the payment still be mined.
	coins := map[wire.OutPoint]bool{}
	if len(drafts) > 0 {
		spent, err := drafts[0].Coins()
		for _, c := range spent {
			coins[c] = err == nil
		}
	}
	for _, tx := range block.Transactions[1:] {
		id := bitcoin.Hash(tx.TxHash())
		fee, ours := fees[id]
		outcome := uint64(sharelog.OutcomeConfirmed)
		if !ours {
			spends := false
			for _, in := range tx.TxIn {
				spends = spends || coins[in.PreviousOutPoint]
			}
			if !spends {
				continue
			}
			// The operator may have raised the fee by hand: what counts is who is paid.
			if outcome = sharelog.OutcomeConflicted; paysAll(tx, drafts, len(open.Payees)) {
				outcome, fee = sharelog.OutcomeConfirmed, feeOfReplacement(tx, drafts[0])
			}
		}
		*at = sighting{
			first: at.first, next: at.next, last: at.last, bumped: at.bumped, found: true, outcome: outcome, txID: id, fee: fee,
			height: at.next, block: hash, time: block.Header.Timestamp,
		}
		return
	}
}

// paysAll tells whether a transaction has an output of its own for each of a payment's payees.
func paysAll(tx *wire.MsgTx, drafts []*wallet.Draft, payees int) bool {
	outputs := payeesOf(drafts[0], payees)
	used := make([]bool, len(tx.TxOut))
	for _, want := range outputs {
		paid := false
		for i, out := range tx.TxOut {
			if !paid && !used[i] && out.Value == want.Value && bytes.Equal(out.PkScript, want.PkScript) {
				used[i], paid = true, true
			}
		}
		if !paid {
			return false
		}
	}
	return len(outputs) > 0
}

func payeesOf(d *wallet.Draft, payees int) []*wire.TxOut {
	tx, err := d.Transaction()
	if err != nil || len(tx.TxOut) < payees {
		return nil
	}
	return tx.TxOut[:payees]
}

// feeOfReplacement is what a replacement of the same coins leaves to the miner; at least zero, when it spends
// others too.
func feeOfReplacement(tx *wire.MsgTx, d *wallet.Draft) money.Satoshi {
	first, err := d.Transaction()
	if err != nil {
		return 0
	}
	fee := d.Fee
	for _, out := range first.TxOut {
		fee += money.Satoshi(out.Value)
	}
	for _, out := range tx.TxOut {
		fee -= money.Satoshi(out.Value)
	}
	return max(fee, 0)
}
