package livestate

import (
	"encoding/binary"
	"io"
)

// recordList is some records of a snapshot, one after the other in one buffer. One buffer for many records: hundreds of
// thousands of small slices would be the garbage collector's.
type recordList struct {
	bytes []byte
	ends  []int
	last  bool // the stream ends with it
}

// each yields the records. They are valid until the list is read into again.
func (r *recordList) each(yield func([]byte) bool) {
	from := 0
	for _, end := range r.ends {
		if !yield(r.bytes[from:end:end]) {
			return
		}
		from = end
	}
}

// endsWith says whether a record is the list's last.
func (r *recordList) endsWith(record []byte) bool {
	end := r.ends[len(r.ends)-1]
	return end == len(r.bytes) && &r.bytes[end-len(record)] == &record[0]
}

// frames reads a snapshot's records ahead of who loads them. One goroutine reads and closes lists, another loads. err
// is written before lists is closed, and read after that: it needs no lock.
type frames struct {
	lists chan *recordList
	spare chan *recordList
	done  chan struct{}
	err   error // why the lists end, once they have
}

// listBytes is about how many bytes of records are read ahead at a time.
const listBytes = 256 << 10

// readFrames begins to read. It decodes nothing: lengths are bounded before memory is taken for them. Whoever calls it
// calls stop, or the goroutine waits for ever.
func readFrames(in io.Reader) *frames {
	f := &frames{lists: make(chan *recordList, 2), spare: make(chan *recordList, 4), done: make(chan struct{})}
	go func() {
		defer close(f.lists)
		f.err = f.read(in)
	}()
	return f
}

// stop ends the reading, at the latest after the next list. It does not wait for a Read that hangs.
func (f *frames) stop() { close(f.done) }

// reuse gives a list's memory back.
func (f *frames) reuse(r *recordList) {
	select {
	case f.spare <- r:
	default:
	}
}

// take is a list that was given back, or a new one.
func (f *frames) take() *recordList {
	select {
	case r := <-f.spare:
		r.bytes, r.ends = r.bytes[:0], r.ends[:0]
		return r
	default:
		return &recordList{bytes: make([]byte, 0, listBytes+listBytes/4)}
	}
}

// read cuts the file into lists of whole records, and ends when the last is cut or nobody takes them any more.
func (f *frames) read(in io.Reader) error {
	r := &chunkReader{in: in}
	magic, err := r.next(len(snapshotMagic))
	if err != nil || string(magic) != snapshotMagic {
		return badSnapshot("it does not begin with %q", snapshotMagic)
	}
	for {
		list := f.take()
		for len(list.bytes) < listBytes && !list.last {
			length, err := r.next(4)
			if err != nil {
				return badSnapshot("it ends before its trailer")
			}
			n := binary.BigEndian.Uint32(length)
			if n == 0 || n > maxRecord {
				return badSnapshot("a record of %d bytes", n)
			}
			record, err := r.next(int(n))
			if err != nil {
				return badSnapshot("it ends within a record")
			}
			list.bytes = append(list.bytes, record...)
			list.ends = append(list.ends, len(list.bytes))
			list.last = r.atEnd()
		}
		last := list.last
		select {
		case f.lists <- list:
		case <-f.done:
			return nil
		}
		if last {
			return badSnapshot("it ends before its trailer") // unless the trailer was in the last list
		}
	}
}

// chunkReader reads ahead in large pieces. Invariant: buffer[from:] came and was not handed out. What next returned
// lies before from, and is gone when fill moves the rest to the front.
type chunkReader struct {
	in     io.Reader
	buffer []byte
	from   int
	ended  bool
}

// next returns the next n bytes, valid until the next call.
func (r *chunkReader) next(n int) ([]byte, error) {
	for len(r.buffer)-r.from < n && !r.ended {
		r.fill(n)
	}
	if len(r.buffer)-r.from < n {
		return nil, io.ErrUnexpectedEOF
	}
	piece := r.buffer[r.from : r.from+n]
	r.from += n
	return piece, nil
}

// atEnd says whether nothing follows.
func (r *chunkReader) atEnd() bool {
	for len(r.buffer) == r.from && !r.ended {
		r.fill(1)
	}
	return len(r.buffer) == r.from
}

// fill reads a piece more behind what is left of the buffer; that the source ended or failed is noted.
func (r *chunkReader) fill(n int) {
	const piece = 1 << 18
	left := copy(r.buffer, r.buffer[r.from:])
	r.buffer, r.from = r.buffer[:left], 0
	if cap(r.buffer)-left < piece {
		r.buffer = append(make([]byte, 0, left+2*max(piece, n)), r.buffer...)
	}
	read, err := r.in.Read(r.buffer[left : left+piece])
	r.buffer = r.buffer[:left+read]
	r.ended = err != nil
}
