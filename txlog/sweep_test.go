package txlog_test

import (
	"bytes"
	"math/rand/v2"
	"os"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/aqsha/aqsha/internal/sim/disk"
	"github.com/aqsha/aqsha/txlog"
)

// sweptSizes are numbers of entries: all up to 5,000 when SWEEP is "all", else those around powers of two and around where
// tiles and bundles are full, of which only each 331st between.
func sweptSizes() (sizes []uint64) {
	near := map[uint64]bool{}
	for power := uint64(1); power <= 4096; power *= 2 {
		near[power-1], near[power], near[power+1] = true, true, true
	}
	for full := uint64(256); full <= 5000; full += 256 * 5 {
		near[full-1], near[full], near[full+1] = true, true, true
	}
	for n := range uint64(5_001) {
		if os.Getenv("SWEEP") == "all" || near[n] || n%331 == 0 || n < 4 {
			sizes = append(sizes, n)
		}
	}
	return sizes
}

// Logs of every size, of one batch and of many, with segments so small that borders lie everywhere, closed in the middle
// and at the end, have the entries, tiles, roots and proofs of a plain tree.
func TestLogsOfEverySize(t *testing.T) {
	plain := &reference{}
	for _, n := range sweptSizes() {
		for uint64(len(plain.entries)) < n {
			plain.add([][]byte{entry(uint64(len(plain.entries)))})
		}
		rng := rand.New(rand.NewPCG(n, 7))
		d := disk.New(n)
		options := onDisk(t, d)
		options.SegmentBytes = int64(600 + rng.IntN(60_000))
		l := must(txlog.Open("log", options))
		lengths := []uint64{max(1, n), 1 + n/64, 256, 255}[n%4]
		appendUpTo(t, l, n/2, lengths)
		ok(t, l.Close())
		d.Restart()
		options.FS = d.FS()
		l = must(txlog.Open("log", options))
		appendUpTo(t, l, n, lengths)
		sameAsPlain(t, l, plain, n, rng)
		ok(t, l.Close())
		d.Kill()
		options.FS = d.FS()
		l = must(txlog.Open("log", options))
		sameAsPlain(t, l, plain, n, rng)
		ok(t, l.Close())
		if t.Failed() {
			t.Fatalf("%d entries in batches of %d, segments of %d bytes", n, lengths, options.SegmentBytes)
		}
	}
}

// appendUpTo commits batches of a length, in groups of some.
func appendUpTo(t testing.TB, l *txlog.Log, size, length uint64) {
	t.Helper()
	for next := l.Size(); next < size; {
		var group []*txlog.Batch
		for range 1 + length%3 {
			if next < size {
				end := min(size, next+length)
				group = append(group, must(l.Stage(batchOf(next, end))))
				next = end
			}
		}
		ok(t, l.Commit(group...))
	}
}

// sameAsPlain compares all entries, every tile, and proofs at sizes where something begins or ends.
func sameAsPlain(t testing.TB, l *txlog.Log, plain *reference, n uint64, rng *rand.Rand) {
	t.Helper()
	expectEntries(t, l, n)
	if must(l.Root(n)) != plain.root(n) {
		t.Fatalf("root of %d entries differs", n)
	}
	for level := 0; n>>(8*level) > 0; level++ {
		hashes := n >> (8 * level)
		for index := uint64(0); index*256 < hashes; index++ {
			tile := txlog.Tile{Level: level, Index: index, Width: int(min(256, hashes-index*256))}
			want := must(tlog.ReadTileData(tlog.Tile{H: 8, L: level, N: int64(index), W: tile.Width}, plain))
			if got := must(l.ReadTile(tile)); !bytes.Equal(got, want) {
				t.Fatalf("%d entries: tile %d of level %d differs", n, index, level)
			}
		}
	}
	for index := uint64(0); index*256 < n; index++ {
		at := index * 256
		bundle := must(l.ReadBundle(txlog.Tile{Level: txlog.EntriesLevel, Index: index, Width: int(min(256, n-at))}))
		for e, err := range txlog.SplitBundle(bundle) {
			if ok(t, err); !bytes.Equal(e, plain.entries[at]) {
				t.Fatalf("%d entries: entry %d differs in its bundle", n, at)
			}
			at++
		}
		if at != min(n, (index+1)*256) {
			t.Fatalf("%d entries: bundle %d ends at %d", n, index, at)
		}
	}
	if n == 0 {
		return
	}
	for _, index := range []uint64{0, n / 2, n - 1, rng.Uint64N(n)} {
		for _, size := range []uint64{index + 1, n, index + 1 + rng.Uint64N(n-index)} {
			proof := must(l.InclusionProof(index, size))
			if !sameHashes(must(tlog.ProveRecord(int64(size), int64(index), plain)), proof) {
				t.Fatalf("inclusion proof of %d in %d differs", index, size)
			}
			if old := 1 + rng.Uint64N(size); !sameHashes(must(tlog.ProveTree(int64(size), int64(old), plain)), must(l.ConsistencyProof(old, size))) {
				t.Fatalf("consistency proof from %d to %d differs", old, size)
			}
		}
		if got := must(l.Entry(index)); !bytes.Equal(got, plain.entries[index]) {
			t.Fatalf("entry %d differs", index)
		}
	}
}
