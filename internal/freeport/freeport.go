// Package freeport finds ports for programs that must know theirs before they listen.
package freeport

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
)

// Ports are looked for below those that systems give away by themselves (Linux from 32768, others from 49152): one of
// these may be somebody's connection before it is listened on.
const (
	lowest  = 10_000
	highest = 32_000
	tries   = 200
)

// Address is "host:port" with a port of a host of this machine that nobody listens on now. Another program may take it
// before the caller does: who needs it tries again then.
func Address(host string) (string, error) {
	var last error
	for range tries {
		address := net.JoinHostPort(host, strconv.Itoa(lowest+rand.IntN(highest-lowest)))
		l, err := net.Listen("tcp", address)
		if err == nil {
			return address, l.Close()
		}
		last = errors.Join(fmt.Errorf("no free port of %s in %d tries", host, tries), err)
	}
	return "", last
}

// Port is the port of such an address of 127.0.0.1.
func Port() (int, error) {
	address, err := Address("127.0.0.1")
	if err != nil {
		return 0, err
	}
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(port)
}
