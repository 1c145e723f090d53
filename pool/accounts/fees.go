package accounts

import (
	"context"

	"github.com/btcsuite/btcd/wire/v2"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/pool/payout"
)

// blockFees is what a block has paid in fees, and its parent.
type blockFees struct {
	fees     money.Satoshi
	previous bitcoin.Hash
}

// feesOf caches blocks' fees. Blocks do not change, so neither does it.
type feesOf map[bitcoin.Hash]blockFees

// updateMeanFees refreshes F for the block that a template is for. It walks back from the tip and asks only for blocks
// it has not seen. F is the mean of FeesIn over the last MeanFeeBlocks blocks, or as many as there are, rounded down to
// a satoshi. Only blocks of this chain are kept, so that the cache never grows.
func (a *Accounts) updateMeanFees(ctx context.Context, t *bitcoin.Template) error {
	a.feesMu.Lock()
	defer a.feesMu.Unlock()
	if t.Previous == a.meanAt {
		return nil
	}
	var total money.Satoshi
	count := 0
	next := feesOf{}
	for hash := t.Previous; count < payout.MeanFeeBlocks && hash != (bitcoin.Hash{}); count++ {
		height := int(t.Height) - 1 - count
		if height == 0 {
			break // the genesis block pays nobody
		}
		block, ok := a.fees[hash]
		if !ok {
			var err error
			if block, err = a.feesOfBlock(ctx, hash, height); err != nil {
				return err
			}
		}
		next[hash] = block
		total += block.fees
		hash = block.previous
	}
	a.fees, a.meanAt = next, t.Previous
	if count > 0 {
		a.mean.Store(int64(total) / int64(count))
	}
	return nil
}

// KnowFees sees to it that F is known before the first job of a pool that has none to carry on from.
func (a *Accounts) KnowFees(ctx context.Context, t *bitcoin.Template) error {
	a.feesMu.Lock()
	asked := a.meanAt != (bitcoin.Hash{})
	a.feesMu.Unlock()
	a.mu.Lock()
	last := a.state.Height
	a.mu.Unlock()
	if a.mean.Load() > 0 && (asked || uint64(t.Height) <= last+payout.CarriedBlocks) {
		return nil // of the last job, or of the chain; renewed beside
	}
	return a.updateMeanFees(ctx, t)
}

// feesOfBlock asks every node; a block is what its hash says, whoever sends it.
func (a *Accounts) feesOfBlock(ctx context.Context, hash bitcoin.Hash, height int) (blockFees, error) {
	var block *wire.MsgBlock
	err := a.nodes.Each(func(node *bitcoin.Client) (err error) {
		block, err = node.RawBlock(ctx, hash)
		return err
	})
	if err != nil {
		return blockFees{}, err
	}
	return blockFees{payout.FeesIn(a.network, block, height), bitcoin.Hash(block.Header.PrevBlock)}, nil
}
