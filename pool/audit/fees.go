package audit

import (
	"context"
	"fmt"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/pool/payout"
	"github.com/aqsha/aqsha/pool/sharelog"
)

// meanClaim is the F of FPPS that jobs of one block, or several, were given.
type meanClaim struct {
	entry      uint64 // of the first such job
	timeMillis int64
	height     uint64 // of the block that it is for
	previous   bitcoin.Hash
	mean       money.Satoshi
}

func (a *Auditor) claimMean(index uint64, j *sharelog.Job) {
	if n := len(a.means); n > 0 && a.means[n-1].previous == j.Previous && a.means[n-1].mean == j.MeanFees {
		return
	}
	a.means = append(a.means, meanClaim{index, j.TimeMillis, j.Height, j.Previous, j.MeanFees})
}

// meanLag is how long a pool may take to renew F after a block, milliseconds: jobs do not wait for it.
const meanLag = 10_000

// checkMeans holds F of each job against the chain: the mean of the blocks before it, or before one that came so
// shortly before that F was not renewed yet, or before what an earlier run carried on from.
func (a *Auditor) checkMeans(ctx context.Context, network bitcoin.Network, node *bitcoin.Client) error {
	fees := chainFees{network: network, node: node, known: map[int]money.Satoshi{}}
	for i, claim := range a.means {
		tip := int(claim.height) - 1
		hash, err := node.HashAt(ctx, tip)
		if err != nil && !bitcoin.BeyondTip(err) {
			return err // no answer acquits nobody either
		}
		if err != nil || hash != claim.previous {
			continue // its tip has left the chain
		}
		oldest := tip
		for j := i - 1; j >= 0; j-- {
			oldest = min(oldest, int(a.means[j].height)-1)
			if claim.timeMillis-a.means[j].timeMillis > meanLag {
				break
			}
		}
		right, err := fees.mean(ctx, tip)
		if err != nil {
			return err
		}
		found := right == claim.mean
		for at := tip - 1; !found && at >= max(oldest-payout.CarriedBlocks, 1); at-- {
			mean, err := fees.mean(ctx, at)
			if err != nil {
				return err
			}
			found = mean == claim.mean
		}
		if !found {
			a.convict(claim.entry, "mean fees", fmt.Sprintf("%d satoshi", claim.mean),
				fmt.Sprintf("the %d blocks before paid %d on average", min(tip, payout.MeanFeeBlocks), right))
		}
	}
	return nil
}

// chainFees are the fees of a chain's blocks by height.
type chainFees struct {
	network bitcoin.Network
	node    *bitcoin.Client
	known   map[int]money.Satoshi
}

// of is what a block of the chain paid in fees, read once.
func (c *chainFees) of(ctx context.Context, height int) (money.Satoshi, error) {
	if fees, ok := c.known[height]; ok {
		return fees, nil
	}
	hash, err := c.node.HashAt(ctx, height)
	if err != nil {
		return 0, err
	}
	block, err := c.node.RawBlock(ctx, hash)
	if err != nil {
		return 0, err
	}
	c.known[height] = payout.FeesIn(c.network, block, height)
	return c.known[height], nil
}

// mean is F of the block that follows a tip.
func (c *chainFees) mean(ctx context.Context, tip int) (money.Satoshi, error) {
	var total money.Satoshi
	count := min(tip, payout.MeanFeeBlocks)
	for height := tip; height > tip-count; height-- {
		fees, err := c.of(ctx, height)
		if err != nil {
			return 0, err
		}
		total += fees
	}
	if count == 0 {
		return 0, nil
	}
	return total / money.Satoshi(count), nil
}
