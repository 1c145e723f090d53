//go:build !linux

package speed

import "time"

// threadTime is the time that passed: the nearest that every system tells.
func threadTime() time.Duration { return time.Duration(time.Now().UnixNano()) }
