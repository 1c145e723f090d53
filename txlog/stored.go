package txlog

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"path/filepath"
	"strings"

	"github.com/aqsha/aqsha/txlog/vfs"
)

// Stored is a log's directory as anybody may hold it: a node's, which may be writing to it, a copy, an archive. It is
// only read, without a lock, a key or the log's name; nothing is mended and nothing passed over in silence. One
// goroutine uses it.
//
// edge is the right edge of the tree over what was read, so that a log of any length is verified with a few hashes of
// memory.
type Stored struct {
	fs  vfs.FS
	dir string

	edge    frontier // of the batches that were read
	heights uint64
	tail    *DamageError // what lies behind the last of them, if anything
}

// NoCheckpointError says that nobody has signed for a log.
type NoCheckpointError struct{ File string }

func (e *NoCheckpointError) Error() string {
	return fmt.Sprintf("%s holds no checkpoint (both slots are empty): nobody signed for what the log holds. The "+
		"file was zeroed, none was published yet, "+
		"or this is a copy of the past (restored up to a size or time), which was verified as it was made", e.File)
}
func (e *NoCheckpointError) ErrorCode() string  { return "no-checkpoint" }
func (e *NoCheckpointError) ErrorField() string { return "checkpoint" }

// OpenStored looks for a log in a directory.
func OpenStored(fs vfs.FS, dir string) (*Stored, error) {
	s := &Stored{fs: fs, dir: dir}
	names, err := s.segments()
	if err == nil && len(names) == 0 {
		err = &DamageError{File: filepath.Join(dir, "segments"), Reason: "holds no segment of a log"}
	}
	return s, err
}

// segments are the names of the log's segments, in order.
func (s *Stored) segments() (names []string, err error) {
	all, err := s.fs.List(filepath.Join(s.dir, "segments"))
	for _, name := range all {
		if strings.HasSuffix(name, segmentSuffix) {
			names = append(names, name)
		}
	}
	return names, err
}

// slotReads is how often a slot is read that a node may be writing, until two readings agree.
const slotReads = 4

// Checkpoint is the newest signed checkpoint, unverified, and what is wrong with a slot. A slot that is neither empty
// nor valid is what a crash leaves while it is written; it is also what damage leaves of a newer checkpoint.
func (s *Stored) Checkpoint() (signed []byte, faults []*DamageError, err error) {
	path := filepath.Join(s.dir, "checkpoint")
	f, err := s.fs.Open(path)
	if errors.Is(err, errNotExist) {
		return nil, nil, &DamageError{File: path, Reason: "the file with the published checkpoint is missing"}
	}
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	// Slots are written in turn, so that a crash spoils one and the other holds; the greater sequence is the newer.
	newest := uint64(0)
	for i := range int64(checkpointSlots) {
		b, err := readSlot(f, i*slotBytes)
		if err != nil {
			return nil, nil, &DamageError{File: path, Offset: i * slotBytes, Reason: "checkpoint slot: " + err.Error()}
		}
		sequence, note, err := decodeSlot(b)
		if err == nil && sequence == 0 && len(bytes.Trim(b, "\x00")) > 0 {
			err = errors.New("checkpoint slot has an empty header, and is not empty")
		}
		if err != nil {
			faults = append(faults, &DamageError{File: path, Offset: i * slotBytes,
				Reason: err.Error() + ": what it held cannot be told, perhaps a newer checkpoint"})
		} else if sequence > newest {
			newest, signed = sequence, note
		}
	}
	switch {
	case signed == nil && len(faults) > 0:
		return nil, faults, faults[0]
	case signed == nil:
		return nil, nil, &NoCheckpointError{path}
	}
	return signed, faults, nil
}

// readSlot reads a slot until it holds still.
func readSlot(f vfs.File, at int64) ([]byte, error) {
	b, before := make([]byte, slotBytes), []byte(nil)
	for range slotReads {
		if _, err := f.ReadAt(b, at); err != nil {
			return nil, err
		}
		if _, _, err := decodeSlot(b); err == nil || bytes.Equal(b, before) {
			break
		}
		before = bytes.Clone(b)
	}
	return b, nil
}

// Batches yields every batch from the first on, with its hashes computed and its root compared, until no further one
// lies there; State and Tail speak of what was read. It can be ranged over once. A batch is valid until the next. A
// *DamageError says where the history stops being one.
func (s *Stored) Batches() iter.Seq2[*StoredBatch, error] {
	return func(yield func(*StoredBatch, error) bool) {
		for {
			more, err := s.segment(yield)
			if err != nil {
				yield(nil, err)
			}
			if !more || err != nil {
				return
			}
		}
	}
}

// Entries yields the entries up to a size, and an error where the log has not that many.
func (s *Stored) Entries(size uint64) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for batch, err := range s.Batches() {
			if err != nil {
				yield(nil, err)
				return
			}
			for index, entry := range batch.Entries() {
				if index >= size {
					break
				}
				if !yield(entry, nil) {
					return
				}
			}
		}
		if s.edge.size < size {
			yield(nil, &BehindError{Size: s.edge.size, Published: size})
		}
	}
}

// State is the size and root of what Batches has yielded.
func (s *Stored) State() (size uint64, root Hash) { return s.edge.size, s.edge.root() }

// Tail is what lies behind the last batch and is no batch: what was being written, at a crash or just now, or damage.
// Nil is nothing.
func (s *Stored) Tail() *DamageError { return s.tail }

