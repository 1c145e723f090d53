package guard

import (
	"net/netip"
	"testing"
	"time"
)

func admits(g *Guard, ip netip.Addr, now time.Time) bool {
	if !g.Admit(ip, now) {
		return false
	}
	g.Leave(ip)
	return true
}

// Bans are bounded: the one that ends first makes room, and one that has ended refuses nobody.
func TestBansAreBounded(t *testing.T) {
	now := time.UnixMilli(1_767_225_600_000)
	address := func(n int) netip.Addr { return netip.AddrFrom4([4]byte{10, byte(n >> 16), byte(n >> 8), byte(n)}) }
	full := func() *Guard {
		g := New(Options{MaxConnections: 10, MaxPerIP: 10})
		for n := range maxBans {
			g.Ban(address(n), now.Add(time.Duration(n)*time.Millisecond))
		}
		return g
	}
	g := full()
	later := now.Add(maxBans * time.Millisecond)
	for n := range 3 {
		g.Ban(address(maxBans+n), later)
	}
	if banned, unkept := len(g.banned), len(g.unkept); banned != maxBans || unkept != maxBans {
		t.Errorf("%d bans, %d of them not kept", banned, unkept)
	}
	for n, want := range map[int]bool{0: true, 2: true, 3: false, maxBans + 2: false} {
		if admits(g, address(n), later) != want {
			t.Errorf("address %d: want %v", n, want)
		}
	}
	if !admits(g, address(3), now.Add(BanTime+3*time.Millisecond)) {
		t.Error("its ban has ended")
	}
	g = full()
	g.Ban(address(maxBans), later.Add(2*BanTime)) // all others have ended
	if banned, unkept := len(g.banned), len(g.unkept); banned != 1 || unkept != 1 {
		t.Errorf("%d bans are left, %d to keep", banned, unkept)
	}
}
