package txlog

import (
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sort"
	"sync"
)

// BatchInfo describes a durable batch.
type BatchInfo struct {
	Height     uint64
	FirstIndex uint64
	Count      int
	Root       Hash // of the log after the batch
}

// Size is the size of the log after the batch.
func (b BatchInfo) Size() uint64 { return b.FirstIndex + uint64(b.Count) }

// StoredBatch is a batch as an iterator yields it; it is valid until the next. Its memory belongs to the iterator.
type StoredBatch struct {
	BatchInfo
	body []byte
}

// Entries yields the batch's entries with their indices. They are valid as long as
// the batch and must not be changed.
func (b *StoredBatch) Entries() iter.Seq2[uint64, []byte] {
	return func(yield func(uint64, []byte) bool) {
		index := b.FirstIndex
		for start, end := range spans(b.body) {
			if !yield(index, b.body[start:end:end]) {
				return
			}
			index++
		}
	}
}

// spans yields where each entry of a checked body starts and ends.
func spans(body []byte) iter.Seq2[int, int] {
	return func(yield func(int, int) bool) {
		for at := 0; at < len(body); {
			start := at + lengthBytes
			at = start + int(binary.BigEndian.Uint16(body[at:]))
			if !yield(start, at) {
				return
			}
		}
	}
}

// segmentOf is the number of the segment with the entry at index.
func (v *view) segmentOf(index uint64) int {
	return sort.Search(len(v.segments), func(i int) bool { return v.segments[i].header.firstIndex > index }) - 1
}

// segmentAt is the number of the segment with the batch at height.
func (v *view) segmentAt(height uint64) int {
	return sort.Search(len(v.segments), func(i int) bool { return v.segments[i].header.firstHeight > height }) - 1
}

// section is a segment in use, as it was at one moment.
type section struct {
	*segment
	positions *positions
	end       int64
	nextIndex uint64
}

// section takes a segment into use until release.
func (l *Log) section(v *view, number int) (section, error) {
	s := v.segments[number]
	if err := l.acquire(s); err != nil {
		return section{}, err
	}
	if number == len(v.segments)-1 {
		return section{s, &v.positions, v.end, v.size}, nil
	}
	p, err := l.positionsOf(s)
	if err != nil {
		l.release(s)
		return section{}, err
	}
	return section{s, p, s.end, s.nextIndex}, nil
}

// Batch describes the batch at a height.
func (l *Log) Batch(height uint64) (BatchInfo, error) {
	v := l.view()
	if height >= v.heights {
		return BatchInfo{}, outOfRange("height", height, v.heights)
	}
	s, err := l.section(&v, v.segmentAt(height))
	if err != nil {
		return BatchInfo{}, err
	}
	defer l.release(s.segment)
	return s.info(int(height - s.header.firstHeight))
}

// BatchOf describes the batch that holds the entry at index.
func (l *Log) BatchOf(index uint64) (BatchInfo, error) {
	v := l.view()
	if index >= v.size {
		return BatchInfo{}, outOfRange("index", index, v.size)
	}
	s, err := l.section(&v, v.segmentOf(index))
	if err != nil {
		return BatchInfo{}, err
	}
	defer l.release(s.segment)
	return s.info(s.positions.batchOf(index))
}

// info reads the header of a segment's i-th batch.
func (s *section) info(i int) (BatchInfo, error) {
	h, err := s.recordAt(i)
	return BatchInfo{Height: h.height, FirstIndex: h.firstIndex, Count: int(h.count), Root: h.root}, err
}

// recordAt reads the header of the segment's i-th batch, which must be the one that the index says.
func (s *section) recordAt(i int) (recordHeader, error) {
	at := int64(s.positions.offsets[i])
	h, err := readRecordHeader(s.file, at, s.header.salt)
	wantHeight := s.header.firstHeight + uint64(i)
	wantIndex := s.positions.firstIndex + uint64(s.positions.firsts[i])
	if err == nil && (h.height != wantHeight || h.firstIndex != wantIndex) {
		err = frameError(fmt.Sprintf("here lies batch %d from entry %d", h.height, h.firstIndex))
	}
	return h, s.blame(err, at, wantHeight, wantIndex)
}

