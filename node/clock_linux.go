package node

import (
	"time"

	"golang.org/x/sys/unix"
)

// monotonicClock is the time since the machine was started, which nobody can set. Unlike the runtime's it counts on
// while the machine sleeps, so that waking up is no jump.
func monotonicClock() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &t); err != nil {
		return time.Since(processStart)
	}
	return time.Duration(t.Nano())
}
