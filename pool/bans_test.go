package pool_test

import (
	"bytes"
	"errors"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/aqsha/aqsha/pool"
	"github.com/aqsha/aqsha/pool/books"
)

// Who was banned is refused by the next run too; when the ban has ended he is served.
func TestBansOutlastARestart(t *testing.T) {
	dir := t.TempDir()
	start := func() *running {
		p := startPool(t, dir, testConfig())
		if err := p.Offer(testTemplate(t, 100, hardBits), time.Now()); err != nil {
			t.Fatal(err)
		}
		return p
	}
	p := start()
	for range pool.OffencesToBan {
		conn := connect(t, p.address)
		_, _ = conn.Write(bytes.Repeat([]byte("x"), 10*pool.MaxLine))
		closed(t, conn, "giant line")
	}
	if !banned(t, p) {
		t.Fatal("not banned")
	}
	p.stop()

	p = start()
	if !banned(t, p) {
		t.Error("the ban is forgotten")
	}
	p.stop()

	// The log, which everybody may read, knows nothing of it.
	err := filepath.WalkDir(filepath.Join(dir, "shares"), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		if bytes.Contains(content, []byte("127.0.0.1")) {
			return errors.New(path + " holds the address")
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}

	// Ten minutes later, as far as the file goes.
	kept, err := books.Open(filepath.Join(dir, "books.sqlite"))
	if err != nil {
		t.Fatal(err)
	}
	here := netip.MustParseAddr("127.0.0.1")
	bans, err := kept.Bans(t.Context(), time.Now())
	if err != nil || len(bans) != 1 || time.Until(bans[here]) > pool.BanTime {
		t.Errorf("%v, %v", bans, err)
	}
	if err := kept.KeepBans(t.Context(), bans, bans[here], 10); err != nil {
		t.Fatal(err)
	}
	if err := kept.Close(); err != nil {
		t.Fatal(err)
	}
	if p = start(); banned(t, p) {
		t.Error("banned for ever")
	}
}

// Bans are bounded: the one that ends first makes room, and one that has ended refuses nobody.
func TestBansAreBounded(t *testing.T) {
	now := time.UnixMilli(1_767_225_600_000)
	address := func(n int) netip.Addr { return netip.AddrFrom4([4]byte{10, byte(n >> 16), byte(n >> 8), byte(n)}) }
	full := func() pool.Guard {
		g := pool.NewGuard()
		for n := range pool.MostBans {
			g.Ban(address(n), now.Add(time.Duration(n)*time.Millisecond))
		}
		return g
	}
	g := full()
	later := now.Add(pool.MostBans * time.Millisecond)
	for n := range 3 {
		g.Ban(address(pool.MostBans+n), later)
	}
	if banned, unkept := g.Counts(); banned != pool.MostBans || unkept != pool.MostBans {
		t.Errorf("%d bans, %d of them not kept", banned, unkept)
	}
	for n, want := range map[int]bool{0: true, 2: true, 3: false, pool.MostBans + 2: false} {
		if g.Admits(address(n), later) != want {
			t.Errorf("address %d: want %v", n, want)
		}
	}
	if !g.Admits(address(3), now.Add(pool.BanTime+3*time.Millisecond)) {
		t.Error("its ban has ended")
	}
	g = full()
	g.Ban(address(pool.MostBans), later.Add(2*pool.BanTime)) // all others have ended
	if banned, unkept := g.Counts(); banned != 1 || unkept != 1 {
		t.Errorf("%d bans are left, %d to keep", banned, unkept)
	}
}
