package abuse

import (
	"net"
	"os"
	"os/exec"
	"testing"
	"time"
)

// What an attacker leaves open is counted by his address, until both sides are done with it.
func TestConnectionsOfAnAttacker(t *testing.T) {
	if _, err := os.Stat("/proc/self/net/tcp"); err != nil {
		t.Skip("this system does not list its connections")
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	p := &process{command: &exec.Cmd{Process: &os.Process{Pid: os.Getpid()}}}
	const attacker = 213
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, attacker)}}
	theirs, err := d.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	ours, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	if open := p.connections(attacker); open != 1 {
		t.Errorf("%d connections are open, not one", open)
	}
	if open := p.connections(attacker - 1); open != 0 {
		t.Errorf("%d connections of somebody else are open", open)
	}
	if err := theirs.Close(); err != nil {
		t.Fatal(err)
	}
	if open := p.connections(attacker); open != 1 {
		t.Errorf("%d connections are open while this side has not closed, not one", open)
	}
	if err := ours.Close(); err != nil {
		t.Fatal(err)
	}
	for p.connections(attacker) != 0 { // the test's own limit ends it
		time.Sleep(time.Millisecond)
	}
}
