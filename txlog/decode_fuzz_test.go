package txlog

import (
	"bytes"
	"hash/crc32"
	"testing"

	"github.com/aqsha/aqsha/txlog/vfs"
)

// FuzzSmallFiles feeds the decoders of index header, checkpoint slot, segment
// header and record header: no panic, and no wild sizes get through.
func FuzzSmallFiles(f *testing.F) {
	x := segmentIndex{end: 900, nextHeight: 3, nextIndex: 7, positions: positions{firstIndex: 1, offsets: []uint32{512}, firsts: []uint32{0}}}
	header := segmentHeader{salt: salt{1, 2, 3}, firstIndex: 5, origin: "log.example"}
	record := make([]byte, recordHeaderBytes)
	(&recordHeader{height: 4, count: 2, bodyBytes: 50}).encode(record, header.salt)
	for _, seed := range [][]byte{x.encode(2), encodeSlot(3, []byte("note")), header.encode(), record} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) >= indexHeaderBytes {
			_, _, batches, bundles, err := decodeIndexHeader(data[:indexHeaderBytes])
			if err == nil && (batches < 0 || bundles < 0) {
				t.Fatalf("%d batches, %d bundles", batches, bundles)
			}
		}
		if len(data) >= slotHeaderBytes {
			if sequence, note, err := decodeSlot(data); err == nil && sequence > 0 && !bytes.Equal(encodeSlot(sequence, note)[:24], data[:24]) {
				t.Fatal("slot is not written again the same")
			}
		}
		if h, err := decodeSegmentHeader(data); err == nil && len(h.origin) > maxOriginBytes {
			t.Fatalf("origin of %d bytes", len(h.origin))
		}
		if h, err := decodeRecordHeader(data, header.salt); err == nil && h.bodyBytes > MaxBatchBytes {
			t.Fatalf("body of %d bytes", h.bodyBytes)
		}
	})
}

// FuzzRecordFields builds records whose checksums are right and whose fields are
// anything: what the scanner accepts is consistent within itself.
func FuzzRecordFields(f *testing.F) {
	f.Add(uint64(0), uint64(0), uint32(1), uint32(5), []byte{0, 3, 'a', 'b', 'c'})
	f.Add(uint64(7), uint64(9), uint32(2), uint32(6), []byte{0, 1, 'a', 0, 1, 'b'})
	f.Add(uint64(7), uint64(9), uint32(2), uint32(6), []byte{0, 1, 'a', 0, 9, 'b'})
	f.Add(uint64(7), uint64(9), uint32(1<<31), uint32(1<<31), []byte{0, 0})
	f.Fuzz(func(t *testing.T, height, index uint64, count, bodyBytes uint32, body []byte) {
		h := recordHeader{height: height, firstIndex: index, count: count, bodyBytes: bodyBytes, bodySum: crc32.Checksum(body, castagnoli)}
		content := make([]byte, recordHeaderBytes, recordHeaderBytes+len(body))
		h.encode(content, salt{1})
		content = append(content, body...)
		in := scanner{file: memoryFile{Reader: bytes.NewReader(content)}, mark: salt{1}, end: int64(len(content))}
		got, read, err := in.next()
		if err != nil {
			return
		}
		entries := 0
		for start, end := range spans(read) {
			if start >= end || end > len(read) {
				t.Fatalf("entry from %d to %d of %d", start, end, len(read))
			}
			entries++
		}
		if got != h || uint32(entries) != count || len(read) != int(bodyBytes) || !bytes.Equal(read, body[:bodyBytes]) {
			t.Fatalf("read %+v with %d entries", got, entries)
		}
	})
}

// memoryFile is as much of a file as the scanner needs.
type memoryFile struct {
	*bytes.Reader
	vfs.File
}

func (f memoryFile) ReadAt(p []byte, at int64) (int, error) { return f.Reader.ReadAt(p, at) }
func (f memoryFile) Size() (int64, error)                   { return f.Reader.Size(), nil }
