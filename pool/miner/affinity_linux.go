package miner

import "golang.org/x/sys/unix"

// pin ties this thread to the n-th of the processors that the process may use.
// Failing is harmless: the thread then runs where the system puts it.
func pin(n int) {
	var allowed, one unix.CPUSet
	if unix.SchedGetaffinity(0, &allowed) != nil || allowed.Count() == 0 {
		return
	}
	n %= allowed.Count()
	for cpu := 0; ; cpu++ {
		if !allowed.IsSet(cpu) {
			continue
		}
		if n == 0 {
			one.Set(cpu)
			_ = unix.SchedSetaffinity(0, &one)
			return
		}
		n--
	}
}
