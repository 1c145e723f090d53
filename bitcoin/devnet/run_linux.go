package devnet

import (
	"runtime"
	"syscall"
)

// run starts the child so that the kernel ends it when we die, even by SIGKILL. The kernel
// watches the thread that forked, so a goroutine keeps that thread until the child has ended.
func (n *Node) run() error {
	n.process.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		err := n.process.Start()
		started <- err
		if err == nil {
			n.waitErr = n.process.Wait()
			close(n.exited)
		}
	}()
	return <-started
}
