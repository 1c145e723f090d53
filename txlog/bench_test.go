package txlog_test

import (
	"io/fs"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/txlog"
)

const benchEntryBytes = 240

// benchEntries are entries of the size of an ordinary payment.
func benchEntries(n int) [][]byte {
	random := rand.NewChaCha8([32]byte{2})
	list := make([][]byte, n)
	for i := range list {
		list[i] = make([]byte, benchEntryBytes)
		_, _ = random.Read(list[i])
	}
	return list
}

func openReal(b *testing.B) *txlog.Log {
	b.Helper()
	l, err := txlog.Open(b.TempDir(), txlog.Options{Origin: origin})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = l.Close() })
	return l
}

func perEntry(b *testing.B, entries int) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(entries), "ns/entry")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkStage gives entries their hashes and the batch its root; no disk.
func BenchmarkStage(b *testing.B) {
	entries := benchEntries(2000)
	l := openReal(b)
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		must(l.Stage(entries))
		n += len(entries)
	}
	perEntry(b, n)
}

// BenchmarkCommit stages and commits batches of a block's size, one sync each.
func BenchmarkCommit(b *testing.B) {
	for _, c := range []struct {
		name           string
		entries, group int
	}{{"1", 1, 1}, {"2000", 2000, 1}, {"4x2000", 2000, 4}} {
		b.Run(c.name, func(b *testing.B) {
			entries := benchEntries(c.entries)
			l := openReal(b)
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				var group []*txlog.Batch
				for range c.group {
					group = append(group, must(l.Stage(entries)))
				}
				ok(b, l.Commit(group...))
				n += c.entries * c.group
			}
			perEntry(b, n)
		})
	}
}

// BenchmarkPublish signs a checkpoint and stores it durably.
func BenchmarkPublish(b *testing.B) {
	signer, _ := newKey(b)
	l := must(txlog.Open(b.TempDir(), txlog.Options{Origin: origin, Signers: []note.Signer{signer}}))
	defer l.Close()
	i := 0
	for b.Loop() {
		must(l.Publish(string(rune('a' + i%26))))
		i++
	}
}

// filled is a log of a given size on the real disk.
func filled(b *testing.B, dir string, size int) *txlog.Log {
	b.Helper()
	l := must(txlog.Open(dir, txlog.Options{Origin: origin}))
	entries := benchEntries(2000)
	for l.Size() < uint64(size) {
		ok(b, l.Commit(must(l.Stage(entries)), must(l.Stage(entries))))
	}
	return l
}

// BenchmarkReplay reads a log of 400,000 entries in order.
func BenchmarkReplay(b *testing.B) {
	l := filled(b, b.TempDir(), 400_000)
	defer l.Close()
	b.ReportAllocs()
	b.ResetTimer()
	n, bytes := 0, 0
	for b.Loop() {
		for entry, err := range l.Entries(0, l.Size()) {
			if err != nil {
				b.Fatal(err)
			}
			n++
			bytes += len(entry)
		}
	}
	perEntry(b, n)
}

// BenchmarkRead reads single entries, bundles and proofs at random.
func BenchmarkRead(b *testing.B) {
	l := filled(b, b.TempDir(), 400_000)
	defer l.Close()
	random := rand.New(rand.NewPCG(1, 2))
	at := func() uint64 { return random.Uint64N(l.Size()) }
	b.Run("entry", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			must(l.Entry(at()))
		}
	})
	b.Run("bundle", func(b *testing.B) {
		for b.Loop() {
			must(l.ReadBundle(txlog.Tile{Level: txlog.EntriesLevel, Index: at() / 256 * 255 / 256, Width: 256}))
		}
	})
	b.Run("inclusion", func(b *testing.B) {
		for b.Loop() {
			must(l.InclusionProof(at(), l.Size()))
		}
	})
	b.Run("batchOf", func(b *testing.B) {
		for b.Loop() {
			must(l.BatchOf(at()))
		}
	})
}

// BenchmarkOpen opens a log of 1,000,000 entries; and how many bytes an entry of
// 240 takes on disk with its framing, tiles and indexes.
func BenchmarkOpen(b *testing.B) {
	dir := b.TempDir()
	const size = 1_000_000
	ok(b, filled(b, dir, size).Close())
	for b.Loop() {
		ok(b, must(txlog.Open(dir, txlog.Options{Origin: origin})).Close())
	}
	b.ReportMetric(float64(diskBytes(b, filepath.Join(dir, "tiles")))/size, "tile-B/entry")
	sealed := diskBytes(b, filepath.Join(dir, "segments")) - txlog.DefaultSegmentBytes
	b.ReportMetric(float64(sealed), "sealed-B")
}

func diskBytes(b *testing.B, dir string) (total int64) {
	b.Helper()
	ok(b, filepath.WalkDir(dir, func(_ string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			info := must(entry.Info())
			total += info.Size()
		}
		return err
	}))
	return total
}
