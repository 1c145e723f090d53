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

	"github.com/aqsha/aqsha/pool/books"
	"github.com/aqsha/aqsha/pool/guard"
	"github.com/aqsha/aqsha/pool/serve"
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
	for range guard.OffencesToBan {
		conn := connect(t, p.address)
		_, _ = conn.Write(bytes.Repeat([]byte("x"), 10*serve.MaxLine))
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
	if err != nil || len(bans) != 1 || time.Until(bans[here]) > guard.BanTime {
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
