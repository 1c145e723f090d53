package httplimit

import (
	"net"
	"net/netip"
	"sync"
)

// AddressOf is by what a caller's address counts: itself, or of IPv6 its /64, all of which one subscriber has. The
// argument is an address with or without a port.
func AddressOf(text string) string {
	host, _, err := net.SplitHostPort(text)
	if err != nil {
		host = text
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return host
	}
	if ip = ip.Unmap().WithZone(""); ip.Is6() && !ip.IsLoopback() {
		if prefix, err := ip.Prefix(64); err == nil {
			return prefix.String()
		}
	}
	return ip.String()
}

// Listen bounds the connections that a listener accepts: what is too many is closed at once. trusted is the address of
// a proxy, before which others have been bounded; empty for none.
func (l *Limiter) Listen(listener net.Listener, trusted string) net.Listener {
	return &limited{listener, l, trusted}
}

type limited struct {
	net.Listener
	limiter *Limiter
	trusted string
}

// Accept closes what is too many before a byte of it is read or its TLS begun.
func (l *limited) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		address := AddressOf(c.RemoteAddr().String())
		if l.limiter.connect(address, address == l.trusted) {
			return &connection{Conn: c, leave: sync.OnceFunc(func() { l.limiter.leave(address) })}, nil
		}
		_ = c.Close()
	}
}

func (l *Limiter) connect(address string, trusted bool) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.connections >= l.limits.Connections || (!trusted && l.connected[address] >= l.limits.ConnectionsPerAddress) {
		return false
	}
	l.connections++
	l.connected[address]++
	return true
}

func (l *Limiter) leave(address string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.connections--
	if l.connected[address]--; l.connected[address] == 0 {
		delete(l.connected, address)
	}
}

// connection counts until it is closed.
type connection struct {
	net.Conn
	leave func()
}

func (c *connection) Close() error {
	c.leave()
	return c.Conn.Close()
}

// Only lets in connections from one address.
func Only(listener net.Listener, address string) net.Listener { return &only{listener, address} }

type only struct {
	net.Listener
	address string
}

// Accept closes connections from elsewhere and goes on waiting: an error would end the server.
func (l *only) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil || AddressOf(c.RemoteAddr().String()) == l.address {
			return c, err
		}
		_ = c.Close()
	}
}
