package freeport

import (
	"net"
	"testing"
)

func TestAddress(t *testing.T) {
	t.Parallel()
	for range 100 {
		address, err := Address("127.0.0.1")
		if err != nil {
			t.Fatal(err)
		}
		l, err := net.Listen("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		if port := l.Addr().(*net.TCPAddr).Port; port < lowest || port >= highest {
			t.Errorf("port %d may be given away", port)
		}
	}
	if address, err := Address("203.0.113.1"); err == nil {
		t.Errorf("%s is no address of this machine", address)
	}
}
