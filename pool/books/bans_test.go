package books_test

import (
	"fmt"
	"net/netip"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/aqsha/aqsha/pool/books"
)

func TestBansAreKeptUntilTheyEnd(t *testing.T) {
	file, ctx := filepath.Join(t.TempDir(), "books.sqlite"), t.Context()
	start := time.UnixMilli(1_767_225_600_000)
	one, two := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1%eth0")
	keep := func(b *books.Books, now time.Time, most int, bans map[netip.Addr]time.Time) {
		t.Helper()
		if err := b.KeepBans(ctx, bans, now, most); err != nil {
			t.Fatal(err)
		}
	}
	expect := func(b *books.Books, now time.Time, want map[netip.Addr]time.Time) {
		t.Helper()
		got, err := b.Bans(ctx, now)
		if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); err != nil || diff != "" {
			t.Errorf("%v: %s", err, diff)
		}
	}
	b, err := books.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	expect(b, start, map[netip.Addr]time.Time{})
	keep(b, start, 100, map[netip.Addr]time.Time{one: start.Add(time.Minute), two: start.Add(2 * time.Minute)})
	keep(b, start, 100, map[netip.Addr]time.Time{one: start.Add(3 * time.Minute)}) // again: longer
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if b, err = books.Open(file); err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	expect(b, start, map[netip.Addr]time.Time{one: start.Add(3 * time.Minute), two: start.Add(2 * time.Minute)})
	expect(b, start.Add(2*time.Minute), map[netip.Addr]time.Time{one: start.Add(3 * time.Minute)})
	keep(b, start.Add(4*time.Minute), 100, nil) // all have ended
	expect(b, start, map[netip.Addr]time.Time{})

	many := map[netip.Addr]time.Time{}
	for i := range 10 {
		many[netip.MustParseAddr(fmt.Sprintf("192.0.2.%d", i))] = start.Add(time.Duration(i+1) * time.Minute)
	}
	keep(b, start, 2, many)
	expect(b, start, map[netip.Addr]time.Time{netip.MustParseAddr("192.0.2.8"): start.Add(9 * time.Minute), netip.MustParseAddr("192.0.2.9"): start.Add(10 * time.Minute)})
}
