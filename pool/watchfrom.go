package pool

import (
	"context"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/bitcoin/wallet"
	"github.com/aqsha/aqsha/pool/accounting"
)

// Where the chain is read from for a payment. A payment is mined above the tip that it was intended on, as long as the
// chain keeps that block. When the chain becomes another, it may be mined at that height or below it: then all that is
// new in the chain is read, from where it has left the one of that tip.

// shallow is how far below its height a payment is looked for whose tip is not known, or is no block that the node
// knows: deeper than any change of the chain so far since mining became a business.
const shallow = 100

// searchFrom is the first height at which a payment may be found in a node's chain.
func searchFrom(ctx context.Context, node *bitcoin.Client, open *accounting.Payment, drafts []*wallet.Draft, tip uint64) (uint64, error) {
	first := tip + 1 - min(tip+1, unknownAge)
	if len(open.Sent) > 0 {
		first = open.Sent[0].Height + 1
	}
	if len(drafts) > 0 && drafts[0].Height > 0 {
		first = min(first, drafts[0].Height+1)
		if drafts[0].Tip != (bitcoin.Hash{}) {
			fork, err := forkBelow(ctx, node, drafts[0].Tip, drafts[0].Height, tip)
			return min(first, fork+1), err
		}
	}
	return max(first, shallow+1) - shallow, nil
}

// forkBelow is the height of the newest block that a node's chain, up to its tip, shares with that of a block at a height.
func forkBelow(ctx context.Context, node *bitcoin.Client, hash bitcoin.Hash, height, tip uint64) (uint64, error) {
	for h := height; h > 0 && height-h < unknownAge; h-- {
		if h <= tip {
			on, err := node.HashAt(ctx, int(h))
			if err != nil || on == hash {
				return h, err
			}
		}
		header, err := node.HeaderOf(ctx, hash)
		if bitcoin.NotFound(err) { // another node's block, which this one has never seen
			return max(h, shallow) - shallow, nil
		}
		if err != nil {
			return 0, err
		}
		hash = header.Previous
	}
	return max(height, unknownAge) - unknownAge, nil
}

// follow begins anew where the chain is not the one any more that was read, or is to be read from further down.
func (at *sighting) follow(ctx context.Context, node *bitcoin.Client, first, tip uint64) error {
	if at.last == (bitcoin.Hash{}) || first < at.first {
		at.restart(first)
		return nil
	}
	hash, err := node.HashAt(ctx, int(at.next-1))
	if err != nil && !bitcoin.NotFound(err) && at.next-1 <= tip {
		return err
	}
	if err != nil || hash != at.last {
		at.restart(first)
	}
	return nil
}

// restart forgets what was read.
func (at *sighting) restart(first uint64) {
	*at = sighting{first: first, next: first, bumped: at.bumped}
}

// chainHeight is that of the node that is followed.
func (p *Pool) chainHeight(ctx context.Context) (height uint64, err error) {
	err = p.eachNode(func(node *bitcoin.Client) error { return node.Call(ctx, &height, "getblockcount") })
	return height, err
}

// chainTip is the tip of the node that is followed.
func (p *Pool) chainTip(ctx context.Context) (height uint64, hash bitcoin.Hash, err error) {
	err = p.eachNode(func(node *bitcoin.Client) error {
		if err := node.Call(ctx, &height, "getblockcount"); err != nil {
			return err
		}
		hash, err = node.HashAt(ctx, int(height))
		return err
	})
	return height, hash, err
}
