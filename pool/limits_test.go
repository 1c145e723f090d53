package pool_test

import (
	"bytes"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/pool"
	"github.com/aqsha/aqsha/pool/guard"
	"github.com/aqsha/aqsha/pool/serve"
	"github.com/aqsha/aqsha/pool/sharelog"
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
	defer conn.Close()
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
			_, _ = conn.Write(bytes.Repeat([]byte("x"), 10*serve.MaxLine))
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
			_, _ = conn.Write([]byte(strings.Repeat(`{"id":1,"method":"mining.subscribe","params":[]}`+"\n", serve.MaxRequests+50)))
			closed(t, conn, "subscribe storm")
		}, true},
		{"bad shares", func(t *testing.T, p *running) {
			c := dial(t, p.address).login(alice)
			params := c.find(alice, c.job(), 1, func(h bitcoin.Hash) bool { return !meets(c.difficulty)(h) })
			for range serve.BadSharesToClose + 10 {
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
			config := testConfig()
			config.StartDifficulty = 1.0 / (1 << 20)
			p := startPoolWith(t, t.TempDir(), config, pool.Options{Network: regtest, Timeouts: serve.Timeouts{Handshake: 2 * time.Second, Line: 2 * time.Second}})
			if err := p.Offer(testTemplate(t, 100, hardBits), time.Now()); err != nil {
				t.Fatal(err)
			}
			tc.act(t, p)
			if banned(t, p) {
				t.Errorf("the address is refused for one connection; %+v", p.Stats(time.Now()))
			}
			if !tc.bans {
				return
			}
			for range guard.OffencesToBan - 1 {
				tc.act(t, p)
			}
			if !banned(t, p) {
				t.Errorf("the address is let in after %d connections that broke the rules; %+v", guard.OffencesToBan, p.Stats(time.Now()))
			}
			p.stop()
		})
	}
}

// A farm has one address: what one broken machine of it does closes that machine's connections, and
// the others go on and come back. The operator may exempt an address from all of it.
func TestOneBrokenMachine(t *testing.T) {
	for _, tc := range []struct {
		name          string
		honest        bool
		exempt, wants bool
	}{{"beside an honest one", true, false, true}, {"alone", false, false, false}, {"alone, exempt", false, true, true}} {
		t.Run(tc.name, func(t *testing.T) {
			config := testConfig()
			config.StartDifficulty = 1.0 / (1 << 20)
			if tc.exempt {
				config.Exempt = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
			}
			p := startOffered(t, config)
			if tc.honest {
				good := dial(t, p.address).login(alice)
				good.expect("an honest share", good.find(alice, good.job(), 1, meets(good.difficulty)), 0)
			}
			for range guard.OffencesToBan + 2 {
				c := dial(t, p.address)
				line := strings.Repeat(`{"id":1,"method":"mining.ping","params":[]}`+"\n", serve.MaxRequests+5)
				_, _ = c.conn.Write([]byte(line))
				closed(t, c.conn, "a broken machine")
			}
			if got := !banned(t, p); got != tc.wants {
				t.Errorf("let in again: %v", got)
			}
		})
	}
}

// A proxy logs its machines in one after another on one connection, thousands of them.
func TestProxyOfManyMachines(t *testing.T) {
	config := testConfig()
	config.StartDifficulty = 1.0 / (1 << 20)
	p := startOffered(t, config)
	c := dial(t, p.address).login(alice)
	const machines = 5000
	ids := make([]int, machines)
	for i := range ids {
		ids[i] = c.send("mining.authorize", fmt.Sprintf("%s.rig%d", alice, i), "x")
		if i%100 == 99 {
			for _, id := range ids[i-99 : i+1] {
				if a := c.await(id); !a.isTrue() {
					t.Fatalf("machine %d: %+v", i, a)
				}
			}
		}
	}
	for _, i := range []int{0, 119, 1001, machines - 1} {
		c.expect("share of a machine", c.find(fmt.Sprintf("%s.rig%d", alice, i), c.job(), uint64(i), meets(c.difficulty)), 0)
	}
	if banned(t, p) {
		t.Error("another connection of the proxy's address is refused")
	}
	p.stop()
	workers := 0
	for _, r := range records(t, p.dir) {
		if _, ok := r.(*sharelog.Worker); ok {
			workers++
		}
	}
	if workers != 5 { // the account and four machines that worked
		t.Errorf("%d workers in the log", workers)
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
