package node

import (
	"context"
	"errors"
	"time"

	"github.com/aqsha/aqsha/token"
)

// readBound is how long a read waits for what it saw to be acknowledged, or stored: a leader whose followers are not
// there would hold it for ever.
const readBound = 10 * time.Second

// waitShown is WaitHeight for a read.
func (n *Node) waitShown(ctx context.Context, height uint64) error {
	if by := n.fencing.replacedBy.Load(); by != nil && by.Size < n.durable.Load().Size {
		return n.leftBehind(by)
	}
	return n.unshown(n.bounded(ctx, NotYet, func(ctx context.Context) error { return n.WaitHeight(ctx, height) }))
}

// waitToPay is WaitHeight for who chooses what he pays with.
func (n *Node) waitToPay(ctx context.Context, height uint64) error {
	err := n.bounded(ctx, NotYet, func(ctx context.Context) error { return n.WaitHeight(ctx, height) })
	if codeIs(err, NotYet) {
		return n.busy("the payments before this one are not acknowledged, or not stored, yet")
	}
	return err
}

// LookupRead is Lookup for who only asks. Who sends a transaction again waits as long as he likes for its answer.
func (n *Node) LookupRead(ctx context.Context, id token.TransactionID) (receipt Receipt, found bool, err error) {
	err = n.bounded(ctx, Unacknowledged, func(ctx context.Context) (err error) {
		receipt, found, err = n.Lookup(ctx, id)
		return err
	})
	if by := n.fencing.replacedBy.Load(); err == nil && found && by != nil && receipt.Index >= by.Size {
		err = n.leftBehind(by)
	}
	return receipt, found, n.unshown(err)
}

// leftBehind is why a replaced leader shows nothing of what it has beyond its successor's fence: that one never had it.
func (n *Node) leftBehind(by *Fence) error {
	return refuse(NotShown, "", "this node was replaced as the leader: what it would show goes on beyond entry %d, "+
		"where the leader of epoch %d began. Read at the node that leads now (aqsha status names it), and restore "+
		"this one from it (aqsha restore URL)",
		by.Size, by.Epoch)
}

// unshown says of a read what a node that writes no more says of a payment: what it saw is not acknowledged, or not
// stored, and this node will not hear that it is.
func (n *Node) unshown(err error) error {
	if by := n.fencing.replacedBy.Load(); by != nil && codeIs(err, Fenced) {
		return n.leftBehind(by)
	}
	if codeIs(err, Fenced) || codeIs(err, FenceConflict) || codeIs(err, WriteFailed) {
		var e *token.Error
		errors.As(err, &e)
		return refuse(NotShown, "", "what this would show is not acknowledged, or not stored, and this node writes "+
			"no more (%s): read at the node that leads", e.Detail)
	}
	return err
}

// bounded gives a wait of a read its end, with a code and what it waits for. Who gave it less time has his own.
func (n *Node) bounded(ctx context.Context, code token.Code, wait func(ctx context.Context) error) error {
	waiting, cancel := context.WithTimeout(ctx, n.config.ReadBound)
	defer cancel()
	err := wait(waiting)
	if err == nil || !errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil {
		return err
	}
	if connected, acks, waits := n.AwaitedFollowers(); waits || len(n.Unheard()) > 0 {
		return refuse(code, "", "what this would show waits for followers, of which %d are here and %d must have it: "+
			"start them, or ask again later", connected, acks)
	}
	return refuse(code, "", "what this would show is not acknowledged, or not stored, after %s: ask again",
		n.config.ReadBound)
}
