package cluster

import (
	"context"
	"sync/atomic"

	abci "github.com/cometbft/cometbft/abci/types"
	"github.com/cometbft/cometbft/mempool"
)

// Null is CometBFT with an application that does nothing, for measuring what agreeing alone costs: same engine, same
// settings, blocks of the same bytes.
type Null struct {
	abci.BaseApplication
	perBlock  int
	engine    *Engine
	committed atomic.Int64
	blocks    atomic.Int64
}

// StartNull runs a participant's engine with nothing to order. A block has at most so many transactions.
func (e *Engine) StartNull(perBlock int) (*Null, error) {
	n := &Null{perBlock: perBlock, engine: e}
	return n, e.run(n)
}

// Propose hands bytes to all.
func (n *Null) Propose(encoded []byte) error {
	return n.engine.comet.Load().Mempool().CheckTx(encoded, nil, mempool.TxInfo{})
}

// Waiting is how many transactions wait for a block.
func (n *Null) Waiting() int { return n.engine.comet.Load().Mempool().Size() }

// Committed counts what was in blocks that had anything, and those blocks.
func (n *Null) Committed() (transactions, blocks int64) { return n.committed.Load(), n.blocks.Load() }

// Query lets everybody connect.
func (n *Null) Query(context.Context, *abci.RequestQuery) (*abci.ResponseQuery, error) {
	return &abci.ResponseQuery{}, nil
}

// PrepareProposal takes what waits, up to a block.
func (n *Null) PrepareProposal(_ context.Context, r *abci.RequestPrepareProposal) (*abci.ResponsePrepareProposal,
	error) {
	return &abci.ResponsePrepareProposal{Txs: r.Txs[:min(len(r.Txs), n.perBlock)]}, nil
}

// FinalizeBlock counts.
func (n *Null) FinalizeBlock(_ context.Context, r *abci.RequestFinalizeBlock) (*abci.ResponseFinalizeBlock, error) {
	results := make([]*abci.ExecTxResult, len(r.Txs))
	for i := range results {
		results[i] = &abci.ExecTxResult{}
	}
	if len(r.Txs) > 0 {
		n.committed.Add(int64(len(r.Txs)))
		n.blocks.Add(1)
	}
	return &abci.ResponseFinalizeBlock{TxResults: results, AppHash: make([]byte, 32)}, nil
}
