package pool

import (
	"context"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/money"
	"github.com/btcsuite/btcd/wire/v2"
)

// meanFeeBlocks is how many blocks FPPS averages fees over: about a day.
const meanFeeBlocks = 144

// blockFees is what a block has paid in fees, and its parent.
type blockFees struct {
	fees     money.Satoshi
	previous bitcoin.Hash
}

// feesOf caches blocks' fees. Blocks do not change, so neither does it.
type feesOf map[bitcoin.Hash]blockFees

// updateMeanFees refreshes F for the block that a template is for. It walks back from the tip and asks
// only for blocks it has not seen.
func (a *Accounts) updateMeanFees(ctx context.Context, p *Pool, t *bitcoin.Template) error {
	a.feesMu.Lock()
	defer a.feesMu.Unlock()
	if t.Previous == a.meanAt {
		return nil
	}
	var total money.Satoshi
	count := 0
	next := feesOf{}
	for hash := t.Previous; count < meanFeeBlocks && hash != (bitcoin.Hash{}); count++ {
		height := int(t.Height) - 1 - count
		if height == 0 {
			break // the genesis block pays nobody
		}
		block, ok := a.fees[hash]
		if !ok {
			var err error
			if block, err = p.feesOfBlock(ctx, hash, height); err != nil {
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

// carriedBlocks is how many blocks may have come since the last job of an earlier run whose F is carried on.
const carriedBlocks = 6

// knowFees sees to it that F is known before the first job of a pool that has none to carry on from.
func (a *Accounts) knowFees(ctx context.Context, p *Pool, t *bitcoin.Template) error {
	a.feesMu.Lock()
	asked := a.meanAt != (bitcoin.Hash{})
	a.feesMu.Unlock()
	a.mu.Lock()
	last := a.state.Height
	a.mu.Unlock()
	if a.mean.Load() > 0 && (asked || uint64(t.Height) <= last+carriedBlocks) {
		return nil // of the last job, or of the chain; renewed beside
	}
	return a.updateMeanFees(ctx, p, t)
}

// feesOfBlock asks every node; a block is what its hash says, whoever sends it.
func (p *Pool) feesOfBlock(ctx context.Context, hash bitcoin.Hash, height int) (blockFees, error) {
	var block *wire.MsgBlock
	err := p.eachNode(func(node *bitcoin.Client) (err error) {
		block, err = node.RawBlock(ctx, hash)
		return err
	})
	if err != nil {
		return blockFees{}, err
	}
	return blockFees{feesIn(p.network, block, height), bitcoin.Hash(block.Header.PrevBlock)}, nil
}

// feesIn is what a block's coinbase takes beyond the subsidy; a miner may claim less than it could.
func feesIn(network bitcoin.Network, block *wire.MsgBlock, height int) money.Satoshi {
	fees := -Subsidy(network, height)
	for _, out := range block.Transactions[0].TxOut {
		fees += money.Satoshi(out.Value)
	}
	return max(fees, 0)
}

// Subsidy is what a block of a height may issue: 50 BTC, halved each interval of the network.
func Subsidy(network bitcoin.Network, height int) money.Satoshi {
	halvings := height / int(network.Params.SubsidyReductionInterval)
	if halvings >= 63 {
		return 0
	}
	return 50 * money.Bitcoin >> halvings
}
