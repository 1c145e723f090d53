package pool

import (
	"context"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/money"
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

// updateMeanFees refreshes F for the block that is being mined. It walks back from the tip and asks
// only for blocks it has not seen.
func (a *Accounts) updateMeanFees(ctx context.Context, p *Pool) {
	current := p.current.Load()
	if current == nil || current.template.Previous == a.meanAt {
		return
	}
	if a.fees == nil {
		a.fees = feesOf{}
	}
	var total money.Satoshi
	count := 0
	next := feesOf{}
	for hash := current.template.Previous; count < meanFeeBlocks && hash != (bitcoin.Hash{}); count++ {
		height := int(current.template.Height) - 1 - count
		if height == 0 {
			break // the genesis block pays nobody
		}
		block, ok := a.fees[hash]
		if !ok {
			var err error
			if block, err = feesOfBlock(ctx, p, hash, height); err != nil {
				p.logger.Warn("fees of the last blocks are not known", "error", err)
				return
			}
		}
		next[hash] = block
		total += block.fees
		hash = block.previous
	}
	a.fees, a.meanAt = next, current.template.Previous
	if count > 0 {
		a.mean.Store(int64(total) / int64(count))
	}
}

func feesOfBlock(ctx context.Context, p *Pool, hash bitcoin.Hash, height int) (blockFees, error) {
	block, err := p.chainNode().Block(ctx, p.network, hash.String())
	if err != nil {
		return blockFees{}, err
	}
	fees := block.Issued - Subsidy(p.network, height)
	return blockFees{max(fees, 0), block.Previous}, nil // a miner may claim less than it could
}

// Subsidy is what a block of a height may issue: 50 BTC, halved each interval of the network.
func Subsidy(network bitcoin.Network, height int) money.Satoshi {
	halvings := height / int(network.Params.SubsidyReductionInterval)
	if halvings >= 63 {
		return 0
	}
	return 50 * money.Bitcoin >> halvings
}
