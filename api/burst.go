package api

import (
	"context"
	"net/http"
	"sync/atomic"
	"time"
)

// burst is a stream's writer that lets several events go out together: hundreds of blocks a second, each sent to many
// by itself, would take the processor from payments.
type burst struct {
	http.ResponseWriter
	held atomic.Bool
}

type burstKey struct{}

// Flush sends what was written, unless more is about to be.
func (b *burst) Flush() {
	if !b.held.Load() {
		_ = http.NewResponseController(b.ResponseWriter).Flush()
	}
}

// Unwrap is for http.ResponseController.
func (b *burst) Unwrap() http.ResponseWriter { return b.ResponseWriter }

// hold says whether more is about to be written.
func hold(ctx context.Context, more bool) {
	if b, ok := ctx.Value(burstKey{}).(*burst); ok {
		b.held.Store(more)
	}
}

// bursts gives streams such a writer.
func bursts(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if isStream(r) && r.URL.Path != "/v1/feed" {
			b := &burst{ResponseWriter: w}
			w, r = b, r.WithContext(context.WithValue(r.Context(), burstKey{}, b))
		}
		next.ServeHTTP(w, r)
	})
}

// blocksPause is the least time between two looks for new blocks of a stream.
const blocksPause = 100 * time.Millisecond

// keptBlocks is how many blocks are kept as they are shown: streams show the same ones.
const keptBlocks = 1024