// segment reads the segment that begins where the log has been read to.
func (s *Stored) segment(yield func(*StoredBatch, error) bool) (more bool, _ error) {
	path := filepath.Join(s.dir, "segments", segmentName(s.edge.size))
	f, err := s.fs.Open(path)
	if errors.Is(err, errNotExist) {
		return false, s.noSegment(path)
	}
	if err != nil {
		return false, err
	}
	defer f.Close()
	var b [segmentHeaderBytes]byte
	if _, err := f.ReadAt(b[:], 0); err != nil {
		return false, &DamageError{File: path, Height: s.heights, Index: s.edge.size,
			Reason: "segment header: " + err.Error()}
	}
	header, err := decodeSegmentHeader(b[:])
	// A segment says which history it goes on: one that was put there from another log, or from a copy of before, is
	// found at its first bytes.
	if err == nil && (header.firstIndex != s.edge.size || header.firstHeight != s.heights ||
		header.root != s.edge.root()) {
		err = fmt.Errorf("the segment begins at entry %d with another history", header.firstIndex)
	}
	if err != nil {
		return false, &DamageError{File: path, Height: s.heights, Index: s.edge.size, Reason: err.Error()}
	}
	size, err := f.Size()
	if err != nil {
		return false, err
	}
	in := scanner{file: f, mark: header.salt, at: segmentHeaderBytes, end: size}
	for {
		at := in.at
		h, body, err := in.next()
		if invalid := frameError(""); errors.As(err, &invalid) || errors.Is(err, io.EOF) {
			more, err := s.ends(path, f, header.salt, at, err)
			// A node may have written this very record since it was read, and what was found behind it after that.
			if err != nil || more {
				if size, written := s.written(f, header.salt, at); written {
					in = scanner{file: f, mark: header.salt, at: at, end: size} // nothing that was read before stays
					continue
				}
			}
			return more, err
		}
		if err == nil {
			err = s.add(&h, body)
		}
		if errors.As(err, new(contradiction)) {
			err = &DamageError{File: path, Offset: at, Height: s.heights, Index: s.edge.size, Reason: err.Error()}
		}
		if err != nil {
			return false, err
		}
		if !yield(&StoredBatch{BatchInfo{h.height, h.firstIndex, int(h.count), h.root}, body}, nil) {
			return false, nil
		}
	}
}

// written says whether a valid record lies at a place by now, and how large its file is.
func (s *Stored) written(f vfs.File, mark salt, at int64) (size int64, ok bool) {
	size, err := f.Size()
	if err != nil {
		return 0, false
	}
	in := scanner{file: f, mark: mark, at: at, end: size}
	_, _, err = in.next()
	return size, err == nil
}

// noSegment tells the end of the log from a segment that is missing.
func (s *Stored) noSegment(path string) error {
	names, err := s.segments()
	if err != nil || len(names) == 0 || names[len(names)-1] < filepath.Base(path) {
		return err
	}
	return &DamageError{File: path, Height: s.heights, Index: s.edge.size,
		Reason: "the segment is missing, and later ones are there"}
}

// add hashes a batch and compares what it says of itself.
func (s *Stored) add(h *recordHeader, body []byte) error {
	if h.height != s.heights || h.firstIndex != s.edge.size {
		return contradiction{fmt.Errorf("here lies batch %d from entry %d", h.height, h.firstIndex)}
	}
	var hashes levels
	for start, end := range spans(body) {
		s.edge.push(leafHashAt(body, start, end), &hashes)
	}
	s.heights++
	if root := s.edge.root(); root != h.root {
		return contradiction{fmt.Errorf("batch leads to root %v, its record says %v", root, h.root)}
	}
	return nil
}

// ends judges where no valid batch begins: the log goes on in the next segment, or it ends here.
func (s *Stored) ends(path string, f vfs.File, mark salt, at int64, reason error) (more bool, _ error) {
	names, err := s.segments()
	if err != nil {
		return false, err
	}
	if later := names[len(names)-1] > filepath.Base(path); later {
		// Where nothing of this segment was read the next one would be this one again.
		if next := segmentName(s.edge.size); names[len(names)-1] < next || next <= filepath.Base(path) {
			return false, &DamageError{File: path, Offset: at, Height: s.heights, Index: s.edge.size,
				Reason: fmt.Sprintf("%v, and later segments exist", reason)}
		}
		return true, nil
	}
	t, err := inspectTail(f, mark, at, s.heights)
	if err != nil {
		return false, err
	}
	damage := &DamageError{File: path, Offset: at, Height: s.heights, Index: s.edge.size}
	switch {
	case t.laterCommit > 0:
		damage.Reason = fmt.Sprintf("%v, though batch %d at offset %d was written after it was durable", reason,
			t.laterCommit, t.laterOffset)
		return false, damage
	case t.garbageEnd > at:
		damage.Reason = fmt.Sprintf("%v: %d bytes that are no batch, as a crash leaves of one, or damage", reason,
			t.garbageEnd-at)
		s.tail = damage
	}
	return false, nil
}

// Tile reads a hash tile of the directory, whose hashes a node serves to the public. It is as much of the tile as is
// kept there: the newest hashes of a node that runs are in its memory, and a copy without tiles has none.
func (s *Stored) Tile(t Tile) ([]byte, error) {
	names := tiles{dir: filepath.Join(s.dir, "tiles")}
	f, err := s.fs.Open(names.path(t.Level))
	if errors.Is(err, errNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b := make([]byte, t.Width*HashBytes)
	n, err := f.ReadAt(b, int64(t.Index)*tileWidth*HashBytes)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return b[:n-n%HashBytes], err
}
