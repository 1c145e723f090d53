package audit

import (
	"bytes"
	"context"
	"fmt"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/pool/accounting"
	"github.com/aqsha/aqsha/pool/sharelog"
)

// CheckChain holds what a log says of its blocks and payments against a node's chain: final blocks are in it and
// orphans are not, no block of the pool is in it that the log does not name, mean fees are those of the blocks, and
// each payment that is said to be made is in its block, to these scripts in these amounts, and makes no other. A node
// that does not answer ends it with an error and convicts nobody. What is convicted depends on the node: its chain is
// taken as it is.
func (a *Auditor) CheckChain(ctx context.Context, network bitcoin.Network, node *bitcoin.Client) error {
	for _, b := range a.state.Blocks {
		hash, err := node.HashAt(ctx, int(b.Height))
		if err != nil && !bitcoin.BeyondTip(err) {
			return err // no answer convicts nobody
		}
		if err != nil {
			a.convict(b.Share, "block", fmt.Sprintf("one at height %d", b.Height),
				"the chain is not so high: "+err.Error())
			continue
		}
		switch onChain := hash == b.Hash; {
		case b.Status == sharelog.StatusConfirmed && !onChain:
			a.convict(b.Share, "status", fmt.Sprintf("block %s is final", b.Hash),
				fmt.Sprintf("the chain has %s at height %d", hash, b.Height))
		case b.Status == sharelog.StatusOrphaned && onChain:
			a.convict(b.Share, "status", fmt.Sprintf("block %s is an orphan", b.Hash),
				fmt.Sprintf("it is in the chain at height %d", b.Height))
		}
	}
	if err := a.checkUnnamed(ctx, node); err != nil {
		return err
	}
	if err := a.checkMeans(ctx, network, node); err != nil {
		return err
	}
	paidBy := map[bitcoin.Hash]uint64{}
	for _, p := range a.state.Payments {
		if s := p.Settled; s != nil && s.Outcome == sharelog.OutcomeConfirmed {
			if other, twice := paidBy[s.TxID]; twice {
				a.convict(p.EntryIndex, "payment", fmt.Sprintf("payment %d is made by %s", p.Number, s.TxID),
					fmt.Sprintf("which made payment %d", other))
			}
			paidBy[s.TxID] = p.Number
		}
		if p.Settled == nil || p.Settled.Outcome == sharelog.OutcomeDropped {
			continue
		}
		if err := a.checkSettled(ctx, node, p); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// checkUnnamed looks for blocks of the pool that are on the chain and that the log does not call blocks: nobody was
// credited for them. A chain that is not so high yet has none.
func (a *Auditor) checkUnnamed(ctx context.Context, node *bitcoin.Client) error {
	at := map[uint64]bitcoin.Hash{}
	for _, u := range a.unclaimed {
		hash, asked := at[u.height]
		if !asked {
			var err error
			if hash, err = node.HashAt(ctx, int(u.height)); err != nil && !bitcoin.BeyondTip(err) {
				return err // no answer is not the answer that there is none
			}
			at[u.height] = hash
		}
		if hash == u.hash {
			a.convict(u.entry, "solves", "no block", fmt.Sprintf("the hash %s is in the chain at height %d", u.hash,
				u.height))
		}
	}
	return nil
}

// checkSettled looks a payment up in the block that it is said to be in. Each payee needs an output of its own with
// exactly the amount, so that one output does not pay two of them; further outputs, such as change, are nobody's
// business here. A block that lacks the transaction convicts the payment.
func (a *Auditor) checkSettled(ctx context.Context, node *bitcoin.Client, p *accounting.Payment) error {
	s := p.Settled
	claim := fmt.Sprintf("payment %d: %s is in block %s at height %d", p.Number, s.TxID, s.Block, s.Height)
	hash, err := node.HashAt(ctx, int(s.Height))
	if err != nil && !bitcoin.BeyondTip(err) {
		return err // no answer convicts nobody
	}
	if err != nil {
		a.convict(p.EntryIndex, "payment", claim, "the chain is not so high: "+err.Error())
		return nil //nolint:nilerr // it is the evidence
	}
	if hash != s.Block {
		a.convict(p.EntryIndex, "payment", claim, fmt.Sprintf("the chain has %s there", hash))
		return nil
	}
	block, err := node.RawBlock(ctx, hash)
	if err != nil {
		return err
	}
	for n, tx := range block.Transactions {
		if bitcoin.Hash(tx.TxHash()) != s.TxID {
			continue
		}
		if r := p.Recovered; r != nil && r.Coinbase != (n == 0) {
			a.convict(p.EntryIndex, "payment", claim,
				fmt.Sprintf("as transaction %d, and whether it is a coinbase is said otherwise", n))
		}
		if s.Outcome != sharelog.OutcomeConfirmed {
			return nil
		}
		used := make([]bool, len(tx.TxOut))
		for _, payee := range p.Payees {
			script, paid, amount := scriptOf(a.address(payee.User)), false, payee.Amount
			if p.Recovered != nil {
				amount += payee.Debt
			}
			for i, out := range tx.TxOut {
				if !paid && !used[i] && out.Value == int64(amount) && bytes.Equal(out.PkScript, script) {
					used[i], paid = true, true
				}
			}
			if !paid {
				a.convict(p.EntryIndex, "payment", claim, fmt.Sprintf("which does not pay %d satoshi to %s", amount,
					a.address(payee.User)))
			}
		}
		return nil
	}
	a.convict(p.EntryIndex, "payment", claim, "which does not hold it")
	return nil
}
