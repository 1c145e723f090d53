package accounts

import (
	"context"
	"time"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/pool/accounting"
	"github.com/aqsha/aqsha/pool/sharelog"
)

// orphanPatience keeps a block that the node does not have on its best chain from being called an orphan while it is
// still being submitted. An orphan reverses what its block has credited, so one that is called so by mistake would show
// for a moment in everybody's account.
const orphanPatience = 3 * time.Second

// checkBlocks asks the node, at each new tip, about blocks that are not final, and logs what has
// changed. An orphan may return to the best chain, so it is watched as long as the others.
func (a *Accounts) checkBlocks(ctx context.Context, t *bitcoin.Template) {
	if t.Previous == a.checkedAt {
		return
	}
	tip := int64(t.Height) - 1
	open, young := a.openBlocks(tip)
	hashes := make([]bitcoin.Hash, len(open))
	queries := make([]bitcoin.Query, len(open))
	for i, b := range open {
		queries[i] = bitcoin.Query{Method: "getblockhash", Params: []any{b.Height}, Result: &hashes[i]}
	}
	if _, err := a.nodes.Query(ctx, t, queries); err != nil {
		return // the next second asks again
	}
	for i, b := range open {
		if queries[i].Err != nil {
			young = true // above the tip of a node that lags, or the chain has become shorter
			continue
		}
		onChain, depth := hashes[i] == b.Hash, tip-int64(b.Height)+1
		var status uint64
		switch {
		case !onChain && b.Status != sharelog.StatusOrphaned:
			status = sharelog.StatusOrphaned
		case onChain && b.Status == sharelog.StatusOrphaned:
			status = sharelog.StatusRestored
		case onChain && depth > accounting.FinalConfirmations && b.Status == 0:
			status = sharelog.StatusConfirmed
		default:
			continue
		}
		a.logger.Info("block", "hash", b.Hash, "height", b.Height, "status",
			[...]string{"", "final", "orphaned", "restored"}[status])
		a.writer.Record(&sharelog.Status{TimeMillis: time.Now().UnixMilli(), Hash: b.Hash, Status: status})
	}
	// What was just logged is applied before the next look, or would be logged twice.
	if a.writer.Flush(ctx) != nil {
		return
	}
	if !young {
		a.checkedAt = t.Previous
	}
}

// openBlocks are those that are not final, up to a height, and whether some are so young that they
// may still be on their way to the node.
func (a *Accounts) openBlocks(tip int64) (open []accounting.Block, young bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, b := range a.state.Blocks {
		switch {
		case b.Status == sharelog.StatusConfirmed:
		case b.Status == sharelog.StatusOrphaned && tip > int64(b.Height)+2*accounting.FinalConfirmations:
			// for good, see buried
		case int64(b.Height) > tip || time.Since(time.UnixMilli(b.Entry.TimeMillis)) < orphanPatience:
			young = true
		default:
			open = append(open, *b)
		}
	}
	return open, young
}
