package payments

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/btcsuite/btcd/wire/v2"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/pool/accounting"
	"github.com/aqsha/aqsha/pool/chain"
	"github.com/aqsha/aqsha/pool/sharelog"
)

// A reorganisation deeper than --pay-confirmations takes a payment's block out of the chain after the log has said that
// it is in there. Whoever holds the log against the chain would call the pool a liar for ever. So the log says where
// the transaction is now, once that is as deep: in another block, by which the books do not change; or its coin was
// spent otherwise, and the users are owed again.

// followSettled looks, at each new tip, whether the blocks of settled payments are still in the chain, for the newest
// two weeks of blocks. The caller holds p.mu. It is cheap while the tip stays: what was found amiss under it is said
// again.
func (p *Payments) followSettled(ctx context.Context) error {
	tip, hash, err := p.nodes.Tip(ctx)
	if err != nil {
		return err
	}
	if hash == p.movedAt {
		return p.movedErr
	}
	var all error
	for _, one := range p.accounts.SettledSince(tip - min(tip, unknownAge)) {
		if err := p.nodes.Each(func(node *bitcoin.Client) error {
			return p.followOne(ctx, node, &one,
				tip)
		}); err != nil {
			all = errors.Join(all, fmt.Errorf("payment %d: %w", one.Number, err))
		}
	}
	if ctx.Err() == nil {
		p.movedAt, p.movedErr = hash, all
	}
	return all
}

// followOne enters what the chain has made of a settled payment whose block has left it: its transaction is in another
// block, or another has spent its coin, or one of its own is mined that was given up. Each counts once it is as deep as
// any outcome. Until then the transaction is sent again.
func (p *Payments) followOne(ctx context.Context, node *bitcoin.Client, one *accounting.Payment, tip uint64) error {
	s := one.Settled
	fork, err := chain.ForkBelow(ctx, node, s.Block, s.Height, tip)
	if err != nil || fork == s.Height {
		return err
	}
	lost, err := p.lostTransaction(ctx, s)
	if err != nil {
		p.logger.Warn("the block that has left the chain cannot be read", "number", one.Number, "block", s.Block,
			"error", err)
	}
	for h := fork + 1; h <= tip; h++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		hash, err := node.HashAt(ctx, int(h))
		if err != nil {
			return err
		}
		block, err := node.RawBlock(ctx, hash)
		if err != nil {
			return err
		}
		now := p.outcomeIn(block, one, lost)
		if now == nil {
			continue
		}
		if tip+1 < h+p.payDepth() {
			return nil // a later tip asks again
		}
		now.Height, now.Block, now.TimeMillis = h, hash, block.Header.Timestamp.UnixMilli()
		if now.Outcome == s.Outcome && now.TxID == s.TxID {
			p.logger.Warn("a settled payment is in another block of the chain now", "number", one.Number, "transaction",
				s.TxID, "block", hash, "before", s.Block)
		} else {
			p.logger.Error("a deep reorganisation has changed what became of a payment", "number", one.Number,
				"transaction", now.TxID, "block", hash,
				"paid", now.Outcome == sharelog.OutcomeConfirmed, "before", s.TxID)
		}
		return p.accounts.RecordDurably(ctx, now)
	}
	p.logger.Error("ALARM: a settled payment has left the chain", "number", one.Number, "transaction", s.TxID, "block",
		s.Block)
	if lost != nil && !lost.coinbase {
		if err := p.wallet.Send(ctx, lost.raw); err == nil {
			return fmt.Errorf("its transaction %s was in block %s, which has left the chain; it is sent again", s.TxID,
				s.Block)
		}
	}
	return fmt.Errorf("its transaction %s was in block %s, which has left the chain, and is in none of it: see that "+
		"it is mined again", s.TxID, s.Block)
}

// lostTx is a transaction of a block that has left the chain.
type lostTx struct {
	tx       *wire.MsgTx
	raw      []byte
	coinbase bool
}

// lostTransaction reads it from the block, which some node still has.
func (p *Payments) lostTransaction(ctx context.Context, s *sharelog.Settled) (lost *lostTx, err error) {
	err = p.nodes.Each(func(node *bitcoin.Client) error {
		block, err := node.RawBlock(ctx, s.Block)
		if err != nil {
			return err
		}
		for i, tx := range block.Transactions {
			if bitcoin.Hash(tx.TxHash()) == s.TxID {
				var raw bytes.Buffer
				lost = &lostTx{tx: tx, coinbase: i == 0}
				err := tx.Serialize(&raw)
				lost.raw = raw.Bytes()
				return err
			}
		}
		return fmt.Errorf("block %s does not hold %s", s.Block, s.TxID)
	})
	return lost, err
}

// outcomeIn is what a block makes of a settled payment; nil: nothing. Any transaction that was sent for the payment
// confirms it. Of one that was lost, another that spends its coins takes the place: conflicted, unless it pays all of
// the payment.
func (p *Payments) outcomeIn(block *wire.MsgBlock, one *accounting.Payment, lost *lostTx) *sharelog.Settled {
	now := *one.Settled
	if holds(block, now.TxID) {
		return &now
	}
	for _, sent := range one.Sent {
		if holds(block, sent.TxID) {
			now.Outcome, now.TxID, now.Fee = sharelog.OutcomeConfirmed, sent.TxID, sent.Fee
			return &now
		}
	}
	if lost == nil || lost.coinbase || now.Outcome != sharelog.OutcomeConfirmed {
		return nil
	}
	for _, tx := range block.Transactions[1:] {
		if !spendsAny(tx, lost.tx) {
			continue
		}
		now.TxID = bitcoin.Hash(tx.TxHash())
		if !p.paysAllOf(tx, one) {
			now.Outcome, now.Fee = sharelog.OutcomeConflicted, 0
		}
		return &now
	}
	return nil
}

// spendsAny tells whether a transaction spends a coin of another's.
func spendsAny(tx, other *wire.MsgTx) bool {
	return slices.ContainsFunc(tx.TxIn, func(in *wire.TxIn) bool {
		return slices.ContainsFunc(other.TxIn,
			func(o *wire.TxIn) bool { return o.PreviousOutPoint == in.PreviousOutPoint })
	})
}

// paysAllOf tells whether a transaction has an output for each of a payment's payees.
func (p *Payments) paysAllOf(tx *wire.MsgTx, one *accounting.Payment) bool {
	var want []*wire.TxOut
	for _, payee := range one.Payees {
		amount := payee.Amount
		if one.Recovered != nil {
			amount += payee.Debt
		}
		want = append(want, wire.NewTxOut(int64(amount), p.scriptOf(payee.User)))
	}
	return hasOutputs(tx, want)
}

func holds(block *wire.MsgBlock, id bitcoin.Hash) bool {
	return slices.ContainsFunc(block.Transactions, func(tx *wire.MsgTx) bool { return bitcoin.Hash(tx.TxHash()) == id })
}

// payDepth is how many confirmations settle a payment.
func (p *Payments) payDepth() uint64 {
	if options := p.options.Load(); options != nil && options.Confirmations > 0 {
		return uint64(options.Confirmations)
	}
	return DefaultConfirmations
}
