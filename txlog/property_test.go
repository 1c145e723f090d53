package txlog_test

import (
	"bytes"
	"slices"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"

	"github.com/aqsha/aqsha/internal/sim/disk"
	"github.com/aqsha/aqsha/txlog"
)

// reference keeps a log the simple way, with the Go checksum database's functions.
type reference struct {
	entries [][]byte
	hashes  []tlog.Hash
	bounds  []uint64 // sizes after each batch
}

func (r *reference) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	list := make([]tlog.Hash, len(indexes))
	for i, x := range indexes {
		list[i] = r.hashes[x]
	}
	return list, nil
}

func (r *reference) add(batch [][]byte) {
	for _, e := range batch {
		stored := must(tlog.StoredHashes(int64(len(r.entries)), e, r))
		r.hashes = append(r.hashes, stored...)
		r.entries = append(r.entries, e)
	}
	r.bounds = append(r.bounds, uint64(len(r.entries)))
}

func (r *reference) root(size uint64) txlog.Hash {
	if size == 0 {
		return txlog.EmptyRoot
	}
	return txlog.Hash(must(tlog.TreeHash(int64(size), r)))
}

var entryGenerator = rapid.SliceOfN(rapid.Byte(), 1, 40)

// TestAnyHistory: whatever is staged, grouped, committed, published and reopened,
// roots, entries, boundaries and proofs are those of the reference.
func TestAnyHistory(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d, model := disk.New(1), &reference{}
		options := func() txlog.Options {
			return txlog.Options{Origin: origin, FS: d.FS(), SegmentBytes: rapid.Int64Range(600, 9000).Draw(t, "segment"),
				Background: func(work func()) { work() }}
		}
		l, err := txlog.Open("log", options())
		if err != nil {
			t.Fatal(err)
		}
		for range rapid.IntRange(1, 12).Draw(t, "commits") {
			var group []*txlog.Batch
			for range rapid.IntRange(1, 4).Draw(t, "batches") {
				var entries [][]byte
				if rapid.IntRange(0, 9).Draw(t, "large") == 0 {
					entries = batchOf(0, 300) // crosses a bundle at once
				} else {
					entries = rapid.SliceOfN(entryGenerator, 1, 20).Draw(t, "entries")
				}
				b, err := l.Stage(entries)
				if err != nil {
					t.Fatal(err)
				}
				model.add(entries)
				if b.Root() != model.root(b.Size()) {
					t.Fatalf("staged root at %d differs", b.Size())
				}
				group = append(group, b)
			}
			if err := l.Commit(group...); err != nil {
				t.Fatal(err)
			}
			if rapid.Bool().Draw(t, "reopen") {
				_ = l.Close()
				if l, err = txlog.Open("log", options()); err != nil {
					t.Fatal(err)
				}
			}
		}
		compare(t, l, model)
		_ = l.Close()
	})
}

func compare(t *rapid.T, l *txlog.Log, model *reference) {
	size := uint64(len(model.entries))
	if l.Size() != size || l.Heights() != uint64(len(model.bounds)) {
		t.Fatalf("log has %d entries in %d batches", l.Size(), l.Heights())
	}
	from := rapid.Uint64Range(0, size).Draw(t, "from")
	to := rapid.Uint64Range(from, size).Draw(t, "to")
	var read [][]byte
	for e, err := range l.Entries(from, to) {
		if err != nil {
			t.Fatal(err)
		}
		read = append(read, bytes.Clone(e))
	}
	if !slices.EqualFunc(read, model.entries[from:to], bytes.Equal) {
		t.Fatalf("entries %d to %d differ", from, to)
	}
	height := rapid.Uint64Range(0, uint64(len(model.bounds))).Draw(t, "height")
	for b, err := range l.Batches(height) {
		if err != nil {
			t.Fatal(err)
		}
		if b.Height != height || b.Size() != model.bounds[height] || b.Root != model.root(b.Size()) {
			t.Fatalf("batch %d is %+v", height, b.BatchInfo)
		}
		height++
	}
	if height != uint64(len(model.bounds)) {
		t.Fatalf("batches end at %d", height)
	}
	index := rapid.Uint64Range(0, size-1).Draw(t, "index")
	if e, err := l.Entry(index); err != nil || !bytes.Equal(e, model.entries[index]) {
		t.Fatalf("entry %d: %x, %v", index, e, err)
	}
	bundle, err := l.ReadBundle(txlog.Tile{Level: txlog.EntriesLevel, Index: index / 256, Width: int(min(256, size-index/256*256))})
	if err != nil || len(bundle) < 3 {
		t.Fatalf("bundle: %v", err)
	}
	at := rapid.Uint64Range(index+1, size).Draw(t, "size")
	if root, err := l.Root(at); err != nil || root != model.root(at) {
		t.Fatalf("root at %d: %v, %v", at, root, err)
	}
	proveInclusion(t, l, model, index, at)
	proveConsistency(t, l, model, rapid.Uint64Range(0, at).Draw(t, "old"), at)
}

