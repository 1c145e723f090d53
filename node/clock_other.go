//go:build !linux

package node

import "time"

// monotonicClock is the time since the process was started.
func monotonicClock() time.Duration { return time.Since(processStart) }
