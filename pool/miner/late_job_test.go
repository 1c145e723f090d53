package miner

import (
	"context"
	"testing"
	"time"
)

// A job that comes in the moment of the end is not begun: an engine that searched on then would never end.
func TestAJobAfterTheEndIsNotBegun(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	engine := NewEngine(Options{Threads: 1}, NewStats(time.Now()))
	engine.Run(ctx)
	engine.Set(&Job{})
	if engine.await() != nil {
		t.Error("a job is begun after the end")
	}
}
