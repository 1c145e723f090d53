package pool

import (
	"context"
	"errors"
	"fmt"

	"github.com/aqsha/aqsha/bitcoin"
)

// errNoNode is for a pool that has none.
var errNoNode = errors.New("the pool has no node")

// eachNode asks one node after another until one answers, first the one whose templates are worked on.
func (p *Pool) eachNode(ask func(*bitcoin.Client) error) error {
	followed := p.chainNode()
	if followed == nil {
		return errNoNode
	}
	err := ask(followed)
	for _, node := range p.nodes {
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

// askChain asks about the chain that a template builds on. A node counts only if that is its own best
// chain: one that lags behind, or has died, says nothing about what is final and what an orphan.
func (p *Pool) askChain(ctx context.Context, t *bitcoin.Template, queries []bitcoin.Query) (node *bitcoin.Client, err error) {
	err = p.eachNode(func(one *bitcoin.Client) error {
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
