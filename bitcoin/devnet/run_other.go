//go:build !linux

package devnet

// run starts the child; where the kernel cannot tie it to us, Stop must be called.
func (n *Node) run() error {
	if err := n.process.Start(); err != nil {
		return err
	}
	go func() {
		n.waitErr = n.process.Wait()
		close(n.exited)
	}()
	return nil
}
