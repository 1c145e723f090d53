package cli

import (
	"os"
	"runtime/debug"
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

// CollectLess lets a program whose work leaves much garbage and keeps little, as polling does, spend memory for
// processor time: the heap is collected when it has grown to four times what is kept, not to twice. Who sets GOGC has
// decided otherwise.
func CollectLess() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(300)
	}
}
