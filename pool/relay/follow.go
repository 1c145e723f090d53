package relay

import (
	"context"
	"net"
	"slices"
	"time"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/bitcoin/peer"
)

const (
	lookEvery = time.Second
	// finalDepth is when a block's coins can be spent (consensus); deeper reorganisations are nobody's plan.
	finalDepth = 100
	// lostDepth is how far the chain must be past a block that is not on it before it is given up.
	lostDepth = 100
)

// peerOf is a node's peer-to-peer address: its host at the network's usual port.
func (r *Relay) peerOf(node *bitcoin.Client) string {
	host := node.Host()
	if host == "" {
		return ""
	}
	return net.JoinHostPort(host, r.options.Network.Params.DefaultPort)
}

// toPeer sends a block over the peer-to-peer protocol, unless the same address is one of Peers,
// which get it anyway.
func (r *Relay) toPeer(b *Block, address string) {
	if address == "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), peerTimeout)
	defer cancel()
	raw, err := r.raw(b)
	if err == nil {
		err = peer.Send(ctx, address, r.options.Network, raw)
	}
	if err != nil {
		r.options.Logger.Warn("block not sent to the peer", "peer", address, "hash", b.Hash, "error", err)
		return
	}
	r.options.Logger.Info("block sent", "peer", address, "hash", b.Hash, "height", b.Height)
	r.took(b)
}

// Run looks after blocks until ctx ends: each second while some are new, and at each new tip.
func (r *Relay) Run(ctx context.Context) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	tips := make([]bitcoin.Hash, len(r.options.Nodes))
	looked := make([]time.Time, len(r.options.Nodes))
	busy := make([]chan struct{}, len(r.options.Nodes))
	for i := range busy {
		busy[i] = make(chan struct{}, 1)
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		blocks := r.open()
		r.alarm(blocks)
		if len(blocks) == 0 {
			continue
		}
		// A node that hangs keeps nobody from asking the others.
		for i, node := range r.options.Nodes {
			select {
			case busy[i] <- struct{}{}:
				go func() {
					defer func() { <-busy[i] }()
					r.look(ctx, node, blocks, &tips[i], &looked[i])
				}()
			default:
			}
		}
	}
}

// open lists the blocks that are neither final nor lost, oldest first.
func (r *Relay) open() []*Block {
	r.mu.Lock()
	defer r.mu.Unlock()
	var blocks []*Block
	for hash, b := range r.blocks {
		if b.written && b.taken {
			b.Raw = nil // a hundred full blocks are 400 MB
		}
		if b.settled {
			if err := r.journal.remove(b); err != nil {
				r.options.Logger.Warn("the file of a block that is final stays", "hash", hash, "error", err)
			}
			delete(r.blocks, hash)
			r.order = slices.DeleteFunc(r.order, func(one *Block) bool { return one == b })
			continue
		}
		blocks = append(blocks, b)
	}
	slices.SortFunc(blocks, func(a, b *Block) int { return int(int64(a.Height) - int64(b.Height)) })
	return blocks
}

// alarm tells the operator of a block that no node has.
func (r *Relay) alarm(blocks []*Block) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, b := range blocks {
		if !b.taken && !b.alarmed && b.overdue() {
			b.alarmed = true
			r.options.Logger.Error("ALARM: no node is known to have the block; it is handed over again until one has",
				"hash", b.Hash, "height", b.Height, "file", r.journal.path(b))
		}
	}
}

// again is how often old blocks are looked at while the tip stays.
const again = 30 * time.Second

// look asks one node about all open blocks and hands over those that it does not have. Parents go
// before children, which a node does not take without them.
func (r *Relay) look(ctx context.Context, node *bitcoin.Client, blocks []*Block, lastTip *bitcoin.Hash,
	looked *time.Time) {
	ctx, cancel := context.WithTimeout(ctx, attemptTime)
	defer cancel()
	tip, err := node.Tip(ctx)
	if err != nil {
		return // Send's own attempts or the next look find it again
	}
	quick := tip == *lastTip && time.Since(*looked) < again
	if !quick {
		*lastTip, *looked = tip, time.Now()
	}
	height, _, err := node.Position(ctx, tip)
	if err != nil {
		return
	}
	for _, b := range blocks {
		if quick && r.isTaken(b) && time.Since(b.Found) > again {
			continue
		}
		if err := r.lookAt(ctx, node, b, tip, height); err != nil {
			return
		}
	}
}

// lookAt asks a node about one block and acts on the answer. An error is the node's, and ends its round.
func (r *Relay) lookAt(ctx context.Context, node *bitcoin.Client, b *Block, tip bitcoin.Hash, height int) error {
	if time.Since(b.Found) < 2*lookEvery {
		return nil // Send is at it
	}
	_, confirmations, err := node.Position(ctx, b.Hash)
	switch {
	case bitcoin.NotFound(err):
		r.lacks(b)
		if height > int(b.Height)+lostDepth {
			r.settle(b, "lost") // nobody builds on it any more
			return nil
		}
		if !r.due(b) {
			return nil
		}
		r.options.Logger.Warn("node does not have the pool's block; handing it over again", "node", node.Endpoint(),
			"hash", b.Hash, "height", b.Height)
		verdict, ok := r.submit(ctx, node, b)
		if ok && verdict != bitcoin.Rejected {
			r.took(b)
		} else if tip == b.Previous {
			r.refused(b)
		}
	case err != nil:
		return err
	case confirmations > finalDepth:
		r.settle(b, "final")
	case confirmations < 0 && height > int(b.Height)+lostDepth:
		r.settle(b, "lost")
	case confirmations < 0 && tip == b.Previous:
		// It was declared invalid, or the chain was put back: the parent is the tip again, and the
		// block's own coming back cannot be relied on.
		r.refused(b)
		if r.due(b) {
			_, _ = r.submit(ctx, node, b)
		}
	default:
		r.took(b)
	}
	return nil
}

// lacks notes that a node does not have a block.
func (r *Relay) lacks(b *Block) {
	r.mu.Lock()
	defer r.mu.Unlock()
	b.missing = true
}

// due says whether a block's next round has come, and puts off the one after: longer each time. 1 s, 2 s, 4 s and so
// on, up to longestWait.
func (r *Relay) due(b *Block) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	if now.Before(b.next) {
		return false
	}
	b.next = now.Add(min(time.Second<<min(b.tries, 10), longestWait))
	b.tries++
	return true
}

// settle ends the care for a block; its file goes with the next round (open).
func (r *Relay) settle(b *Block, how string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !b.settled {
		b.settled, b.taken = true, true
		r.options.Logger.Info("block needs no more care", "hash", b.Hash, "height", b.Height, "outcome", how)
	}
}
