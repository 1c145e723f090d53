package clitest

import (
	"net"
	"testing"
)

// Listen does with each connection to an address of this machine what a peer does, until the test is over.
func Listen(t testing.TB, peer func(net.Conn)) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				peer(c)
			}()
		}
	}()
	return l.Addr().String()
}
