package api

import (
	"testing"
	"time"
)

// A few streams look as often as one; what a thousand cost together is bounded, and nobody waits for long.
func TestStreamsShareTheirLooks(t *testing.T) {
	for n, want := range map[int64]time.Duration{1: streamPause, 100: streamPause, 1_000: time.Second,
		100_000: maxPause} {
		s := &Server{}
		s.listeners.Store(n)
		if got := s.listenPause(); got != want {
			t.Errorf("%d streams look every %v, want %v", n, got, want)
		}
		if looks := float64(n) / s.listenPause().Seconds(); n <= 5_000 && looks > looksPerSecond {
			t.Errorf("%d streams look %.0f times a second", n, looks)
		}
	}
}
