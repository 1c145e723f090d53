package logcopy_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/pool/logcopy"
	"github.com/aqsha/aqsha/txlog"
)

// publisher serves a log as a pool does.
type publisher struct {
	t           *testing.T
	log         *txlog.Log
	key         string
	skey        string
	served      *httptest.Server
	bundlesRead int
	damage      bool
}

func publish(t *testing.T) *publisher {
	t.Helper()
	skey, vkey, err := note.GenerateKey(nil, "aqsha.pool/test")
	if err != nil {
		t.Fatal(err)
	}
	p := &publisher{t: t, key: vkey, skey: skey}
	p.begin()
	p.served = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/log/key":
			fmt.Fprintln(w, p.key)
		case strings.HasPrefix(r.URL.Path, "/log/tile/entries/"):
			p.bundlesRead++
			if p.damage {
				_, _ = io.WriteString(w, "\x00\x01x")
				return
			}
			http.StripPrefix("/log", p.log.EntriesHandler()).ServeHTTP(w, r)
		default:
			http.StripPrefix("/log", p.log.Handler()).ServeHTTP(w, r)
		}
	}))
	t.Cleanup(p.served.Close)
	return p
}

// begin begins an empty log under the key.
func (p *publisher) begin() {
	p.t.Helper()
	signer, err := note.NewSigner(p.skey)
	if err != nil {
		p.t.Fatal(err)
	}
	if p.log, err = txlog.Open(p.t.TempDir(), txlog.Options{Origin: signer.Name(), Signers: []note.Signer{signer}, SegmentBytes: 1 << 20}); err != nil {
		p.t.Fatal(err)
	}
	log := p.log
	p.t.Cleanup(func() { _ = log.Close() })
}

func (p *publisher) add(what string, n int) {
	p.t.Helper()
	var entries [][]byte
	for i := range n {
		entries = append(entries, fmt.Appendf(nil, "%s %d", what, i))
	}
	batch, err := p.log.Stage(entries)
	if err != nil {
		p.t.Fatal(err)
	}
	if err := p.log.Commit(batch); err != nil {
		p.t.Fatal(err)
	}
	if _, err := p.log.Publish(); err != nil {
		p.t.Fatal(err)
	}
}

func (p *publisher) fetch(dir, key string) (*logcopy.Result, error) {
	return logcopy.Fetch(context.Background(), logcopy.Options{URL: p.served.URL, Dir: dir, Key: key})
}

// A copy of any size grows with the log, asks for no full bundle twice, and holds what the log holds.
func TestACopyGrows(t *testing.T) {
	p := publish(t)
	dir := t.TempDir()
	size := 0
	for _, more := range []int{1, 254, 1, 1, 0, 255, 300, 512} {
		if more > 0 {
			p.add("share", more)
		}
		size += more
		p.bundlesRead = 0
		got, err := p.fetch(dir, "")
		if err != nil || got.Size != uint64(size) || got.Before != uint64(size-more) || got.Key != p.key {
			t.Fatalf("at %d: %+v, %v", size, got, err)
		}
		if most := more/256 + 2; p.bundlesRead > most {
			t.Errorf("at %d: %d bundles read for %d entries", size, p.bundlesRead, more)
		}
		c, err := logcopy.Open(dir)
		if err != nil || c.Size() != uint64(size) {
			t.Fatalf("at %d: %v", size, err)
		}
		at := uint64(0)
		for entry, err := range c.Entries(0, c.Size()) {
			want, _ := p.log.Entry(at)
			if err != nil || string(entry) != string(want) {
				t.Fatalf("entry %d of %d: %q, %v; want %q", at, size, entry, err, want)
			}
			at++
		}
		if at != c.Size() {
			t.Errorf("%d entries of %d", at, c.Size())
		}
	}
}

