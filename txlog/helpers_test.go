package txlog_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/internal/sim/disk"
	"github.com/aqsha/aqsha/txlog"
)

const origin = "log.example/test"

// newKey makes a signer and its verifier from a fixed seed.
func newKey(t testing.TB) (note.Signer, note.Verifiers) {
	t.Helper()
	secret, public, err := note.GenerateKey(bytes.NewReader(bytes.Repeat([]byte{7}, 64)), origin)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(secret)
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := note.NewVerifier(public)
	if err != nil {
		t.Fatal(err)
	}
	return signer, note.VerifierList(verifier)
}

// onDisk are options for a small log on a simulated disk, with everything in order.
func onDisk(t testing.TB, d *disk.Disk) txlog.Options {
	signer, verifiers := newKey(t)
	return txlog.Options{
		Origin: origin, FS: d.FS(), SegmentBytes: 4096,
		Signers: []note.Signer{signer}, Verifiers: verifiers,
		Background: func(work func()) { work() },
		Random:     rand.NewChaCha8([32]byte{1}),
	}
}

func open(t testing.TB, options txlog.Options) *txlog.Log {
	t.Helper()
	l, err := txlog.Open("log", options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func reopen(t testing.TB, l *txlog.Log, options txlog.Options) *txlog.Log {
	t.Helper()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return open(t, options)
}

// entry is the i-th test entry: never empty, mostly short.
func entry(i uint64) []byte {
	sum := sha256.Sum256(binary.BigEndian.AppendUint64(nil, i))
	return bytes.Repeat(sum[:], 4)[:1+int(sum[0])%128]
}

func batchOf(from, to uint64) [][]byte {
	var list [][]byte
	for i := from; i < to; i++ {
		list = append(list, entry(i))
	}
	return list
}

// grow appends test entries up to size, in batches of the given length.
func grow(t testing.TB, l *txlog.Log, size, length uint64) {
	t.Helper()
	for l.Size() < size {
		b, err := l.Stage(batchOf(l.Size(), min(size, l.Size()+length)))
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Commit(b); err != nil {
			t.Fatal(err)
		}
	}
}

// expectEntries reads the whole log back in both ways.
func expectEntries(t testing.TB, l *txlog.Log, size uint64) {
	t.Helper()
	if l.Size() != size {
		t.Fatalf("log has %d entries, want %d", l.Size(), size)
	}
	i := uint64(0)
	for got, err := range l.Entries(0, size) {
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, entry(i)) {
			t.Fatalf("entry %d differs", i)
		}
		i++
	}
	if i != size {
		t.Fatalf("iterated over %d entries of %d", i, size)
	}
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(fmt.Sprintf("unexpected error: %v", err))
	}
	return value
}

// request asks a handler for a path and returns the status.
func request(h http.Handler, path string) int {
	recorder := httptest.NewRecorder()
	h.ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, path, nil))
	return recorder.Code
}

func sha256Hex(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}
