//go:build !linux

package sha256d

import "time"

// threadTime falls back to the wall clock, right only on an idle machine.
func threadTime() time.Duration { return time.Duration(time.Now().UnixNano()) }
