package index

import (
	"cmp"
	"encoding/binary"
	"slices"
)

// record says that an id, of which it keeps the first eight bytes, stands in an entry of the log. Ids
// are hashes: hardly ever do two share those bytes, and then the entries tell them apart.
type record struct {
	prefix uint64
	entry  uint64
}

const recordBytes = 16

// prefixOf are an id's first eight bytes.
func prefixOf(id []byte) uint64 { return binary.BigEndian.Uint64(id) }

// compare orders by prefix, and records of one prefix by entry.
func (r record) compare(other record) int {
	return cmp.Or(cmp.Compare(r.prefix, other.prefix), cmp.Compare(r.entry, other.entry))
}

// Sorting goes by the top bits first: 22 of them leave hardly two records of a block together.
const (
	radixBits = 11
	radixOver = 256 // records from which on that is quicker than comparing
)

// sortRecords sorts records that stand in order of their entries. It uses scratch, grown when too small, and returns
// it.
func sortRecords(records, scratch []record) []record {
	if len(records) < radixOver {
		slices.SortStableFunc(records, record.compare)
		return scratch
	}
	scratch = slices.Grow(scratch[:0], len(records))[:len(records)]
	scatter(scratch, records, 64-2*radixBits)
	scatter(records, scratch, 64-radixBits)
	for i := 1; i < len(records); i++ { // nearly in order already
		r := records[i]
		j := i
		for ; j > 0 && records[j-1].compare(r) > 0; j-- {
			records[j] = records[j-1]
		}
		records[j] = r
	}
	return scratch
}

// scatter copies records in order of a few bits, those with the same bits as they stood.
func scatter(to, from []record, shift uint) {
	var starts [1 << radixBits]uint32
	for _, r := range from {
		starts[r.prefix>>shift&(1<<radixBits-1)]++
	}
	at := uint32(0)
	for i, count := range starts {
		starts[i] = at
		at += count
	}
	for _, r := range from {
		digit := r.prefix >> shift & (1<<radixBits - 1)
		to[starts[digit]] = r
		starts[digit]++
	}
}

// mergeRecords merges two sorted lists, of which the first is of earlier entries.
func mergeRecords(a, b []record) []record {
	merged := make([]record, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		if a[0].prefix <= b[0].prefix {
			merged, a = append(merged, a[0]), a[1:]
		} else {
			merged, b = append(merged, b[0]), b[1:]
		}
	}
	return append(append(merged, a...), b...)
}
