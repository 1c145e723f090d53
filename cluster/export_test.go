package cluster

import (
	abci "github.com/cometbft/cometbft/abci/types"

	"github.com/aqsha/aqsha/token"
)

// Lie has a validator that is not started yet answer its engine otherwise than an honest one.
func Lie(e *Engine, how func(abci.Application) abci.Application) { e.wrap = how }

// BatchOf is transactions as a batch of a block.
func BatchOf(txs ...*token.Transaction) []byte {
	return encodeBatch(digest{}, len(txs), func(i int) *token.Transaction { return txs[i] })
}
