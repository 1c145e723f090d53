package payments

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/btcsuite/btcd/wire/v2"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/bitcoin/wallet"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/pool/accounting"
	"github.com/aqsha/aqsha/pool/accounts"
	"github.com/aqsha/aqsha/pool/chain"
	"github.com/aqsha/aqsha/pool/sharelog"
)

// Payments are watched on the chain itself. A wallet forgets, remembers what can no longer be mined,
// and may be asked through a connection that loses answers or makes them up; a block is what its hash
// says. Each block since a payment was sent is read once, from the node that the pool follows.

// sighting is how far the chain has been read for a payment. Owned by who holds Payments.mu. Nothing of it is kept over
// a restart: the chain is read again, from the height that the log names.
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
	unknownAge = chain.MaxReorganisation
	// bumpAfter is how many blocks a payment waits in vain before its fee is raised: FeeRate asks for six.
	bumpAfter = 6
	// bumpAbove is by how much the rate must have risen; a node wants a whole satoshi per byte more anyway.
	bumpAbove = 1.25
	// watchEvery is how often open payments are looked after when nobody pays.
	watchEvery = 10 * time.Second
)

// KeepPayments looks after open payments until ctx ends.
func (p *Payments) KeepPayments(ctx context.Context) {
	for last := ""; ctx.Err() == nil; pause(ctx, watchEvery) {
		if p.wallet == nil || p.nodes.Followed() == nil || !p.mu.TryLock() {
			continue
		}
		err := p.reconcile(ctx)
		if !errors.As(err, new(*accounts.FaultError)) { // that is said once, when it is found
			err = errors.Join(err, p.watchPayments(ctx))
		} else {
			err = p.watchPayments(ctx)
		}
		p.mu.Unlock()
		if err != nil && ctx.Err() == nil && err.Error() != last {
			last = err.Error()
			p.logger.Warn("open payments", "error", err)
		}
	}
}

// watchPayments finds out what the chain has made of the payments that are open, and sends again what it
// does not have. The caller holds p.mu.
func (p *Payments) watchPayments(ctx context.Context) error {
	if err := p.accounts.Fault(); err != nil {
		return err
	}
	open := p.accounts.OpenPayments()
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
	return errors.Join(all, p.outbox.RemoveFrom(p.accounts.NextPaymentNumber()))
}

// Reconcile asks chain, wallet and mirror what the log has lost, for who does not want to wait until KeepPayments does.
func (p *Payments) Reconcile(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.reconcile(ctx)
}

// WatchPayments is one round of it, for who does not want to wait for the next.
func (p *Payments) WatchPayments(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.watchPayments(ctx)
}

// watchPayment is a round for one payment: read the chain, settle what it has decided, else bring log and outbox
// together, send again, and raise the fee. Each step may be the last before a crash; the next round begins at the
// first.
func (p *Payments) watchPayment(ctx context.Context, open *accounting.Payment) error {
	drafts, lost := p.outbox.Get(open.Number)
	children, err := p.outbox.Children(open.Number)
	if err != nil {
		return err
	}
	// The first is in the log before it is sent. One that is not was drafted under this number before the log was made
	// whole from a copy.
	if lost == nil && len(open.Sent) > 0 && open.Sent[0].TxID != drafts[0].ID {
		drafts, children, lost = nil, nil, fmt.Errorf("what is kept is %s, which the log does not have", drafts[0].ID)
	}
	tip, err := p.nodes.Height(ctx)
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
		return fmt.Errorf(
			"its signed transaction is gone, so it cannot be sent again; it stays open until the chain has it: %w",
			lost)
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
	return p.bump(ctx, &raise{open: open, drafts: drafts, children: children, newest: newest, child: child,
		refused: refused}, at, tip)
}

// resume enters the ids of transactions that a crash has kept out of the log, before they are sent.
func (p *Payments) resume(ctx context.Context, open *accounting.Payment, drafts []*wallet.Draft) error {
	for _, d := range drafts {
		known := false
		for _, s := range open.Sent {
			known = known || s.TxID == d.ID
		}
		if !known {
			sent := &sharelog.Sent{Number: open.Number, TimeMillis: time.Now().UnixMilli(), TxID: d.ID, Fee: d.Fee,
				Height: d.Height}
			if err := p.accounts.RecordDurably(ctx, sent); err != nil {
				return err
			}
		}
	}
	return nil
}

// sendAgain sends the newest transaction of a payment that can still be mined: one that has a further coin for its fee
// is lost with that coin, and those before it are not. Last is the one that was sent, or else the newest.
func (p *Payments) sendAgain(ctx context.Context, drafts []*wallet.Draft) (last *wallet.Draft, err error) {
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
func (p *Payments) settlePayment(ctx context.Context, open *accounting.Payment, children []*wallet.Draft, at *sighting,
	tip uint64) error {
	if tip+1 < at.height+p.payDepth() {
		return nil
	}
	if child := newestChild(children, at.txID); child != nil && !at.childDone && tip < at.height+unknownAge {
		if err := p.wallet.Send(ctx, child.Raw); !errors.Is(err, wallet.ErrSpent) {
			return err
		}
	}
	record := &sharelog.Settled{
		Number: open.Number, TimeMillis: at.time.UnixMilli(), Outcome: at.outcome, TxID: at.txID,
		Fee: at.fee + at.childFee, Height: at.height, Block: at.block,
	}
	if err := p.accounts.RecordDurably(ctx, record); err != nil {
		return err
	}
	if at.outcome == sharelog.OutcomeConflicted {
		p.logger.Error("payment's coin was spent by another transaction; its users are owed again", "number",
			open.Number, "transaction", at.txID, "block", at.block)
	} else {
		p.logger.Info("payment confirmed", "number", open.Number, "transaction", at.txID, "block", at.block)
	}
	delete(p.sighted, open.Number)
	return p.outbox.Remove(open.Number)
}

// readChain reads the blocks up to the tip that have not been read, and again all of them when the chain has
// become another.
func (p *Payments) readChain(ctx context.Context, open *accounting.Payment, drafts, children []*wallet.Draft,
	at *sighting, tip uint64) error {
	return p.nodes.Each(func(node *bitcoin.Client) error {
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

// look searches a block for a transaction of a payment, or one that has spent its coin. Without drafts, when the
// directory was lost, it finds a payment by its id only.
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
			first: at.first, next: at.next, last: at.last, bumped: at.bumped, found: true, outcome: outcome, txID: id,
			fee:    fee,
			height: at.next, block: hash, time: block.Header.Timestamp,
		}
		return
	}
}

// paysAll tells whether a transaction has an output of its own for each of a payment's payees.
func paysAll(tx *wire.MsgTx, drafts []*wallet.Draft, payees int) bool {
	return hasOutputs(tx, payeesOf(drafts[0], payees))
}

// hasOutputs tells whether a transaction has each of some outputs, of which there are any.
func hasOutputs(tx *wire.MsgTx, outputs []*wire.TxOut) bool {
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
