package api

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/sse"

	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
)

// BlockView is a durable block without its transactions. It is public, as checkpoints are.
type BlockView struct {
	ledger.Leaf
	First uint64 `json:"first" doc:"index of its leaf in the log"`
	Size  uint64 `json:"size" doc:"of the log after it"`
	Root  string `json:"root" doc:"of the log after it"`
}

// BlockEntries are a block's entries, for those who may read all.
type BlockEntries struct {
	BlockView
	Entries []ledger.Entry `json:"entries"`
}

// registerBlocks serves blocks, one by one and as they come.
func (s *Server) registerBlocks() {
	huma.Register(s.api, operation("list-blocks", "/v1/blocks", "Blocks, the latest first", byAnybody),
		func(_ context.Context, in *struct {
			Before uint64 `query:"before" doc:"blocks below this height; absent for the latest"`
			Limit  int    `query:"limit" default:"20" minimum:"1" maximum:"500"`
		}) (*answer[[]BlockView], error) {
			return ok(s.blocks(in.Before, in.Limit))
		})
	huma.Register(s.api, operation("get-block", "/v1/blocks/{height}", "A block with its entries", byAuditors,
		http.StatusNotFound),
		func(ctx context.Context, in *struct {
			Height uint64 `path:"height"`
		}) (*answer[BlockEntries], error) {
			return ok(s.blockEntries(ctx, in.Height))
		})
	stream := operation("stream-blocks", "/v1/blocks/stream", "Blocks as they become durable (server-sent events)",
		byAnybody)
	stream.Description = "Each event's id is the block's height. Begins with the present block, or after " +
		"Last-Event-ID: what was missed comes first, also what was made while the node was away, without gap or " +
		"repetition. Browsers send that header by themselves when they connect again."
	stream.Middlewares = huma.Middlewares{s.notAhead(func() uint64 { return s.node.Head().Height }, "block")}
	sse.Register(s.api, stream, map[string]any{"block": BlockView{}}, s.stream)
}

// notAhead refuses a stream that is to go on after what this node does not have: whoever asks followed another ledger,
// or one that was restored to an earlier point, and would wait for ever. A follower may be behind the node that he
// heard it from.
func (s *Server) notAhead(last func() uint64, what string) func(ctx huma.Context, next func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		asked, err := strconv.ParseUint(ctx.Header("Last-Event-ID"), 10, 63)
		_, follows := s.node.FollowState()
		if has := last(); err == nil && asked > has && !follows && s.node.HeadKnown() {
			refuseStream(ctx, token.Errorf(token.OutOfRange, "Last-Event-ID", "the last %s here is %d, and you ask "+
				"for what comes after %d: is this the same network? Begin again without Last-Event-ID", what, has,
				asked))
			return
		}
		next(ctx)
	}
}

// refuseStream answers a stream's request with a problem.
func refuseStream(ctx huma.Context, err error) {
	p := problemOf(err)
	body, _ := json.Marshal(p)
	ctx.SetHeader("Content-Type", "application/problem+json")
	ctx.SetStatus(p.Status)
	_, _ = ctx.BodyWriter().Write(body)
}

// streamInput is where a stream goes on.
type streamInput struct {
	LastEventID string `header:"Last-Event-ID" pattern:"^[0-9]{1,18}$" doc:"height of the last block that was received"`
}

// blocks is a page, from the last block or a height down.
func (s *Server) blocks(before uint64, limit int) ([]BlockView, error) {
	height := s.node.Head().Height + 1
	if before != 0 && before < height {
		height = before
	}
	views := []BlockView{}
	for height > 0 && len(views) < limit {
		height--
		view, err := s.block(height)
		if err != nil {
			return nil, err
		}
		views = append(views, view)
	}
	return views, nil
}

// block is a block's head. What was read once is kept for a while: a durable block never changes. The lock is not held
// while the log is read: two who ask at once read twice, and put the same.
func (s *Server) block(height uint64) (view BlockView, err error) {
	if height > s.node.Head().Height {
		return view, token.Errorf(node.NotFound, "height", "the last block is %d", s.node.Head().Height)
	}
	s.shown.mu.Lock()
	view, known := s.shown.blocks.Get(height)
	s.shown.mu.Unlock()
	if known {
		return view, nil
	}
	info, err := s.node.Log().Batch(height)
	if err != nil {
		return view, err
	}
	e, _, err := s.node.Entry(info.FirstIndex)
	if err != nil {
		return view, err
	}
	leaf := *e.Leaf
	leaf.Genesis = nil
	view = BlockView{leaf, info.FirstIndex, info.Size(), info.Root.String()}
	s.shown.mu.Lock()
	s.shown.blocks.Put(height, view)
	s.shown.mu.Unlock()
	return view, nil
}

// blockText is a block as streams send it, encoded once for all of them.
func (s *Server) blockText(height uint64) ([]byte, error) {
	s.shown.mu.Lock()
	text, known := s.shown.texts.Get(height)
	s.shown.mu.Unlock()
	if known {
		return text, nil
	}
	view, err := s.block(height)
	if err != nil {
		return nil, err
	}
	if text, err = json.Marshal(view); err != nil {
		return nil, err
	}
	s.shown.mu.Lock()
	s.shown.texts.Put(height, text)
	s.shown.mu.Unlock()
	return text, nil
}

// blockEntries is a block with all that it did; its own leaf is not among the entries. The log's buffers are its own:
// each entry is copied before it is decoded.
func (s *Server) blockEntries(ctx context.Context, height uint64) (BlockEntries, error) {
	if err := mayReadAll(ctx); err != nil {
		return BlockEntries{}, err
	}
	view, err := s.block(height)
	if err != nil {
		return BlockEntries{}, err
	}
	full := BlockEntries{BlockView: view, Entries: []ledger.Entry{}}
	for data, err := range s.node.Log().Entries(view.First+1, view.Size) {
		if err != nil {
			return full, err
		}
		e, err := ledger.DecodeEntry(append([]byte(nil), data...))
		if err != nil {
			return full, err
		}
		full.Entries = append(full.Entries, e)
	}
	return full, nil
}

// stream sends every block from the present one on, or after the one that was received last, until the client or the
// server leaves. The log has all of them, so that nothing is kept for who may come back.
func (s *Server) stream(ctx context.Context, in *streamInput, send sse.Sender) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(s.streaming, cancel)()
	height := s.node.Head().Height
	if last, err := strconv.ParseUint(in.LastEventID, 10, 63); err == nil {
		height = last + 1
	}
	for {
		if err := s.node.WaitHeight(ctx, height); err != nil {
			return
		}
		for last := s.node.Head().Height; height <= last; height++ {
			view, err := s.block(height)
			if err != nil {
				return
			}
			hold(ctx, height < last && height%streamTogether != 0)
			if err := send(sse.Message{ID: int(height), Data: view}); err != nil {
				return
			}
		}
		select {
		case <-time.After(blocksPause):
		case <-ctx.Done():
			return
		}
	}
}

// streamTogether is how many blocks go out together at most.
const streamTogether = 64
