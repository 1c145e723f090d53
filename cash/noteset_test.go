package cash

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// A set of notes is a map with less memory: whatever comes in whatever order, merged or not, saved and loaded.
func TestANoteSetIsAMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.SampledFrom([]int{nullifierBytes, signedBytes}).Draw(t, "size")
		set, want := newNoteSet(size), map[Nullifier]uint8{}
		// Few leading bits: neighbours, and ends of the range, are where a guess errs.
		draw := func() (n Nullifier) {
			prefix := rapid.SampledFrom([]uint32{0, 1, 1 << 16, 1 << 31, 1<<32 - 1, 7 << 27}).Draw(t, "prefix")
			binary.BigEndian.PutUint32(n[:], prefix)
			n[23] = rapid.Byte().Draw(t, "end")
			return n
		}
		for range rapid.IntRange(0, 60).Draw(t, "steps") {
			switch rapid.IntRange(0, 5).Draw(t, "step") {
			case 0:
				set.merge()
			case 1:
				saved := bytes.Clone(set.records())
				set = newNoteSet(size)
				if err := set.load(saved, 255); err != nil {
					t.Fatal(err)
				}
			default:
				n, value := draw(), rapid.Byte().Draw(t, "value")
				if size == nullifierBytes {
					value = 0
				}
				if _, there := want[n]; !there { // a point is signed and spent once
					set.add(n, value)
					want[n] = value
				}
			}
			n := draw()
			value, found := set.find(n)
			if there, is := want[n]; found != is || value != there {
				t.Fatalf("%x: %d %t, want %d %t", n, value, found, there, is)
			}
		}
		if set.count() != len(want) || len(set.records()) != size*len(want) {
			t.Fatal(set.count(), len(want))
		}
		for n, value := range want { // any order: each is asked for
			if got, found := set.find(n); !found || got != value {
				t.Fatalf("%x is lost", n)
			}
		}
	})
}

// What was saved before stays as it was: snapshots share its bytes.
func TestANoteSetsRecordsDoNotChange(t *testing.T) {
	set := newNoteSet(nullifierBytes)
	for i := range 3 * mergeFrom {
		set.add(numbered(i), 0)
	}
	saved := set.records()
	before := bytes.Clone(saved)
	for i := range 3 * mergeFrom {
		set.add(numbered(-1-i), 0)
	}
	set.records()
	if !bytes.Equal(saved, before) {
		t.Fatal("a snapshot has changed")
	}
	if set.count() != 6*mergeFrom {
		t.Fatal(set.count())
	}
}

// numbered is a nullifier as of a hash.
func numbered(i int) Nullifier {
	var raw [33]byte
	binary.BigEndian.PutUint64(raw[:], uint64(i))
	return nullifierOfBytes(raw)
}

// Records of a file are taken as they are only where they fit: whole, of known denominations; unsorted ones are sorted.
func TestRecordsThatAreLoaded(t *testing.T) {
	var records []byte
	for i := range 100 {
		n := numbered(i)
		records = append(append(records, n[:]...), byte(i%3))
	}
	set := newNoteSet(signedBytes)
	if err := set.load(records[:len(records)-1], 2); err == nil {
		t.Error("half a record was taken")
	}
	if err := set.load(slices.Clone(records), 1); err == nil {
		t.Error("a denomination that is not there was taken")
	}
	if err := set.load(records, 2); err != nil {
		t.Fatal(err)
	}
	for i := range 100 {
		if value, found := set.find(numbered(i)); !found || value != byte(i%3) {
			t.Fatal(i, value, found)
		}
	}
}
