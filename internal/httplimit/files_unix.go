//go:build unix

package httplimit

import "golang.org/x/sys/unix"

// Files is how many files this process may have open.
func Files() int {
	var limit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &limit) != nil {
		return 1024
	}
	return int(min(limit.Cur, 1<<20))
}
