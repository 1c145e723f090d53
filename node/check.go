package node

import (
	"context"

	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/livestate"
	"github.com/aqsha/aqsha/token"
)

// Check says whether a payment would be executed now, whoever has signed it, and why not. Nothing happens by it; while
// it is looked at it takes a place of its sender's share, as a payment does. Who may ask for whom is for the caller to
// see to.
func (n *Node) Check(ctx context.Context, sender Sender, tx *token.Transaction) error {
	if err := n.Err(); err != nil {
		return err
	}
	place, waiting := n.ingest.Reserve(sender.Source, 1)
	defer n.ingest.Done(place)
	if place.N == 0 {
		return refuse(Overloaded, "", "%d transactions wait already", waiting)
	}
	var refused *token.Error
	err := n.View(ctx, func(state *livestate.State, head Head) {
		refused = ledger.Check(n.network, state, head.Height+1, max(n.Clock().TimeMillis, head.TimeMillis), tx)
	})
	if err == nil && refused != nil {
		return refused
	}
	return err
}
