package pool_test

import (
	"bytes"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/pool"
)

// closed waits until the pool has closed a connection.
func closed(t *testing.T, conn net.Conn, what string) {
	t.Helper()
	_ = conn.SetReadDeadline(time.Now().Add(20 * time.Second))
	var buffer [4096]byte
	for {
		if _, err := conn.Read(buffer[:]); err != nil {
			if timeout, ok := err.(net.Error); ok && timeout.Timeout() {
				t.Errorf("%s: still connected", what)
			}
			return
		}
	}
}

func connect(t *testing.T, address string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// banned says whether new connections are refused.
func banned(t *testing.T, p *running) bool {
	conn := connect(t, p.address)
	_, _ = fmt.Fprintln(conn, `{"id":1,"method":"mining.ping","params":[]}`)
	_ = conn.SetReadDeadline(time.Now().Add(5 * time.Second))
	var buffer [64]byte
	n, err := conn.Read(buffer[:])
	return err != nil || n == 0
}

func TestHostileClients(t *testing.T) {
	for _, tc := range []struct {
		name string
		act  func(t *testing.T, p *running)
		bans bool
	}{
		{"giant line", func(t *testing.T, p *running) {
			conn := connect(t, p.address)
			_, _ = conn.Write(bytes.Repeat([]byte("x"), 10*pool.MaxLine))
			closed(t, conn, "giant line")
		}, true},
		{"not JSON", func(t *testing.T, p *running) {
			conn := connect(t, p.address)
			_, _ = conn.Write([]byte("GET / HTTP/1.1\r\n\r\n"))
			closed(t, conn, "not JSON")
		}, false},
		{"never says who", func(t *testing.T, p *running) { closed(t, connect(t, p.address), "silence") }, false},
		{"one byte at a time", func(t *testing.T, p *running) {
			c := dial(t, p.address).login(alice)
			_, _ = c.conn.Write([]byte(`{"id"`))
			closed(t, c.conn, "slowloris")
		}, false},
		{"subscribe storm", func(t *testing.T, p *running) {
			conn := connect(t, p.address)
			_, _ = conn.Write([]byte(strings.Repeat(`{"id":1,"method":"mining.subscribe","params":[]}`+"\n", pool.MaxRequests+50)))
			closed(t, conn, "subscribe storm")
		}, true},
		{"bad shares", func(t *testing.T, p *running) {
			c := dial(t, p.address).login(alice)
			params := c.find(alice, c.job(), 1, func(h bitcoin.Hash) bool { return !meets(c.difficulty)(h) })
			for range pool.BadSharesToBan + 10 {
				if !c.trySend(params) {
					break // banned while still sending
				}
			}
			closed(t, c.conn, "bad shares")
		}, true},
		{"does not read", func(t *testing.T, p *running) {
			c := dial(t, p.address).login(alice)
			line := []byte(strings.Repeat(`{"id":"`+strings.Repeat("a", 3000)+`","method":"mining.submit","params":["`+alice+`"]}`+"\n", 20))
			_ = c.conn.SetWriteDeadline(time.Now().Add(20 * time.Second))
			for {
				if _, err := c.conn.Write(line); err != nil {
					return // closed: the answers would not fit
				}
			}
		}, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			defer pool.ShortenTimeouts()()
			config := testConfig()
			config.StartDifficulty = 1.0 / (1 << 20)
			p := startOffered(t, config)
			tc.act(t, p)
			if got := banned(t, p); got != tc.bans {
				t.Errorf("banned: %v, want %v; %+v", got, tc.bans, p.Stats(time.Now()))
			}
			p.stop()
		})
	}
}

// An address gets so many connections and no more; those that leave make room.
func TestConnectionsPerAddress(t *testing.T) {
	config := testConfig()
	config.MaxPerIP = 3
	p := startOffered(t, config)
	var open []*client
	for range 3 {
		open = append(open, dial(t, p.address).login(alice))
	}
	if !banned(t, p) {
		t.Fatal("a fourth connection was served")
	}
	open[0].conn.Close()
	for deadline := time.Now().Add(10 * time.Second); banned(t, p); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("no room after one left")
		}
	}
}
