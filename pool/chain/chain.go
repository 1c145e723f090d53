// Package chain asks the Bitcoin nodes of a pool about the chain that it works on: every node, first the one that the
// pool follows.
//
// It may import bitcoin.
package chain

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/aqsha/aqsha/bitcoin"
)

// Nodes are a pool's nodes.
type Nodes struct {
	all      []*bitcoin.Client
	followed atomic.Pointer[bitcoin.Client]
}

// New makes them of clients, the first of which is preferred.
func New(nodes []*bitcoin.Client) *Nodes { return &Nodes{all: nodes} }

// All are the nodes, the preferred one first.
func (n *Nodes) All() []*bitcoin.Client { return n.all }

// Follow makes a node the one whose templates are worked on.
func (n *Nodes) Follow(node *bitcoin.Client) { n.followed.Store(node) }

// Followed is the node that follows the chain: the one whose templates are worked on. Nil without nodes.
func (n *Nodes) Followed() *bitcoin.Client {
	if node := n.followed.Load(); node != nil {
		return node
	}
	if len(n.all) > 0 {
		return n.all[0]
	}
	return nil
}

// errNoNode is for a pool that has none.
var errNoNode = errors.New("the pool has no node")

// Each asks one node after another until one answers, first the one whose templates are worked on.
func (n *Nodes) Each(ask func(*bitcoin.Client) error) error {
	followed := n.Followed()
	if followed == nil {
		return errNoNode
	}
	err := ask(followed)
	for _, node := range n.all {
		if err == nil {
			return nil
		}
		if node != followed {
			other := ask(node)
			if other == nil {
				return nil
			}
			err = errors.Join(err, fmt.Errorf("%s: %w", node.Endpoint(), other))
		}
	}
	return err
}

// Query asks about the chain that a template builds on. A node counts only if that is its own best
// chain: one that lags behind, or has died, says nothing about what is final and what an orphan.
func (n *Nodes) Query(ctx context.Context, t *bitcoin.Template,
	queries []bitcoin.Query) (node *bitcoin.Client, err error) {
	err = n.Each(func(one *bitcoin.Client) error {
		var tip bitcoin.Hash
		all := append([]bitcoin.Query{{Method: "getblockhash", Params: []any{t.Height - 1}, Result: &tip}}, queries...)
		if err := one.Batch(ctx, all); err != nil {
			return err
		}
		if all[0].Err != nil {
			return all[0].Err
		}
		if tip != t.Previous {
			return fmt.Errorf("block %d is %s there, work is on %s", t.Height-1, tip, t.Previous)
		}
		copy(queries, all[1:])
		node = one
		return nil
	})
	return node, err
}

// Height is that of the node that is followed.
func (n *Nodes) Height(ctx context.Context) (height uint64, err error) {
	err = n.Each(func(node *bitcoin.Client) error { return node.Call(ctx, &height, "getblockcount") })
	return height, err
}

// Tip is the tip of the node that is followed.
func (n *Nodes) Tip(ctx context.Context) (height uint64, hash bitcoin.Hash, err error) {
	err = n.Each(func(node *bitcoin.Client) error {
		if err := node.Call(ctx, &height, "getblockcount"); err != nil {
			return err
		}
		hash, err = node.HashAt(ctx, int(height))
		return err
	})
	return height, hash, err
}

const (
	// MaxReorganisation bounds how far a fork is looked for: two weeks of blocks.
	MaxReorganisation = 2016
	// Shallow is how far below its height a block's fork is taken to lie when a node has never seen the block: deeper
	// than any change of the chain so far since mining became a business.
	Shallow = 100
)

// ForkBelow is the height of the newest block that a node's chain, up to its tip, shares with that of a block at a
// height.
func ForkBelow(ctx context.Context, node *bitcoin.Client, hash bitcoin.Hash, height, tip uint64) (uint64, error) {
	for h := height; h > 0 && height-h < MaxReorganisation; h-- {
		if h <= tip {
			on, err := node.HashAt(ctx, int(h))
			if err != nil || on == hash {
				return h, err
			}
		}
		header, err := node.HeaderOf(ctx, hash)
		if bitcoin.NotFound(err) { // another node's block, which this one has never seen
			return max(h, Shallow) - Shallow, nil
		}
		if err != nil {
			return 0, err
		}
		hash = header.Previous
	}
	return max(height, MaxReorganisation) - MaxReorganisation, nil
}
