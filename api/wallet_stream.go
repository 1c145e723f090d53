package api

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/sse"

	"github.com/aqsha/aqsha/token"
)

// streamPause is the least time between two looks at a wallet that is watched: blocks can be many a second, and most do
// not touch it. streamLines is how many lines are read at a time.
const (
	streamPause = 200 * time.Millisecond
	streamLines = 100
)

type walletStreamInput struct {
	ID          token.WalletID `path:"id"`
	LastEventID string         `header:"Last-Event-ID" pattern:"^[0-9]{1,18}$" doc:"index of the last entry that was received; absent begins with what comes from now on"`
}

// registerWalletStream serves what touches a wallet. Whether the caller may read it is decided before the stream
// begins.
func (s *Server) registerWalletStream() {
	operation := operation("stream-wallet", "/v1/wallets/{id}/stream",
		"What touches a wallet, as it becomes durable (server-sent events)", byWallet, http.StatusNotFound)
	operation.Description =
		"Each event's id is the index of the entry. After Last-Event-ID what was missed comes first."
	operation.Middlewares = huma.Middlewares{func(ctx huma.Context, next func(huma.Context)) {
		var id token.WalletID
		err := id.UnmarshalText([]byte(ctx.Param("id")))
		if err == nil {
			_, err = s.wallet(ctx.Context(), id, 0)
		}
		if err != nil {
			refuseStream(ctx, err)
			return
		}
		next(ctx)
	}, s.notAhead(func() uint64 { return s.node.Head().Size - 1 }, "entry")}
	sse.Register(s.api, operation, map[string]any{"entry": HistoryLine{}}, s.streamWallet)
}

// streamWallet sends what touches a wallet until the client, the server or the caller's right to read it ends. The
// height is read before the lines: a block that comes in between is seen at the next turn, and never missed. A pause
// after each look gathers what a busy wallet gets.
func (s *Server) streamWallet(ctx context.Context, in *walletStreamInput, send sse.Sender) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(s.streaming, cancel)()
	last, err := strconv.ParseUint(in.LastEventID, 10, 63)
	if err != nil {
		last = s.node.Head().Size - 1
	}
	for height := s.node.Head().Height; ; height = s.node.Head().Height {
		lines, err := s.linesAfter(ctx, in.ID, last)
		if err != nil {
			return
		}
		for _, line := range lines {
			if err := send(sse.Message{ID: int(line.Index), Data: filled(line)}); err != nil {
				return
			}
			last = line.Index
		}
		if err := s.node.WaitHeight(ctx, height+1); err != nil {
			return
		}
		select {
		case <-time.After(streamPause):
		case <-ctx.Done():
			return
		}
	}
}

// linesAfter are the lines of a wallet's history after an entry, the earliest first. The history is read backwards, a
// page at a time, as far as that entry.
func (s *Server) linesAfter(ctx context.Context, id token.WalletID, last uint64) (lines []HistoryLine, err error) {
	for before := uint64(0); ; {
		h, err := s.history(ctx, id, 0, before, streamLines)
		if err != nil {
			return nil, err
		}
		for _, line := range h.Lines {
			if line.Index <= last {
				slices.Reverse(lines)
				return lines, nil
			}
			lines = append(lines, line)
		}
		if before = h.Next; before == 0 {
			slices.Reverse(lines)
			return lines, nil
		}
	}
}