// blame turns a frameError into damage of this segment.
func (s *section) blame(err error, at int64, height, index uint64) error {
	var frame frameError
	if errors.As(err, &frame) {
		return &DamageError{File: s.path, Offset: at, Height: height, Index: index, Reason: string(frame)}
	}
	return err
}

// Entry returns the entry at index, checked against its hash in the tree. The bytes are the caller's. An index beyond
// the durable log is an *InputError, a hash that does not fit a *DamageError.
func (l *Log) Entry(index uint64) ([]byte, error) {
	v := l.view()
	if index >= v.size {
		return nil, outOfRange("index", index, v.size)
	}
	run, err := l.entries(&v, nil, index, index+1)
	if err != nil {
		return nil, err
	}
	return run[lengthBytes:], nil
}

// entries appends the entries [from, to), with their lengths, and checks each one against the tree: this is the form of
// a bundle in C2SP tlog-tiles, of which the range must not leave one. So a disk that gives back other bytes is found
// out at every read, not only when the log is opened.
func (l *Log) entries(v *view, out []byte, from, to uint64) ([]byte, error) {
	var space [tileWidth]Hash
	hashes := space[:to-from]
	if err := l.tiles.read(0, from, hashes); err != nil {
		return nil, err
	}
	for from < to {
		s, err := l.section(v, v.segmentOf(from))
		if err != nil {
			return nil, err
		}
		until := min(to, s.nextIndex)
		out, err = s.appendEntries(out, from, until, hashes)
		l.release(s.segment)
		if err != nil {
			return nil, err
		}
		hashes = hashes[until-from:]
		from = until
	}
	return out, nil
}

// bodies are buffers of bundles that were read: whoever looks up an entry here and there would clear some 64 KiB for each.
// None larger than maxBodyKept is kept.
var bodies = sync.Pool{New: func() any { return new([]byte) }}

const maxBodyKept = 1 << 20

// appendEntries reads batch by batch what of [from, to) lies in this segment.
func (s *section) appendEntries(out []byte, from, to uint64, hashes []Hash) ([]byte, error) {
	kept := bodies.Get().(*[]byte)
	defer bodies.Put(kept)
	body := *kept
	for from < to {
		i := s.positions.batchOf(from)
		start, index := int64(s.positions.offsets[i])+recordHeaderBytes,
			s.positions.firstIndex+uint64(s.positions.firsts[i])
		end, last := s.end, s.nextIndex
		if i+1 < len(s.positions.offsets) {
			end, last = int64(s.positions.offsets[i+1]), s.positions.firstIndex+uint64(s.positions.firsts[i+1])
		}
		// Bundle boundaries within the batch narrow what is to be read.
		if b := from / tileWidth; b*tileWidth >= index {
			start, index = int64(s.positions.bundles[b-s.positions.firstBundle()]), b*tileWidth
		}
		if b := (to + tileWidth - 1) / tileWidth; b*tileWidth < last {
			end = int64(s.positions.bundles[b-s.positions.firstBundle()])
		}
		if body = slices.Grow(body[:0], int(end-start))[:end-start]; cap(body) <= maxBodyKept {
			*kept = body
		}
		if _, err := s.file.ReadAt(body, start); err != nil {
			return nil, s.blame(frameError(err.Error()), start, s.header.firstHeight+uint64(i), index)
		}
		last = min(last, to)
		at := 0
		for ; index < last; index++ {
			next := at + lengthBytes
			if next <= len(body) {
				next += int(binary.BigEndian.Uint16(body[at:]))
			}
			if next > len(body) {
				return nil, s.blame(frameError("entry runs out of its batch"), start+int64(at),
					s.header.firstHeight+uint64(i), index)
			}
			if index >= from {
				if leafHashAt(body, at+lengthBytes, next) != hashes[0] {
					return nil, s.blame(frameError("entry does not have the hash that the tree has"), start+int64(at),
						s.header.firstHeight+uint64(i), index)
				}
				out = append(out, body[at:next]...)
				hashes = hashes[1:]
			}
			at = next
		}
		from = last
	}
	return out, nil
}