func proveInclusion(t *rapid.T, l *txlog.Log, model *reference, index, size uint64) {
	proof, err := l.InclusionProof(index, size)
	if err != nil {
		t.Fatal(err)
	}
	if !sameHashes(must(tlog.ProveRecord(int64(size), int64(index), model)), proof) {
		t.Fatalf("inclusion proof of %d in %d differs", index, size)
	}
	leaf, root := txlog.LeafHash(model.entries[index]), model.root(size)
	if err := txlog.VerifyInclusion(leaf, index, size, proof, root); err != nil {
		t.Fatal(err)
	}
	for name, wrong := range poisoned(t, proof) {
		if txlog.VerifyInclusion(leaf, index, size, wrong, root) == nil {
			t.Fatalf("inclusion of %d in %d verifies with %s", index, size, name)
		}
	}
	other := leaf
	other[3] ^= 1
	if txlog.VerifyInclusion(other, index, size, proof, root) == nil ||
		txlog.VerifyInclusion(leaf, size, size, proof, root) == nil ||
		txlog.VerifyInclusion(leaf, index, size, proof, other) == nil {
		t.Fatal("a wrong leaf, index or root verifies")
	}
}

func proveConsistency(t *rapid.T, l *txlog.Log, model *reference, old, size uint64) {
	proof, err := l.ConsistencyProof(old, size)
	if err != nil {
		t.Fatal(err)
	}
	if old > 0 && !sameHashes(must(tlog.ProveTree(int64(size), int64(old), model)), proof) {
		t.Fatalf("consistency proof from %d to %d differs", old, size)
	}
	oldRoot, newRoot := model.root(old), model.root(size)
	if err := txlog.VerifyConsistency(old, size, oldRoot, newRoot, proof); err != nil {
		t.Fatal(err)
	}
	for name, wrong := range poisoned(t, proof) {
		if txlog.VerifyConsistency(old, size, oldRoot, newRoot, wrong) == nil {
			t.Fatalf("consistency from %d to %d verifies with %s", old, size, name)
		}
	}
	other := oldRoot
	other[0] ^= 1
	if txlog.VerifyConsistency(old, size, other, newRoot, proof) == nil {
		t.Fatal("a wrong old root verifies")
	}
	if old > 0 && txlog.VerifyConsistency(old, size, oldRoot, other, proof) == nil {
		t.Fatal("a wrong new root verifies")
	}
	if old < size && txlog.VerifyConsistency(size, old, newRoot, oldRoot, proof) == nil {
		t.Fatal("a log that shrinks verifies")
	}
}

// poisoned are proofs that must not verify.
func poisoned(t *rapid.T, proof []txlog.Hash) map[string][]txlog.Hash {
	wrong := map[string][]txlog.Hash{"a hash more": append(slices.Clone(proof), txlog.Hash{1})}
	if len(proof) > 0 {
		wrong["a hash less"] = proof[:len(proof)-1]
		flipped := slices.Clone(proof)
		flipped[rapid.IntRange(0, len(proof)-1).Draw(t, "hash")][rapid.IntRange(0, 31).Draw(t, "byte")] ^= 0x40
		wrong["a bit flipped"] = flipped
	}
	if len(proof) > 1 && proof[0] != proof[1] {
		swapped := slices.Clone(proof)
		swapped[0], swapped[1] = swapped[1], swapped[0]
		wrong["two hashes swapped"] = swapped
	}
	return wrong
}
