package pool

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/pool/accounting"
	"github.com/aqsha/aqsha/pool/sharelog"
	"github.com/btcsuite/btcd/wire/v2"
)

// A reorganisation deeper than --pay-confirmations takes a payment's block out of the chain after the log has said that it
// is in there. Whoever holds the log against the chain would call the pool a liar for ever. So the log says where the
// transaction is now, once that is as deep: the same outcome of the same payment by the same transaction, in another
// block. The books do not change by it.

// followSettled looks, at each new tip, whether the blocks of settled payments are still in the chain, for the newest
// two weeks of blocks. The caller holds p.paying.
func (p *Pool) followSettled(ctx context.Context) error {
	tip, hash, err := p.chainTip(ctx)
	if err != nil {
		return err
	}
	if hash == p.movedAt {
		return p.movedErr
	}
	var all error
	for _, one := range p.accounts.settledSince(tip - min(tip, unknownAge)) {
		if err := p.eachNode(func(node *bitcoin.Client) error { return p.followOne(ctx, node, &one, tip) }); err != nil {
			all = errors.Join(all, fmt.Errorf("payment %d: %w", one.Number, err))
		}
	}
	if ctx.Err() == nil {
		p.movedAt, p.movedErr = hash, all
	}
	return all
}

// followOne enters where a settled payment's transaction is when its block has left the chain.
func (p *Pool) followOne(ctx context.Context, node *bitcoin.Client, one *accounting.Payment, tip uint64) error {
	s := one.Settled
	fork, err := forkBelow(ctx, node, s.Block, s.Height, tip)
	if err != nil || fork == s.Height {
		return err
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
		if !holds(block, s.TxID) {
			continue
		}
		if tip+1 < h+p.payDepth() {
			return nil // a later tip asks again
		}
		moved := *s
		moved.Height, moved.Block, moved.TimeMillis = h, hash, block.Header.Timestamp.UnixMilli()
		p.logger.Warn("a settled payment is in another block of the chain now", "number", one.Number, "transaction", s.TxID, "block", hash, "before", s.Block)
		return p.recordDurably(ctx, &moved)
	}
	p.logger.Error("ALARM: a settled payment has left the chain", "number", one.Number, "transaction", s.TxID, "block", s.Block)
	return fmt.Errorf("its transaction %s was in block %s, which has left the chain, and is in none of it: see that it is mined again", s.TxID, s.Block)
}

func holds(block *wire.MsgBlock, id bitcoin.Hash) bool {
	return slices.ContainsFunc(block.Transactions, func(tx *wire.MsgTx) bool { return bitcoin.Hash(tx.TxHash()) == id })
}

// payDepth is how many confirmations settle a payment.
func (p *Pool) payDepth() uint64 {
	if options := p.payOptions.Load(); options != nil && options.Confirmations > 0 {
		return uint64(options.Confirmations)
	}
	return DefaultConfirmations
}

// settledSince are the payments that the chain has settled in a block from a height on.
func (a *Accounts) settledSince(height uint64) (settled []accounting.Payment) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, p := range a.state.Payments {
		if p.Settled != nil && p.Settled.Outcome != sharelog.OutcomeDropped && p.Settled.Height >= height {
			settled = append(settled, *p)
		}
	}
	return settled
}
