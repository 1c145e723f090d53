package cash

import (
	"bytes"
	"fmt"
	"slices"
)

// noteSet remembers points by their nullifiers, each with a byte: sorted records that never change once they are
// made, of which a snapshot is made without copying and which is loaded by taking it as it is, and what came since in
// a map. A record takes its own bytes; what came since, which takes twice as much and more, is merged in when it is a
// sixteenth of the rest.
type noteSet struct {
	size   int    // of a record: a nullifier, or with a byte behind
	sorted []byte // ascending records, shared with snapshots
	fresh  map[Nullifier]uint8
}

// mergeFrom is how much comes together before the first merge.
const mergeFrom = 1 << 12

func newNoteSet(size int) noteSet { return noteSet{size: size, fresh: map[Nullifier]uint8{}} }

// find looks for a nullifier, and returns its byte.
func (s *noteSet) find(n Nullifier) (value uint8, found bool) {
	if value, found = s.fresh[n]; found {
		return value, true
	}
	at := s.place(n)
	if at == len(s.sorted) || !bytes.Equal(s.sorted[at:at+nullifierBytes], n[:]) {
		return 0, false
	}
	if s.size > nullifierBytes {
		value = s.sorted[at+nullifierBytes]
	}
	return value, true
}

// place is where a nullifier stands among the sorted records, or would. Nullifiers are of a hash, so evenly spread:
// the guess is near, and steps that double find both sides of it.
func (s *noteSet) place(n Nullifier) int {
	count := len(s.sorted) / s.size
	less := func(i int) bool { return bytes.Compare(s.sorted[i*s.size:i*s.size+nullifierBytes], n[:]) < 0 }
	guess := int(uint64(n[0])<<24|uint64(n[1])<<16|uint64(n[2])<<8|uint64(n[3])) * count >> 32
	low, high := 0, count // the place is within
	for step := 64; guess > low && !less(guess-1); step *= 2 {
		high, guess = guess-1, max(guess-step, 0)
	}
	low = min(guess, high)
	for step, at := 64, low; at < high && less(at); step *= 2 {
		low, at = at+1, min(at+step, high)
	}
	for low < high {
		if middle := (low + high) / 2; less(middle) {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low * s.size
}

// add remembers a nullifier, which must not be there yet. Mostly it is one entry of a map; a merge moves at most 16
// records for each note that came since the last one.
func (s *noteSet) add(n Nullifier, value uint8) {
	s.fresh[n] = value
	if fresh := len(s.fresh); fresh >= mergeFrom && fresh >= s.count()/16 {
		s.merge()
	}
}

// count is how many there are.
func (s *noteSet) count() int { return len(s.sorted)/s.size + len(s.fresh) }

// merge makes new sorted records of all. Snapshots keep the old ones.
func (s *noteSet) merge() {
	type record struct {
		key   Nullifier
		value uint8
	}
	came := make([]record, 0, len(s.fresh))
	// any order: sorted next
	for n, value := range s.fresh {
		came = append(came, record{n, value})
	}
	slices.SortFunc(came, func(a, b record) int { return bytes.Compare(a.key[:], b.key[:]) })
	merged := make([]byte, 0, len(s.sorted)+len(came)*s.size)
	rest := s.sorted
	for _, r := range came {
		at := (&noteSet{size: s.size, sorted: rest}).place(r.key)
		merged, rest = append(merged, rest[:at]...), rest[at:]
		if merged = append(merged, r.key[:]...); s.size > nullifierBytes {
			merged = append(merged, r.value)
		}
	}
	s.sorted, s.fresh = append(merged, rest...), map[Nullifier]uint8{}
}

// records are all of it, sorted; nobody changes them.
func (s *noteSet) records() []byte {
	if len(s.fresh) > 0 {
		s.merge()
	}
	return s.sorted
}

// load takes sorted records as they are. Those of an earlier version of the program may not be sorted: they are then.
// The records are the set's from now on.
func (s *noteSet) load(records []byte, maxValue uint8) error {
	if len(records)%s.size != 0 {
		return fmt.Errorf("%d bytes are no whole records of %d", len(records), s.size)
	}
	ordered := true
	for at := s.size; at < len(records) && ordered; at += s.size {
		ordered = bytes.Compare(records[at-s.size:at-s.size+nullifierBytes], records[at:at+nullifierBytes]) < 0
	}
	if !ordered {
		sortRecords(records, s.size)
	}
	if s.size > nullifierBytes {
		for at := nullifierBytes; at < len(records); at += s.size {
			if records[at] > maxValue {
				return fmt.Errorf("a note is of denomination %d of %d", records[at], maxValue+1)
			}
		}
	}
	s.sorted, s.fresh = records, map[Nullifier]uint8{}
	return nil
}

// sortRecords sorts records of equal size within one slice.
func sortRecords(all []byte, size int) {
	records := make([][nullifierBytes + 1]byte, len(all)/size)
	for i := range records {
		copy(records[i][:], all[i*size:(i+1)*size])
	}
	slices.SortFunc(records, func(a, b [nullifierBytes + 1]byte) int { return bytes.Compare(a[:], b[:]) })
	for i := range records {
		copy(all[i*size:], records[i][:size])
	}
}
