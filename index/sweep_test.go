package index

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"github.com/aqsha/aqsha/internal/sim/disk"
	"github.com/aqsha/aqsha/token"
)

// sweptSizes are numbers of records: all up to 5,000 when SWEEP is "all", else those around where a page, or the page of
// fences behind the others, is full, and some between.
func sweptSizes() (sizes []int) {
	for n := range 5_001 {
		if os.Getenv("SWEEP") == "all" || n%331 == 0 || n < 4 || (n+1)%(4*recordsPerPage) < 3 {
			sizes = append(sizes, n)
		}
	}
	if os.Getenv("SWEEP") != "all" {
		return append(sizes, fencesPerPage*recordsPerPage/2+1) // of both tables together, more than a page of fences
	}
	for _, n := range []int{fencesPerPage * recordsPerPage, 2 * fencesPerPage * recordsPerPage} {
		sizes = append(sizes, n-1, n, n+1)
	}
	return sizes
}

// An index of every size finds after a restart what it found before, and nothing else: in two files beside each other, from
// the file they are merged into, and with records of one id over several pages.
func TestIndexesOfEverySize(t *testing.T) {
	network := token.NetworkID{5}
	for _, n := range sweptSizes() {
		rng := rand.New(rand.NewPCG(uint64(n), 3))
		d := disk.New(uint64(n))
		fs := d.FS()
		if err := fs.MkdirAll("index"); err != nil {
			t.Fatal(err)
		}
		model := map[uint64][]uint64{} // by prefix, the entries, the earliest first
		parts := [2]*run{{first: 0, size: uint64(n) + 1}, {first: uint64(n) + 1, size: 2*uint64(n) + 2}}
		for _, part := range parts {
			for i := range n {
				r := record{prefix: spread * uint64(rng.IntN(1+n/3)), entry: part.first + uint64(i)}
				if i%7 == 0 {
					r.prefix = 0 // a wallet that is in everything
				}
				model[r.prefix] = append(model[r.prefix], r.entry)
				part.memory[ofWallets] = append(part.memory[ofWallets], r)
				if i%2 == 0 {
					part.memory[ofIDs] = append(part.memory[ofIDs], record{prefix: spread * uint64(1<<32+i), entry: r.entry})
				}
			}
			for table := range tables {
				sortRecords(part.memory[table], nil)
			}
			written, err := writeRun(fs, "index", network, []*run{part})
			if err != nil {
				t.Fatalf("%d records: %v", n, err)
			}
			_ = written.file.f.Close()
		}
		check := func(what string) *Index {
			d.Kill()
			fs = d.FS()
			x := &Index{fs: fs, dir: "index", network: network}
			if err := x.load(); err != nil || x.Size() != parts[1].size {
				t.Fatalf("%d records, %s: at entry %d: %v", n, what, x.Size(), err)
			}
			for _, prefix := range []uint64{0, 1, uint64(n / 6), uint64(n / 3), uint64(n), 1 << 40, ^uint64(0)} {
				prefix *= spread
				want := slices.Clone(model[prefix])
				slices.Reverse(want)
				got, err := x.find(ofWallets, binary.BigEndian.AppendUint64(nil, prefix), noEntry, 1<<30)
				if err != nil || !slices.Equal(got, want) {
					t.Fatalf("%d records, %s: prefix %d stands in %s, want %s: %v", n, what, prefix, brief(got), brief(want), err)
				}
			}
			return x
		}
		x := check("two files")
		merged, err := writeRun(fs, "index", network, x.disk)
		if err != nil {
			t.Fatal(err)
		}
		_ = merged.file.f.Close()
		check("merged")
	}
}

// spread makes prefixes of numbers, as those of ids lie: sorting goes by their top bits.
const spread = 0x9e3779b97f4a7c15

func brief(entries []uint64) string {
	return fmt.Sprintf("%d entries beginning %v", len(entries), entries[:min(4, len(entries))])
}
