package txlog

import (
	"errors"
	"io"
	"iter"
)

// Batches yields the durable batches from a height on, up to the last one at the
// time of the call, in large sequential reads. A batch is valid until the next.
// Checksums are verified, hashes are not: see Verify. After an error it ends.
func (l *Log) Batches(fromHeight uint64) iter.Seq2[*StoredBatch, error] {
	v := l.view()
	return func(yield func(*StoredBatch, error) bool) {
		if fromHeight > v.heights {
			yield(nil, outOfRange("fromHeight", fromHeight, v.heights))
			return
		}
		var buffer []byte
		for height := fromHeight; height < v.heights; {
			s, err := l.section(&v, v.segmentAt(height))
			if err != nil {
				yield(nil, err)
				return
			}
			in := s.from(int(height-s.header.firstHeight), buffer)
			var more bool
			height, more = s.yieldBatches(&in, height, yield)
			buffer = in.buffer
			l.release(s.segment)
			if !more {
				return
			}
		}
	}
}

// from is a scanner that begins at the segment's i-th batch.
func (s *section) from(i int, buffer []byte) scanner {
	return scanner{file: s.file, mark: s.header.salt, at: int64(s.positions.offsets[i]), end: s.end, buffer: buffer[:0]}
}

// yieldBatches yields the segment's batches from a height on and returns the next
// height, and whether to go on.
func (s *section) yieldBatches(in *scanner, height uint64, yield func(*StoredBatch, error) bool) (uint64, bool) {
	var batch StoredBatch
	for {
		at := in.at
		h, body, err := in.next()
		if errors.Is(err, io.EOF) {
			return height, true
		}
		if err == nil && h.height != height {
			err = frameError("record of another batch")
		}
		if err != nil {
			yield(nil, s.blame(err, at, height, batch.Size()))
			return height, false
		}
		batch = StoredBatch{BatchInfo{h.height, h.firstIndex, int(h.count), h.root}, body}
		if !yield(&batch, nil) {
			return height, false
		}
		height++
	}
}

// Entries yields the durable entries [from, to) in order, in large sequential
// reads and without an allocation for each. An entry is valid until the next and
// must not be changed. Checksums are verified, hashes are not: see Verify.
func (l *Log) Entries(from, to uint64) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		// The size is asked once, and is what is durable: entries that come while one reads are not in the range, and
		// none that a crash could take back is ever yielded.
		if size := l.Size(); to > size || from > to {
			yield(nil, outOfRange("from..to", max(from, to), size))
			return
		}
		if from == to {
			return
		}
		first, err := l.BatchOf(from)
		if err != nil {
			yield(nil, err)
			return
		}
		for batch, err := range l.Batches(first.Height) {
			if err != nil {
				yield(nil, err)
				return
			}
			for index, entry := range batch.Entries() {
				if index < from {
					continue
				}
				if index >= to || !yield(entry, nil) {
					return
				}
			}
			if batch.Size() >= to {
				return
			}
		}
	}
}
