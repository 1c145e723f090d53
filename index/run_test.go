package index

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// randomRecords are of a range of entries: some prefixes many times, as a shop's wallet.
func randomRecords(random *rand.Rand, first, size uint64, perEntry, popular int) []record {
	var records []record
	for entry := first; entry < size; entry++ {
		for range perEntry {
			prefix := random.Uint64()
			if popular > 0 && random.IntN(3) == 0 {
				prefix = uint64(random.IntN(popular)) << 60
			}
			records = append(records, record{prefix, entry})
		}
	}
	return records
}

func TestSortingIsByPrefixThenEntry(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		records := randomRecords(random, 5, 5+rapid.Uint64Range(0, 2000).Draw(t, "entries"), 2, rapid.IntRange(0, 9).Draw(t, "popular"))
		want := slices.Clone(records)
		slices.SortFunc(want, record.compare)
		sortRecords(records, nil)
		if !slices.Equal(records, want) {
			t.Fatal("not sorted")
		}
	})
}

// parts are adjacent runs in memory, and all their records sorted.
func parts(random *rand.Rand, count int, entries uint64) (runs []*run, all [tables][]record) {
	at := uint64(0)
	for range count {
		r := &run{first: at, size: at + entries}
		for t := range tables {
			r.memory[t] = randomRecords(random, at, at+entries, 3, int(t)*5)
			all[t] = append(all[t], r.memory[t]...)
			sortRecords(r.memory[t], nil)
		}
		runs = append(runs, r)
		at += entries
	}
	for t := range tables {
		slices.SortFunc(all[t], record.compare)
	}
	return runs, all
}

// What a file gives back is what was merged into it, at every place asked for.
func TestAFileIsItsRunsMerged(t *testing.T) {
	network := token.NetworkID{7}
	random := rand.New(rand.NewPCG(1, 2))
	for _, entries := range []uint64{1, 85, 1700} { // 85 entries fill one page exactly
		dir := t.TempDir()
		runs, all := parts(random, 4, entries)
		r, err := writeRun(vfs.OS, dir, network, runs)
		if err != nil {
			t.Fatal(err)
		}
		for kind := range tables {
			c := r.cursor(kind)
			if c.len() != len(all[kind]) {
				t.Fatalf("%d records, want %d", c.len(), len(all[kind]))
			}
			for i, want := range all[kind] {
				if got := c.at(i); got != want {
					t.Fatalf("record %d is %v, want %v", i, got, want)
				}
			}
			for range 500 {
				place := record{random.Uint64(), random.Uint64N(4 * entries)}
				if random.IntN(2) == 0 {
					place.prefix = all[kind][random.IntN(len(all[kind]))].prefix
				}
				want, _ := slices.BinarySearchFunc(all[kind], place, record.compare)
				if got := c.before(place); got != want {
					t.Fatalf("%d records before %v, want %d", got, place, want)
				}
			}
		}
		// Merging files gives what merging their parts gives.
		again, err := writeRun(vfs.OS, t.TempDir(), network, []*run{r})
		if err != nil {
			t.Fatal(err)
		}
		a, _ := os.ReadFile(r.file.path)
		b, _ := os.ReadFile(again.file.path)
		if !slices.Equal(a, b) {
			t.Error("a file of a file differs")
		}
		_ = again.file.f.Close()
		_ = r.file.f.Close()
	}
}

// Damage to any page is found when it is read, or at the start, and never answered from.
func TestDamageIsFound(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	dir, network := t.TempDir(), token.NetworkID{7}
	runs, _ := parts(random, 2, 300)
	r, err := writeRun(vfs.OS, dir, network, runs)
	if err != nil {
		t.Fatal(err)
	}
	_ = r.file.f.Close()
	content, err := os.ReadFile(r.file.path)
	if err != nil {
		t.Fatal(err)
	}
	for page := range len(content) / pageBytes {
		damaged := slices.Clone(content)
		damaged[page*pageBytes+random.IntN(pageBytes)] ^= 1 << random.IntN(8)
		if err := os.WriteFile(r.file.path, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		found, err := openRun(vfs.OS, dir, filepath.Base(r.file.path), network)
		for kind := range tables {
			for i := 0; err == nil && i < found.cursor(kind).len(); i += recordsPerPage {
				c := found.cursor(kind)
				c.at(i)
				err = c.err
			}
		}
		if damage := (*DamageError)(nil); !errors.As(err, &damage) {
			t.Errorf("page %d was changed and read: %v", page, err)
		}
		if found != nil {
			_ = found.file.f.Close()
		}
	}
	if err := os.WriteFile(r.file.path, content[:len(content)-pageBytes], 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := openRun(vfs.OS, dir, filepath.Base(r.file.path), network); err == nil {
		t.Error("a file that lacks its end was opened")
	}
}

// FuzzOpenRun opens whatever stands in a file: an error, or records, never a panic.
func FuzzOpenRun(f *testing.F) {
	network := token.NetworkID{7}
	runs, _ := parts(rand.New(rand.NewPCG(5, 6)), 2, 60)
	dir := f.TempDir()
	r, err := writeRun(vfs.OS, dir, network, runs)
	if err != nil {
		f.Fatal(err)
	}
	content, _ := os.ReadFile(r.file.path)
	_ = r.file.f.Close()
	f.Add(content)
	f.Add(content[:pageBytes])
	f.Fuzz(func(t *testing.T, content []byte) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "x"), content, 0o600); err != nil {
			t.Fatal(err)
		}
		r, err := openRun(vfs.OS, dir, "x", network)
		if err != nil {
			return
		}
		for kind := range tables {
			c := r.cursor(kind)
			for i := range c.len() {
				c.at(i)
			}
			c.before(record{1 << 63, 1})
		}
		_ = r.file.f.Close()
	})
}
