package payments

import (
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
	"github.com/aqsha/aqsha/pool/sharelog"
)

// A payment that its fee keeps out of blocks is replaced by one with a higher fee (BIP 125). Where that cannot be, as
// the wallet signs no replacement or the nodes refuse it for what others have spent of the first, a child that spends
// the change pays for both.

// raise is what is known of an open payment whose fee may have to be raised.
type raise struct {
	open     *accounting.Payment
	drafts   []*wallet.Draft // its transactions, oldest first
	children []*wallet.Draft // that spend the change of one of them, oldest first
	newest   *wallet.Draft   // that can still be mined
	child    *wallet.Draft   // the newest of it; mostly nil
	refused  error           // why the newest, or its child, was not sent
}

// rate is what the payment pays now.
func (r *raise) rate() float64 {
	if r.child != nil {
		return r.child.Rate
	}
	return r.newest.Rate
}

// since is the height at which the fee was last chosen.
func (r *raise) since() uint64 {
	if r.child != nil {
		return r.child.Height
	}
	return r.newest.Height
}

// newestChild is the one that spends a transaction's change; nil without one.
func newestChild(children []*wallet.Draft, parent bitcoin.Hash) *wallet.Draft {
	for _, c := range slices.Backward(children) {
		if c.Parent == parent {
			return c
		}
	}
	return nil
}

// bump raises the fee of a payment that waits in vain, or that the node refuses. What was sent first may still be mined
// instead: either pays once. It never pays more than the operator's MaxFeeRate, and is tried once for a tip.
func (p *Payments) bump(ctx context.Context, r *raise, at *sighting, tip uint64) error {
	options := p.options.Load()
	waits := tip >= max(r.since(), at.bumped)+bumpAfter
	if options == nil || !waits && !errors.Is(r.refused, wallet.ErrRefused) {
		return r.refused
	}
	rate, err := p.wallet.FeeRate(ctx)
	if err != nil {
		return errors.Join(r.refused, err)
	}
	if rate > options.MaxFeeRate || rate < r.rate()*bumpAbove {
		return r.refused
	}
	at.bumped = tip
	spent, err := p.spentCoins()
	if err != nil {
		return errors.Join(r.refused, err)
	}
	var failed error
	if r.child == nil { // a replacement would have to pay for the child too
		if failed = p.replace(ctx, r, rate, spent, tip); failed == nil {
			return nil
		}
		if !replacementImpossible(failed) {
			return errors.Join(r.refused, failed)
		}
	}
	if err := p.raiseByChild(ctx, r, rate, spent, tip); err != nil {
		return errors.Join(r.refused, failed, err)
	}
	return nil
}

// replacementImpossible tells whether a replacement is refused, by the wallet or the nodes, and not only delayed.
func replacementImpossible(err error) bool {
	return errors.Is(err, wallet.ErrRefused) || errors.Is(err, wallet.ErrSpent) || errors.Is(err, wallet.ErrNoChange) ||
		errors.Is(err, wallet.ErrNotSigned)
}

// replace sends a replacement with a higher fee, which is durable and in the log before.
func (p *Payments) replace(ctx context.Context, r *raise, rate float64, spent map[wire.OutPoint]bool,
	tip uint64) error {
	draft, err := p.wallet.Bump(ctx, r.newest, len(r.open.Payees), rate, spent)
	if err != nil {
		return err
	}
	draft.Height = tip
	drafts := append(slices.Clip(r.drafts), draft)
	if err := p.outbox.Put(r.open.Number, drafts); err != nil {
		return err
	}
	if err := p.resume(ctx, r.open, drafts); err != nil {
		return err
	}
	p.logger.Info("payment's fee raised", "number", r.open.Number, "transaction", draft.ID, "fee", draft.Fee)
	return p.wallet.Send(ctx, draft.Raw)
}

// raiseByChild sends a child of the newest transaction, which is durable and in the log before: after a crash between
// two of these steps the next start goes on with what the outbox has, and pays no second fee.
func (p *Payments) raiseByChild(ctx context.Context, r *raise, rate float64, spent map[wire.OutPoint]bool,
	tip uint64) error {
	earlier := money.Satoshi(0)
	if r.child != nil {
		earlier = r.child.Fee
	}
	child, err := p.wallet.Child(ctx, r.newest, len(r.open.Payees), rate, earlier, spent)
	if err != nil {
		return fmt.Errorf("a child of %s: %w", r.newest.ID, err)
	}
	child.Height = tip
	children := append(slices.Clip(r.children), child)
	if err := p.outbox.PutChildren(r.open.Number, children); err != nil {
		return err
	}
	if err := p.resumeChildren(ctx, r.open, children); err != nil {
		return err
	}
	p.logger.Info("payment's fee raised by a child", "number", r.open.Number, "transaction", r.newest.ID, "child",
		child.ID, "fee", child.Fee)
	return p.wallet.Send(ctx, child.Raw)
}

// resumeChildren enters children that a crash has kept out of the log, before they are sent.
func (p *Payments) resumeChildren(ctx context.Context, open *accounting.Payment, children []*wallet.Draft) error {
	for _, c := range children {
		if slices.ContainsFunc(open.Child, func(known *sharelog.Child) bool { return known.TxID == c.ID }) {
			continue
		}
		record := &sharelog.Child{Number: open.Number, TimeMillis: time.Now().UnixMilli(), TxID: c.ID, Parent: c.Parent,
			Fee: c.Fee, Height: c.Height}
		if err := p.accounts.RecordDurably(ctx, record); err != nil {
			return err
		}
	}
	return nil
}

// lookForChild searches a block for what spends the change of the transaction that was found.
func (at *sighting) lookForChild(children []*wallet.Draft, block *wire.MsgBlock) {
	fees, change := map[bitcoin.Hash]money.Satoshi{}, map[wire.OutPoint]bool{}
	for _, c := range children {
		if coins, err := c.Coins(); err == nil && c.Parent == at.txID {
			fees[c.ID], change[coins[0]] = c.Fee, true
		}
	}
	if len(change) == 0 {
		return
	}
	for _, tx := range block.Transactions[1:] {
		for _, in := range tx.TxIn {
			if change[in.PreviousOutPoint] {
				at.childDone, at.childFee = true, fees[bitcoin.Hash(tx.TxHash())]
			}
		}
	}
}
