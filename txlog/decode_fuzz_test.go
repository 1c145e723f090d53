package txlog

import (
	"bytes"
	"testing"
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
