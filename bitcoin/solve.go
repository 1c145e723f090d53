package bitcoin

import (
	"context"
	"fmt"
)

// MineBlocks extends a development network by n blocks that pay a script, one nonce after
// another on one core. It is for easy targets only: above difficulty 1 it refuses. With an error it returns the blocks
// that were mined before it, which are on the chain.
func (c *Client) MineBlocks(ctx context.Context, n int, script []byte) ([]Hash, error) {
	var mined []Hash
	for range n {
		template, err := c.Template(ctx)
		if err != nil {
			return mined, err
		}
		if template.Target.Difficulty() > 1 {
			return mined, fmt.Errorf("difficulty %.4g is not a development network's", template.Target.Difficulty())
		}
		block, hash, err := template.Solve(ctx, script, []byte("aqsha"))
		if err != nil {
			return mined, err
		}
		verdict, reason, err := c.Submit(ctx, block)
		if err != nil {
			return mined, err
		}
		if verdict != Accepted {
			return mined, fmt.Errorf("block %s %s: %s", hash, verdict, reason)
		}
		mined = append(mined, hash)
	}
	return mined, nil
}

// Solve builds a block that pays script and tries nonces until its target is met. Without an extranonce there are 2^32
// headers and no more: enough at difficulty 1 in about two of three cases, and always on a development network.
func (t *Template) Solve(ctx context.Context, script, tag []byte) ([]byte, Hash, error) {
	parts, err := Coinbase{
		Height: t.Height, Aux: t.CoinbaseAux, Tag: tag,
		Outputs: []Output{{t.CoinbaseValue, script}}, Commitment: t.CommitmentScript(),
	}.Parts()
	if err != nil {
		return nil, Hash{}, err
	}
	filled := parts.Fill(nil)
	header := Header{
		Version: t.Version, Previous: t.Previous, MerkleRoot: RootOf(HashOf(filled), t.Branch),
		Time: max(t.CurTime, t.MinTime), Bits: t.Bits,
	}
	for nonce := uint32(0); ; nonce++ {
		header.Nonce = nonce
		if hash := header.Hash(); t.Target.Met(hash) {
			return t.Block(header, parts.WithWitness(filled)), hash, nil
		}
		if nonce == 1<<32-1 {
			return nil, Hash{}, fmt.Errorf("no nonce solves the template at height %d", t.Height)
		}
		if nonce%(1<<16) == 0 && ctx.Err() != nil {
			return nil, Hash{}, ctx.Err()
		}
	}
}
