package txlog

import (
	"encoding/binary"
	"fmt"
	"path/filepath"
	"slices"
	"sync"

	"github.com/aqsha/aqsha/txlog/vfs"
)

const (
	segmentSuffix = ".log"
	indexSuffix   = ".idx"
	tempSuffix    = ".tmp"
)

// segment is one file of consecutive batches. All but the last are sealed: they
// never change again.
type segment struct {
	header segmentHeader
	path   string

	// Set when the segment is sealed, fixed from then on. Those of the last
	// segment are in Log.durable.
	end        int64 // of the last record
	nextHeight uint64
	nextIndex  uint64

	// Guarded by handles.mu.
	file   vfs.File
	loaded *positions // of a sealed segment, read from its index when needed
	users  int        // the last segment, and one being sealed, count as used
	used   uint64     // when last, for closing the least recently used
}

func segmentName(firstIndex uint64) string { return fmt.Sprintf("%020d%s", firstIndex, segmentSuffix) }

// positions says where in a segment the batches begin, and every 256th entry. It only grows, so a copy taken under
// Log.mu stays valid. Offsets fit 32 bits, since a segment does.
type positions struct {
	firstIndex uint64
	offsets    []uint32 // of each batch's record
	firsts     []uint32 // of each batch's first entry, from firstIndex
	// bundles has the offset of the entry at each multiple of 256 in the
	// segment, as its first entry lies in the middle of a bundle as a rule.
	bundles []uint32
}

func (p *positions) firstBundle() uint64 { return (p.firstIndex + tileWidth - 1) / tileWidth }

// add notes a record that lies at offset.
func (p *positions) add(offset int64, h *recordHeader, body []byte) {
	p.offsets = append(p.offsets, uint32(offset))
	p.firsts = append(p.firsts, uint32(h.firstIndex-p.firstIndex))
	at := 0
	for i := h.firstIndex; i < h.firstIndex+uint64(h.count); i++ {
		if i%tileWidth == 0 {
			p.bundles = append(p.bundles, uint32(offset)+recordHeaderBytes+uint32(at))
		}
		at += lengthBytes + int(binary.BigEndian.Uint16(body[at:]))
	}
}

// batchOf is the position in offsets of the batch with the entry at index.
func (p *positions) batchOf(index uint64) int {
	want := uint32(index - p.firstIndex)
	i, found := slices.BinarySearch(p.firsts, want)
	if !found {
		i--
	}
	return i
}

// createSegment makes a segment file with its header, durable under its final
// name. A crash on the way leaves a temporary name, which Open removes. The error is a
// *NoRoomError when there was no room and nothing is left of the attempt.
func createSegment(fs vfs.FS, dir string, header segmentHeader, size int64) (*segment, error) {
	path := filepath.Join(dir, segmentName(header.firstIndex))
	temp := path + tempSuffix
	f, err := fs.Create(temp)
	if err == nil {
		if err = fillSegment(f, header, size); err == nil {
			err = fs.Rename(temp, path)
		}
		if err != nil {
			f.Close()
			_ = fs.Remove(temp) // its room is wanted, and its name when this is tried again
		}
	}
	if vfs.Full(err) {
		return nil, &NoRoomError{fmt.Errorf("creating segment %s: %w", path, err)}
	}
	if err == nil {
		// From here on the file bears the log's name: what fails now cannot be tried again.
		if err = fs.SyncDir(dir); err != nil {
			f.Close()
		}
	}
	if err != nil {
		return nil, fmt.Errorf("creating segment %s: %w", path, err)
	}
	return newSegment(path, header, f), nil
}

// fillSegment gives a new segment file its room and its header, durably.
func fillSegment(f vfs.File, header segmentHeader, size int64) error {
	if err := f.Preallocate(size); err != nil {
		return err
	}
	if _, err := f.WriteAt(header.encode(), 0); err != nil {
		return err
	}
	return f.Sync()
}

func newSegment(path string, header segmentHeader, f vfs.File) *segment {
	return &segment{header: header, path: path, file: f, users: 1}
}

// openSegment reads a segment's header and checks that it is this log's. The name says at which entry it begins, so
// that segments are put in order without reading them; a name that disagrees with the header is damage.
func openSegment(fs vfs.FS, path, origin string) (*segment, error) {
	f, err := fs.OpenReadWrite(path)
	if err != nil {
		return nil, err
	}
	var b [segmentHeaderBytes]byte
	if _, err := f.ReadAt(b[:], 0); err != nil {
		f.Close()
		return nil, &DamageError{File: path, Reason: "segment header: " + err.Error()}
	}
	header, err := decodeSegmentHeader(b[:])
	if err == nil && segmentName(header.firstIndex) != filepath.Base(path) {
		err = fmt.Errorf("file name and header disagree: the header begins at entry %d", header.firstIndex)
	}
	if err != nil {
		f.Close()
		return nil, &DamageError{File: path, Reason: err.Error()}
	}
	if header.origin != origin {
		f.Close()
		return nil, refuse("log-origin", "origin", "the log in %s belongs to %q, not %q", filepath.Dir(path),
			header.origin, origin)
	}
	return newSegment(path, header, f), nil
}

// handles keeps the files of sealed segments open, the least recently used closed beyond a limit, so that a log of any
// length needs few descriptors. A segment in use is not closed, so there may be more open for a moment than the limit.
type handles struct {
	mu    sync.Mutex // over what follows, and over each sealed segment's file, users and used
	open  []*segment // sealed ones
	clock uint64
}

const maxOpenSegments = 64

// acquire opens a segment's file until release.
func (l *Log) acquire(s *segment) error {
	h := &l.handles
	h.mu.Lock()
	defer h.mu.Unlock()
	h.clock++
	s.used = h.clock
	s.users++
	if s.file != nil {
		return nil
	}
	f, err := l.fs.Open(s.path)
	if err != nil {
		s.users--
		return err
	}
	s.file = f
	h.open = append(h.open, s)
	h.shrink()
	return nil
}

func (l *Log) release(s *segment) {
	l.handles.mu.Lock()
	s.users--
	l.handles.mu.Unlock()
}

// park lets a sealed segment's file be closed when it is not used.
func (l *Log) park(s *segment) {
	h := &l.handles
	h.mu.Lock()
	defer h.mu.Unlock()
	s.users--
	h.open = append(h.open, s)
	h.shrink()
}

// positionsOf returns those of a sealed segment that the caller has acquired. The lock is held while an index is read:
// two who want the same read it once.
func (l *Log) positionsOf(s *segment) (*positions, error) {
	l.handles.mu.Lock()
	defer l.handles.mu.Unlock()
	if s.loaded == nil {
		index, err := readIndex(l.fs, s)
		if err != nil {
			return nil, err
		}
		s.loaded = &index.positions
	}
	return s.loaded, nil
}

// shrink closes what was not used for longest; the caller holds mu.
func (h *handles) shrink() {
	for len(h.open) > maxOpenSegments {
		oldest := -1
		for i, s := range h.open {
			if s.users == 0 && (oldest < 0 || s.used < h.open[oldest].used) {
				oldest = i
			}
		}
		if oldest < 0 {
			return
		}
		s := h.open[oldest]
		s.file.Close()
		s.file, s.loaded = nil, nil
		h.open = slices.Delete(h.open, oldest, oldest+1)
	}
}
