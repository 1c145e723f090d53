package txlog

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"path/filepath"

	"github.com/aqsha/aqsha/txlog/vfs"
)

// The checkpoint file has two slots that are written in turn, each with a sequence
// number and a checksum: a crash while one is written leaves the other. That costs
// one sync into allocated space, where replacing a file costs several.
const (
	slotBytes       = 64 << 10
	slotHeaderBytes = 32
	checkpointSlots = 2
)

var slotMagic = [8]byte{'A', 'Q', 'S', 'H', 'A', 'C', 'K', 'P'}

type checkpointFile struct {
	file     vfs.File
	path     string
	sequence uint64 // of the newest slot; 0 if none was written
}

func encodeSlot(sequence uint64, note []byte) []byte {
	b := make([]byte, slotHeaderBytes+len(note))
	copy(b, slotMagic[:])
	binary.BigEndian.PutUint64(b[8:], sequence)
	binary.BigEndian.PutUint32(b[16:], uint32(len(note)))
	copy(b[slotHeaderBytes:], note)
	binary.BigEndian.PutUint32(b[20:], crc32.Checksum(b, castagnoli))
	return b
}

// decodeSlot returns sequence 0 for a slot that was never written.
func decodeSlot(b []byte) (sequence uint64, note []byte, err error) {
	if [slotHeaderBytes]byte(b[:slotHeaderBytes]) == [slotHeaderBytes]byte{} {
		return 0, nil, nil
	}
	n := int64(binary.BigEndian.Uint32(b[16:]))
	if [8]byte(b[:8]) != slotMagic || n > int64(len(b)-slotHeaderBytes) {
		return 0, nil, errors.New("not a checkpoint slot")
	}
	sum := binary.BigEndian.Uint32(b[20:])
	whole := append([]byte(nil), b[:slotHeaderBytes+n]...)
	copy(whole[20:24], []byte{0, 0, 0, 0})
	if crc32.Checksum(whole, castagnoli) != sum {
		return 0, nil, errors.New("checkpoint slot fails its checksum")
	}
	return binary.BigEndian.Uint64(b[8:]), whole[slotHeaderBytes:], nil
}

// openCheckpoint reads the checkpoint that was published last. The file is made before the first segment, so a log
// without it has lost it. It is written again into the slot that it was read from: the same bytes, of which a torn
// write leaves the same.
func (l *Log) openCheckpoint(fresh bool) error {
	path := filepath.Join(l.dir, "checkpoint")
	f, err := l.fs.OpenReadWrite(path)
	if errors.Is(err, errNotExist) && fresh {
		if err := writeFile(l.fs, path, make([]byte, slotBytes*checkpointSlots)); err != nil {
			return err
		}
		f, err = l.fs.OpenReadWrite(path)
	}
	if errors.Is(err, errNotExist) {
		return &DamageError{File: path, Reason: "the file with the published checkpoint is missing"}
	}
	if err != nil {
		return err
	}
	l.slots = checkpointFile{file: f, path: path}
	// As with the segments: what is read must be durable before it counts.
	if err := f.Datasync(); err != nil {
		return err
	}
	var failed error
	for i := range int64(checkpointSlots) {
		b := make([]byte, slotBytes)
		if _, err := f.ReadAt(b, i*slotBytes); err != nil {
			return &DamageError{File: path, Offset: i * slotBytes, Reason: "checkpoint slot: " + err.Error()}
		}
		sequence, signed, err := decodeSlot(b)
		if err != nil {
			// Torn while it was written, if the other slot stands.
			failed = errors.Join(failed, &DamageError{File: path, Offset: i * slotBytes, Reason: err.Error()})
			continue
		}
		if sequence > l.slots.sequence {
			l.slots.sequence, l.note = sequence, signed
		}
	}
	if err := l.readPublished(failed); err != nil || l.note == nil || l.reading {
		return err
	}
	// Its own sync may have failed, see rewrite: shown again from the page cache it would be lost by a power cut, and
	// the next one, torn in the other slot, would leave none.
	l.slots.sequence--
	return l.slots.write(l.note)
}

// StoredCheckpoint reads what the checkpoint says that the log in a directory published last, without opening the log,
// which may be damaged. The signature is not verified.
func StoredCheckpoint(fs vfs.FS, dir string) (c Checkpoint, err error) {
	f, err := fs.Open(filepath.Join(dir, "checkpoint"))
	if err != nil {
		return c, err
	}
	defer f.Close()
	newest := uint64(0)
	for i := range int64(checkpointSlots) {
		b := make([]byte, slotBytes)
		if _, err := f.ReadAt(b, i*slotBytes); err != nil {
			return c, err
		}
		sequence, signed, err := decodeSlot(b)
		if err != nil || sequence <= newest {
			continue
		}
		if c, err = ParseSigned(signed); err != nil {
			return c, err
		}
		newest = sequence
	}
	if newest == 0 {
		return c, badCheckpoint("was never stored in %s", dir)
	}
	return c, nil
}

// readPublished takes in what the newest slot says. A log that recovers with fewer entries than that, or others, is
// refused later (open).
func (l *Log) readPublished(failed error) error {
	l.recovery.CheckpointTorn = failed != nil
	if l.note == nil {
		// The very first write may be torn; both slots cannot be.
		if many, ok := failed.(interface{ Unwrap() []error }); ok && len(many.Unwrap()) == checkpointSlots {
			return many.Unwrap()[0]
		}
		return nil
	}
	text, err := textOf(l.note)
	if err == nil {
		l.noted, err = ParseCheckpoint(text)
	}
	if err == nil && l.options.Verifiers != nil {
		_, _, err = OpenCheckpoint(l.note, l.options.Origin, l.options.Verifiers)
	}
	if err != nil {
		return &DamageError{File: l.slots.path, Reason: err.Error()}
	}
	return nil
}

// write stores a signed checkpoint durably in the older slot. sequence moves only after the sync, and a write that
// fails has not touched the slot of the last good one.
func (c *checkpointFile) write(signed []byte) error {
	next := c.sequence + 1
	if _, err := c.file.WriteAt(encodeSlot(next, signed), int64(next%checkpointSlots)*slotBytes); err != nil {
		return err
	}
	if err := c.file.Datasync(); err != nil {
		return err
	}
	c.sequence = next
	return nil
}
