package payments

import (
	"context"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/bitcoin/wallet"
	"github.com/aqsha/aqsha/pool/accounting"
	"github.com/aqsha/aqsha/pool/chain"
)

// Where the chain is read from for a payment. A payment is mined above the tip that it was intended on, as long as the
// chain keeps that block. When the chain becomes another, it may be mined at that height or below it: then all that is
// new in the chain is read, from where it has left the one of that tip.

// searchFrom is the first height at which a payment may be found in a node's chain.
func searchFrom(ctx context.Context, node *bitcoin.Client, open *accounting.Payment, drafts []*wallet.Draft,
	tip uint64) (uint64, error) {
	first := tip + 1 - min(tip+1, unknownAge)
	if len(open.Sent) > 0 {
		first = open.Sent[0].Height + 1
	}
	if len(drafts) > 0 && drafts[0].Height > 0 {
		first = min(first, drafts[0].Height+1)
		if drafts[0].Tip != (bitcoin.Hash{}) {
			fork, err := chain.ForkBelow(ctx, node, drafts[0].Tip, drafts[0].Height, tip)
			return min(first, fork+1), err
		}
	}
	return max(first, chain.Shallow+1) - chain.Shallow, nil
}

// follow begins anew where the chain is not the one any more that was read, or is to be read from further down. One
// hash says it: who has the last block has all that were read before it.
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