// A pool that rewrites its log, or cuts it, is shown to have signed both.
func TestARewrittenLogIsEvidence(t *testing.T) {
	for name, entries := range map[string]int{"longer": 700, "as long": 400, "shorter": 100} {
		t.Run(name, func(t *testing.T) {
			p := publish(t)
			dir := t.TempDir()
			p.add("share", 400)
			if _, err := p.fetch(dir, ""); err != nil {
				t.Fatal(err)
			}
			p.begin()
			p.add("another", entries)
			_, err := p.fetch(dir, "")
			var rewritten *logcopy.RewrittenError
			if !errors.As(err, &rewritten) {
				t.Fatalf("not noticed: %v", err)
			}
			for _, file := range []string{"checkpoint.before", "checkpoint.now"} {
				if signed, err := os.ReadFile(filepath.Join(rewritten.Dir, file)); err != nil || !strings.Contains(string(signed), "aqsha.pool/test") {
					t.Errorf("%s: %q, %v", file, signed, err)
				}
			}
			if c, err := logcopy.Open(dir); err != nil || c.Size() != 400 {
				t.Errorf("the copy itself is gone: %v", err)
			}
		})
	}
}

// Another key, entries that were not signed, and a copy whose file was changed are refused.
func TestACopyIsVerified(t *testing.T) {
	p := publish(t)
	p.add("share", 300)
	_, other, err := note.GenerateKey(nil, "aqsha.pool/test")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.fetch(t.TempDir(), other); err == nil {
		t.Error("another key is taken")
	}
	dir := t.TempDir()
	p.damage = true
	if _, err := p.fetch(dir, ""); err == nil {
		t.Error("entries that were not signed are taken")
	}
	p.damage = false
	dir = t.TempDir()
	if _, err := p.fetch(dir, ""); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "tile", "entries", "000")
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	content[len(content)-1] ^= 1
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := logcopy.Open(dir); err == nil || !strings.Contains(err.Error(), "signed is") {
		t.Errorf("a changed entry: %v", err)
	}
	if _, err := p.fetch(dir, other); err == nil || !strings.Contains(err.Error(), "is a copy under the key") {
		t.Errorf("another key for a copy: %v", err)
	}
}

// A copy is written into a new log, which is the one that was copied; its newest checkpoint is read from its directory, from
// a server that shows the directory, and from the pool, and under no other key.
func TestACopyIsWrittenBack(t *testing.T) {
	ctx := context.Background()
	p := publish(t)
	dir := t.TempDir()
	p.add("share", 700)
	if _, err := p.fetch(dir, ""); err != nil {
		t.Fatal(err)
	}
	c, err := logcopy.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	log, err := txlog.Open(t.TempDir(), txlog.Options{Origin: c.Origin(), SegmentBytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	if err := c.WriteTo(ctx, log, nil); err != nil {
		t.Fatal(err)
	}
	want, _ := p.log.Root(700)
	if got, err := log.Root(log.Size()); err != nil || log.Size() != 700 || got != want {
		t.Errorf("%d entries with the root %s, %v; want %s", log.Size(), got, err, want)
	}
	if err := c.WriteTo(ctx, log, nil); err == nil {
		t.Error("written behind another log")
	}
	roots, err := c.Roots(700)
	if err != nil || roots(700) != want {
		t.Errorf("the copy's root at 700: %v", err)
	}
	shown := httptest.NewServer(http.FileServer(http.Dir(dir)))
	defer shown.Close()
	p.add("share", 5)
	for source, size := range map[string]uint64{dir: 700, shown.URL: 700, p.served.URL: 705} {
		if got, err := logcopy.Newest(ctx, source, p.key); err != nil || got.Size != size {
			t.Errorf("%s: %d entries, %v; want %d", source, got.Size, err, size)
		}
	}
	other := publish(t)
	if _, err := logcopy.Newest(ctx, dir, other.key); err == nil {
		t.Error("a checkpoint under another key")
	}
	if _, err := logcopy.Newest(ctx, t.TempDir(), p.key); err == nil {
		t.Error("an empty directory has a checkpoint")
	}
}
