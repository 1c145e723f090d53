package cli

import (
	"syscall"
	"time"
)

// CpuTime is what this process has used, in user and system mode.
func CpuTime() time.Duration {
	var usage syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &usage) != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
