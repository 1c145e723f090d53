package txlog

import (
	"bytes"
	"errors"
	"io"
	"io/fs"

	"github.com/aqsha/aqsha/txlog/vfs"
)

var errNotExist = fs.ErrNotExist

// readChunkBytes is how much sequential readers ask of the disk at a time.
const readChunkBytes = 1 << 20

// scanner reads the records of one segment in order, in large reads.
type scanner struct {
	file   vfs.File
	mark   salt
	at     int64 // of the next record
	end    int64 // of what may be read
	buffer []byte
	start  int64 // file offset of buffer[0]
}

// next returns the record at s.at and moves behind it. The body is valid until the
// following call. A frameError says that no valid record is there; other errors
// come from the disk. At the end it returns io.EOF.
func (s *scanner) next() (h recordHeader, body []byte, err error) {
	if s.at >= s.end {
		return h, nil, io.EOF
	}
	b, err := s.bytes(recordHeaderBytes)
	if err != nil {
		return h, nil, err
	}
	if h, err = decodeRecordHeader(b, s.mark); err != nil {
		return h, nil, err
	}
	record := recordHeaderBytes + int(h.bodyBytes)
	if b, err = s.bytes(record); err != nil {
		return h, nil, err
	}
	body = b[recordHeaderBytes:]
	if err := h.checkBody(body); err != nil {
		return h, nil, err
	}
	s.at += int64(record)
	return h, body, nil
}

// bytes returns n bytes at s.at.
func (s *scanner) bytes(n int) ([]byte, error) {
	if s.at+int64(n) > s.end {
		return nil, frameError("record is cut short")
	}
	have := s.buffer
	if skip := s.at - s.start; skip >= 0 && skip <= int64(len(have)) {
		have = have[skip:]
	} else {
		have = nil
	}
	if len(have) >= n {
		return have[:n], nil
	}
	// No more than is left of the file, whatever the record's header claims: a torn or hostile length cannot make it
	// allocate.
	want := int(min(int64(max(n, readChunkBytes)), s.end-s.at))
	if cap(s.buffer) < want {
		grown := make([]byte, want)
		copy(grown, have)
		s.buffer = grown
	} else {
		s.buffer = s.buffer[:cap(s.buffer)][:want]
		copy(s.buffer, have)
	}
	s.start = s.at
	if _, err := s.file.ReadAt(s.buffer[len(have):], s.at+int64(len(have))); err != nil {
		if errors.Is(err, io.EOF) {
			err = frameError("file ends within a record")
		}
		// The buffer is half overwritten: forgotten, so that a second try reads anew instead of taking old bytes for
		// new ones.
		s.buffer = s.buffer[:0]
		return nil, err
	}
	return s.buffer[:n], nil
}

// tail is what lies behind the last valid record of the last segment.
type tail struct {
	garbageEnd int64 // end of the last byte that is not zero
	// laterCommit is the height of a valid record that was written when the
	// missing one was already durable, at laterOffset; 0 if there is none.
	laterCommit uint64
	laterOffset int64
}

// inspectTail looks at everything from offset on, where the record of the given
// height should begin and no valid one does.
func inspectTail(f vfs.File, mark salt, offset int64, height uint64) (t tail, err error) {
	size, err := f.Size()
	if err != nil {
		return t, err
	}
	t.garbageEnd = offset
	// Chunks overlap by a marker's length less one, so that none hides between two.
	const overlap = len(salt{}) - 1
	chunk := make([]byte, max(overlap+1, min(readChunkBytes, int(size-offset))))
	zeros := make([]byte, len(chunk))
	for at := offset; at < size; at += int64(len(chunk) - overlap) {
		n := int(min(int64(len(chunk)), size-at))
		if _, err := f.ReadAt(chunk[:n], at); err != nil {
			return t, err
		}
		if bytes.Equal(chunk[:n], zeros[:n]) { // as nearly all are; no mark lies there, whose first byte is not zero
			continue
		}
		if used := len(bytes.TrimRight(chunk[:n], "\x00")); used > 0 {
			t.garbageEnd = at + int64(used)
		}
		for from := 0; ; {
			i := bytes.Index(chunk[from:n], mark[:])
			if i < 0 {
				break
			}
			// Its header is proof enough, whatever became of its body.
			h, err := readRecordHeader(f, at+int64(from+i), mark)
			var invalid frameError
			if err != nil && !errors.As(err, &invalid) {
				return t, err
			}
			if err == nil && h.durable > height {
				t.laterCommit, t.laterOffset = h.height, at+int64(from+i)
				return t, nil
			}
			from += i + 1
		}
		if n < len(chunk) {
			break
		}
	}
	return t, nil
}

// readRecordHeader reads the header of the record at offset.
func readRecordHeader(f vfs.File, offset int64, mark salt) (recordHeader, error) {
	var b [recordHeaderBytes]byte
	n, err := f.ReadAt(b[:], offset)
	if err != nil && !errors.Is(err, io.EOF) {
		return recordHeader{}, err
	}
	return decodeRecordHeader(b[:n], mark)
}
