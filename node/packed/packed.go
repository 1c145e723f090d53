package packed

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/klauspost/compress/zstd"
)

const magic = "AQPACK1\n"

// PieceBytes is the most that a piece holds, unpacked.
const PieceBytes = 256 << 10

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// ErrAltered means bytes that are not those that were packed.
var ErrAltered = errors.New("its bytes are not those that were written: the checksum differs")

// Writer packs what is written to it. Close ends the stream, and must be called.
type Writer struct {
	out   io.Writer
	pack  *zstd.Encoder
	piece []byte
	space []byte
	sum   uint32
	err   error
}

// NewWriter packs into out.
func NewWriter(out io.Writer) *Writer {
	pack, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1),
		zstd.WithEncoderCRC(false))
	if err != nil {
		panic(fmt.Sprintf("options of the compressor: %v", err))
	}
	w := &Writer{out: out, pack: pack, piece: make([]byte, 0, PieceBytes)}
	w.write([]byte(magic))
	return w
}

// Write packs bytes.
func (w *Writer) Write(p []byte) (n int, err error) {
	for len(p) > 0 && w.err == nil {
		taken := min(len(p), PieceBytes-len(w.piece))
		w.piece = append(w.piece, p[:taken]...)
		p, n = p[taken:], n+taken
		if len(w.piece) == PieceBytes {
			w.flush()
		}
	}
	return n, w.err
}

// flush writes a piece: its length plain and packed (4 bytes each, big-endian), and the bytes. One that packing makes
// longer goes out plain, which the reader knows by the equal lengths.
func (w *Writer) flush() {
	w.space = append(w.space[:0], make([]byte, headBytes)...)
	w.space = w.pack.EncodeAll(w.piece, w.space)
	if len(w.space)-headBytes >= len(w.piece) {
		w.space = append(w.space[:headBytes], w.piece...)
	}
	binary.BigEndian.PutUint32(w.space, uint32(len(w.piece)))
	binary.BigEndian.PutUint32(w.space[4:], uint32(len(w.space)-headBytes))
	w.write(w.space)
	w.piece = w.piece[:0]
}

// headBytes is the length of what precedes a piece.
const headBytes = 8

func (w *Writer) write(p []byte) {
	w.sum = crc32.Update(w.sum, castagnoli, p)
	if w.err == nil {
		_, w.err = w.out.Write(p)
	}
}

// Close packs the rest and ends the stream. It does not close what it wrote to.
func (w *Writer) Close() error {
	if len(w.piece) > 0 {
		w.flush()
	}
	w.write(make([]byte, headBytes))
	w.write(binary.BigEndian.AppendUint32(nil, w.sum))
	return errors.Join(w.err, w.pack.Close())
}

// Reader unpacks. At the end of the stream it gives ErrAltered instead of io.EOF when any byte was altered, so that
// what was read must not be used before. It gives io.ErrUnexpectedEOF when the stream is cut.
type Reader struct {
	in     io.Reader
	unpack *zstd.Decoder
	stored []byte
	piece  []byte
	rest   []byte // of piece
	sum    uint32
	err    error
}

// NewReader unpacks from in. Close frees what it holds.
func NewReader(in io.Reader) *Reader {
	unpack, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(PieceBytes))
	if err != nil {
		panic(fmt.Sprintf("options of the decompressor: %v", err))
	}
	r := &Reader{in: in, unpack: unpack}
	head := make([]byte, len(magic))
	if r.read(head); r.err == nil && string(head) != magic {
		r.err = fmt.Errorf("it does not begin with %q", magic)
	}
	return r
}

// Close frees what the reader holds.
func (r *Reader) Close() { r.unpack.Close() }

// Read unpacks bytes.
func (r *Reader) Read(p []byte) (n int, err error) {
	for len(r.rest) == 0 && r.err == nil {
		r.next()
	}
	if len(r.rest) == 0 {
		return 0, r.err
	}
	n = copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

// next unpacks a piece.
func (r *Reader) next() {
	var head [headBytes]byte
	if r.read(head[:]); r.err != nil {
		return
	}
	size, stored := binary.BigEndian.Uint32(head[:]), binary.BigEndian.Uint32(head[4:])
	switch {
	case size == 0 && stored == 0:
		r.end()
		return
	// Both lengths come from the stream and are bounded before anything is allocated for them; the writer never
	// stores more than it had, so more is an alteration.
	case size == 0 || size > PieceBytes || stored == 0 || stored > size:
		r.err = fmt.Errorf("a piece of %d bytes in %d, where at most %d can be", size, stored, PieceBytes)
		return
	}
	r.stored = append(r.stored[:0], make([]byte, stored)...)
	if r.read(r.stored); r.err != nil {
		return
	}
	if stored == size {
		r.rest = r.stored
		return
	}
	r.piece, r.err = r.unpack.DecodeAll(r.stored, r.piece[:0])
	// The sum of the whole comes at the end, when its bytes may already have been used for something: a piece is held
	// to its length at once.
	if r.err == nil && len(r.piece) != int(size) {
		r.err = fmt.Errorf("a piece of %d bytes, which says it has %d", len(r.piece), size)
	}
	if r.err == nil {
		r.rest = r.piece
	}
}

// end checks the sum, and that nothing follows.
func (r *Reader) end() {
	want := binary.BigEndian.AppendUint32(nil, r.sum)
	got := make([]byte, len(want))
	if r.read(got); r.err != nil {
		return
	}
	if string(got) != string(want) {
		r.err = ErrAltered
		return
	}
	if n, err := io.ReadFull(r.in, got[:1]); n != 0 {
		r.err = errors.New("bytes after its end")
	} else if r.err = err; err == nil {
		r.err = io.EOF
	}
}

func (r *Reader) read(p []byte) {
	if _, r.err = io.ReadFull(r.in, p); errors.Is(r.err, io.EOF) {
		r.err = io.ErrUnexpectedEOF
	}
	r.sum = crc32.Update(r.sum, castagnoli, p)
}
