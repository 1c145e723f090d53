package txlog_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/aqsha/aqsha/internal/sim/disk"
	"github.com/aqsha/aqsha/txlog"
)

// segmentSeeds are a small log's segment, whole and spoiled in typical ways.
func segmentSeeds(f *testing.F) [][]byte {
	d := disk.New(1)
	l := open(f, onDisk(f, d))
	grow(f, l, 9, 3)
	whole := bytes.TrimRight(d.Contents(firstSegment), "\x00")
	seeds := [][]byte{nil, whole, whole[:512], whole[:600], whole[:len(whole)-1], append(bytes.Clone(whole), make([]byte, 700)...)}
	for _, at := range []int{9, 20, 513, 520, 540, 590, 700} {
		poisoned := bytes.Clone(whole)
		poisoned[at] ^= 0x55
		seeds = append(seeds, poisoned)
	}
	return seeds
}

// FuzzSegment opens a log whose only segment holds any bytes: it refuses, or every
// entry that it has can be read and proved.
func FuzzSegment(f *testing.F) {
	for _, seed := range segmentSeeds(f) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		d := disk.New(1)
		l := open(t, onDisk(t, d))
		ok(t, l.Close())
		segment := must(d.FS().OpenReadWrite(firstSegment))
		ok(t, segment.Truncate(0))
		must(segment.WriteAt(content, 0))
		l, err := txlog.Open("log", onDisk(t, d))
		if err != nil {
			var damage *txlog.DamageError
			var input *txlog.InputError
			if !errors.As(err, &damage) && !errors.As(err, &input) {
				t.Fatalf("neither damage nor another log: %v", err)
			}
			return
		}
		defer l.Close()
		size, root, heights := l.State()
		i := uint64(0)
		for b, err := range l.Batches(0) {
			ok(t, err)
			for index, e := range b.Entries() {
				if index != i || !bytes.Equal(must(l.Entry(i)), e) {
					t.Fatalf("entry %d reads differently", i)
				}
				ok(t, txlog.VerifyInclusion(txlog.LeafHash(e), i, size, must(l.InclusionProof(i, size)), root))
				i++
			}
			heights--
		}
		if i != size || heights != 0 {
			t.Fatalf("%d entries of %d, %d batches missing", i, size, heights)
		}
	})
}

// FuzzCheckpoint: what parses is written again the same.
func FuzzCheckpoint(f *testing.F) {
	signer, verifiers := newKey(f)
	f.Add([]byte("log.example/test\n5\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"))
	f.Add([]byte("log.example/test\n0\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\nissued 7\n\n— x y\n"))
	f.Add([]byte("x\n007\nAAAA\n"))
	l := must(txlog.Open("log", onDisk(f, disk.New(1))))
	f.Add(must(l.Publish("issued 5", "redeemed 2")))
	ok(f, l.Close())
	_ = signer
	f.Fuzz(func(t *testing.T, data []byte) {
		if c, err := txlog.ParseCheckpoint(string(data)); err == nil && c.Text() != string(data) {
			t.Fatalf("%q was read as %q", data, c.Text())
		}
		if c, n, err := txlog.OpenCheckpoint(data, origin, verifiers); err == nil && (c.Text() != n.Text || len(n.Sigs) == 0) {
			t.Fatalf("%q opened as %q", data, c.Text())
		}
	})
}

// FuzzTilePath: what parses is written again the same.
func FuzzTilePath(f *testing.F) {
	for _, seed := range []string{"tile/0/000", "tile/entries/x001/x234/067.p/255", "tile/63/999", "tile/0/x000/001",
		"tile/8/0/001", "tile/0/001.p/256", "tile/-1/001", "tile/0/001.p/0", "tile/0/01", "tile/+1/001", "tile/0/001/", ""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, path string) {
		tile, err := txlog.ParseTilePath(path)
		if err == nil && (tile.Path() != path || tile.Width < 1 || tile.Width > 256 || tile.Level < -1 || tile.Level > 63) {
			t.Fatalf("%q was read as %+v", path, tile)
		}
	})
}
