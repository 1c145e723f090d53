package txlog

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
)

// On-disk sizes in bytes; docs/FORMATS.md lists every field.
const (
	segmentHeaderBytes = 512
	recordHeaderBytes  = 80
	lengthBytes        = 2 // before each entry
	formatVersion      = 1
	maxOriginBytes     = 256
)

// Limits on what is written and on what is believed when read.
const (
	MaxEntryBytes = 1<<16 - 1
	MaxBatchBytes = 64 << 20 // all entries of a batch with their lengths
	maxGroupBytes = 1 << 30  // all batches of one Commit
)

var segmentMagic = [8]byte{'A', 'Q', 'S', 'H', 'A', 'L', 'O', 'G'}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// salt marks the records of one segment. It is random, so that no entry can carry
// bytes that recovery would take for a record, and differs between segments, so
// that no old record can be taken for a new one.
type salt [8]byte

// segmentHeader opens each segment file.
type segmentHeader struct {
	salt        salt
	firstHeight uint64
	firstIndex  uint64
	root        Hash // of the log before the segment's first entry
	origin      string
}

// draw gives the segment a mark of its own. Its first byte is not zero, so that
// unwritten space is never taken for the start of one.
func (h *segmentHeader) draw(random io.Reader) error {
	if _, err := io.ReadFull(random, h.salt[:]); err != nil {
		return fmt.Errorf("drawing a segment's mark: %w", err)
	}
	h.salt[0] |= 1
	return nil
}

// encode lays the header out, numbers with the high byte first: magic 0, version 8, length of the origin 10, CRC-32C
// 12 (over all with these four bytes as zeros), salt 16, first height 24, first index 32, root before it 40, origin
// 72.
func (h *segmentHeader) encode() []byte {
	b := make([]byte, segmentHeaderBytes)
	copy(b, segmentMagic[:])
	binary.BigEndian.PutUint16(b[8:], formatVersion)
	binary.BigEndian.PutUint16(b[10:], uint16(len(h.origin)))
	copy(b[16:], h.salt[:])
	binary.BigEndian.PutUint64(b[24:], h.firstHeight)
	binary.BigEndian.PutUint64(b[32:], h.firstIndex)
	copy(b[40:], h.root[:])
	copy(b[72:], h.origin)
	binary.BigEndian.PutUint32(b[12:], crc32.Checksum(b, castagnoli))
	return b
}

// decodeSegmentHeader reads what encode wrote; the version is looked at before the checksum, so that a later format is
// named as one and not as damage.
func decodeSegmentHeader(b []byte) (h segmentHeader, err error) {
	if len(b) != segmentHeaderBytes || !bytes.Equal(b[:8], segmentMagic[:]) {
		return h, fmt.Errorf("not a log segment")
	}
	if version := binary.BigEndian.Uint16(b[8:]); version != formatVersion {
		return h, fmt.Errorf("segment has format version %d, this program reads %d", version, formatVersion)
	}
	sum := binary.BigEndian.Uint32(b[12:])
	clear := bytes.Clone(b)
	copy(clear[12:16], []byte{0, 0, 0, 0})
	if crc32.Checksum(clear, castagnoli) != sum {
		return h, fmt.Errorf("segment header fails its checksum")
	}
	originBytes := int(binary.BigEndian.Uint16(b[10:]))
	if originBytes > maxOriginBytes {
		return h, fmt.Errorf("origin of %d bytes", originBytes)
	}
	copy(h.salt[:], b[16:])
	h.firstHeight = binary.BigEndian.Uint64(b[24:])
	h.firstIndex = binary.BigEndian.Uint64(b[32:])
	copy(h.root[:], b[40:])
	h.origin = string(b[72 : 72+originBytes])
	return h, nil
}

// recordHeader precedes the entries of a batch. A batch is the mark, this header and a body of entries, each after its
// length in two bytes; both have a CRC-32C. Checksums find what a disk or a crash has changed; what somebody has
// changed on purpose the root finds.
type recordHeader struct {
	height     uint64
	firstIndex uint64
	count      uint32 // entries
	bodyBytes  uint32
	// durable is the first batch of the Commit that wrote this one: all before
	// it were durable by then. It tells a torn write from damage.
	durable uint64
	root    Hash // of the log after the batch
	bodySum uint32
}

// encode lays the header out behind the segment's mark, which is its salt: magic bytes that no entry can hold by
// chance or on purpose, as they are drawn for each segment. The CRC-32C at 76 is over all before it.
func (h *recordHeader) encode(b []byte, mark salt) {
	copy(b, mark[:])
	binary.BigEndian.PutUint64(b[8:], h.height)
	binary.BigEndian.PutUint64(b[16:], h.firstIndex)
	binary.BigEndian.PutUint32(b[24:], h.count)
	binary.BigEndian.PutUint32(b[28:], h.bodyBytes)
	binary.BigEndian.PutUint64(b[32:], h.durable)
	copy(b[40:], h.root[:])
	binary.BigEndian.PutUint32(b[72:], h.bodySum)
	binary.BigEndian.PutUint32(b[76:], crc32.Checksum(b[:76], castagnoli))
}

// frameError says why bytes are not a valid record.
type frameError string

func (e frameError) Error() string { return string(e) }

// decodeRecordHeader reads what encode wrote. Its count and length are bounded before anything is read by them.
func decodeRecordHeader(b []byte, mark salt) (h recordHeader, err error) {
	switch {
	case len(b) < recordHeaderBytes:
		return h, frameError("record header is cut short")
	case salt(b[:8]) != mark:
		return h, frameError("no record begins here")
	case crc32.Checksum(b[:76], castagnoli) != binary.BigEndian.Uint32(b[76:]):
		return h, frameError("record header fails its checksum")
	}
	h = recordHeader{
		height:     binary.BigEndian.Uint64(b[8:]),
		firstIndex: binary.BigEndian.Uint64(b[16:]),
		count:      binary.BigEndian.Uint32(b[24:]),
		bodyBytes:  binary.BigEndian.Uint32(b[28:]),
		durable:    binary.BigEndian.Uint64(b[32:]),
		root:       Hash(b[40:72]),
		bodySum:    binary.BigEndian.Uint32(b[72:]),
	}
	if h.bodyBytes > MaxBatchBytes || h.count == 0 || uint64(h.bodyBytes) < uint64(h.count)*(lengthBytes+1) {
		return h, frameError(fmt.Sprintf("record claims %d entries in %d bytes", h.count, h.bodyBytes))
	}
	return h, nil
}

// checkBody checks the checksum and that the lengths lead to the body's end. A body that passes is walked by spans
// without a further look.
func (h *recordHeader) checkBody(body []byte) error {
	if crc32.Checksum(body, castagnoli) != h.bodySum {
		return frameError("record body fails its checksum")
	}
	rest := body
	for range h.count {
		if len(rest) < lengthBytes {
			return frameError("record body ends before its last entry")
		}
		n := int(binary.BigEndian.Uint16(rest))
		if n == 0 || len(rest)-lengthBytes < n {
			return frameError("record body has an entry of impossible length")
		}
		rest = rest[lengthBytes+n:]
	}
	if len(rest) != 0 {
		return frameError("record body goes on after its last entry")
	}
	return nil
}
