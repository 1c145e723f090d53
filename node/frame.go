package node

import (
	"encoding/binary"
	"fmt"
	"io"

	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/txlog"
)

// Frame is what a leader tells those who copy its log: a block, the signed checkpoint over all blocks so far, or how
// much of them was acknowledged. One of the three is set.
type Frame struct {
	Entries    [][]byte
	Checkpoint []byte
	// Acknowledged is how many entries enough followers have, to those who ask for it: whoever copies the log shows no
	// more.
	Acknowledged uint64
}

// A frame is encoded as its type, the length of its content in four bytes, and the content: a block's entries as in
// a bundle of C2SP tlog-tiles, each after its length in two bytes, the checkpoint, or a number of entries in eight
// bytes.
const (
	frameBlock      = 'B'
	frameCheckpoint = 'C'
	frameAcked      = 'A'
	frameHeader     = 5
)

// maxFrame bounds a frame's content: what the log takes at a time.
const maxFrame = txlog.MaxBatchBytes

// maxFrameEntries is how many entries a block can have: its leaf, what falls due, and transactions. Each takes memory
// beyond its bytes before anything in it is verified.
const maxFrameEntries = 1 + ledger.MaxSystemPerBlock + maxBlock

// appendBatchFrame encodes the frame of a stored block.
func appendBatchFrame(b []byte, batch *txlog.StoredBatch) []byte {
	start := len(b)
	b = append(b, frameBlock, 0, 0, 0, 0)
	for _, entry := range batch.Entries() {
		b = binary.BigEndian.AppendUint16(b, uint16(len(entry)))
		b = append(b, entry...)
	}
	binary.BigEndian.PutUint32(b[start+1:], uint32(len(b)-start-frameHeader))
	return b
}

// appendCheckpointFrame encodes a checkpoint's frame.
func appendCheckpointFrame(b, checkpoint []byte) []byte {
	b = append(b, frameCheckpoint)
	b = binary.BigEndian.AppendUint32(b, uint32(len(checkpoint)))
	return append(b, checkpoint...)
}

// appendAcknowledgedFrame encodes how many entries were acknowledged.
func appendAcknowledgedFrame(b []byte, size uint64) []byte {
	return binary.BigEndian.AppendUint64(append(b, frameAcked, 0, 0, 0, 8), size)
}

// FrameError says that a stream of frames is not one.
type FrameError struct{ Reason string }

func (e *FrameError) Error() string      { return "the leader's stream: " + e.Reason }
func (e *FrameError) ErrorCode() string  { return "bad-stream" }
func (e *FrameError) ErrorField() string { return "" }

// ReadFrame reads the next frame; io.EOF at the end of a stream. What is none is a *FrameError; a stream that ends
// within a frame, io.ErrUnexpectedEOF. Entries and Checkpoint are new memory. Nothing in them was decoded or verified.
func ReadFrame(r io.Reader) (Frame, error) {
	var header [frameHeader]byte
	if _, err := io.ReadFull(r, header[:]); err != nil {
		return Frame{}, err
	}
	size := binary.BigEndian.Uint32(header[1:])
	// The size is bounded by the type before a byte of it is waited for; memory grows with what has come (readGrowing).
	switch {
	case header[0] == frameCheckpoint && size > txlog.MaxCheckpointBytes, header[0] == frameBlock && size > maxFrame,
		header[0] == frameAcked && size != 8:
		return Frame{}, &FrameError{fmt.Sprintf("a frame of %d bytes", size)}
	case header[0] != frameBlock && header[0] != frameCheckpoint && header[0] != frameAcked:
		return Frame{}, &FrameError{fmt.Sprintf("a frame of type %d", header[0])}
	}
	content, err := readGrowing(r, int(size))
	if err != nil {
		return Frame{}, err
	}
	switch header[0] {
	case frameCheckpoint:
		return Frame{Checkpoint: content}, nil
	case frameAcked:
		if f := (Frame{Acknowledged: binary.BigEndian.Uint64(content)}); f.Acknowledged > 0 {
			return f, nil
		}
		return Frame{}, &FrameError{"no entry is acknowledged, not even the first"}
	}
	var f Frame
	for entry, err := range txlog.SplitBundle(content) {
		if err != nil {
			return Frame{}, &FrameError{err.Error()}
		}
		if len(f.Entries) == maxFrameEntries {
			return Frame{}, &FrameError{fmt.Sprintf("a block of more than %d entries", maxFrameEntries)}
		}
		f.Entries = append(f.Entries, entry)
	}
	if len(f.Entries) == 0 {
		return Frame{}, &FrameError{"an empty block"}
	}
	return f, nil
}

// readGrowing reads so many bytes, taking memory only as they come.
func readGrowing(r io.Reader, size int) ([]byte, error) {
	const step = 1 << 20
	content := make([]byte, 0, min(size, step))
	for len(content) < size {
		from := len(content)
		content = append(content, make([]byte, min(size-from, step))...)
		if _, err := io.ReadFull(r, content[from:]); err != nil {
			return nil, fmt.Errorf("a frame that ends early: %w", io.ErrUnexpectedEOF)
		}
	}
	return content, nil
}
