package txlog

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"sync"

	"github.com/aqsha/aqsha/txlog/vfs"
)

// The geometry of C2SP tlog-tiles: a tile is 256 hashes, eight levels of the tree.
const (
	tileHeight = 8
	tileWidth  = 1 << tileHeight
)

// tiles keeps the nodes at heights 0, 8, 16, … of the durable log: one file per
// level, in which tile N is the 8,192 bytes at N·8,192 and a partial tile is a
// shorter prefix of it. That is 32.13 bytes per entry. The newest hashes stay in
// memory until flush. Everything here can be rebuilt from the segments.
type tiles struct {
	fs  vfs.FS
	dir string

	// mu is over what follows, and not held while a file is written. Until then hashes are found in tail: a flush, of
	// which one runs at a time, takes them out of it when they are in the file.
	mu      sync.RWMutex
	files   [tileLevels]vfs.File // nil until the level is needed
	written [tileLevels]uint64   // hashes in the file
	tail    levels               // hashes after those

	cache pyramids
}

func (t *tiles) path(level int) string { return filepath.Join(t.dir, fmt.Sprintf("level-%d", level)) }

// open opens the levels that a log of size entries needs and trusts their files up
// to there. The error is errNotExist or staleTiles when they cannot be.
func (t *tiles) open(size uint64) error {
	for level := range t.files {
		hashes := size >> (level * tileHeight)
		if hashes == 0 {
			break
		}
		f, err := t.fs.OpenReadWrite(t.path(level))
		if err != nil {
			return err
		}
		t.files[level] = f
		have, err := f.Size()
		if err != nil {
			return err
		}
		if have < int64(hashes)*HashBytes {
			return staleTiles(fmt.Sprintf("%s has %d bytes, needs %d", t.path(level), have, hashes*HashBytes))
		}
		t.written[level] = hashes
	}
	return nil
}

// staleTiles says that the files do not hold what the segments lead to.
type staleTiles string

func (e staleTiles) Error() string { return string(e) }

// reset forgets everything, so that the tiles are written anew.
func (t *tiles) reset() {
	t.close()
	t.written, t.tail, t.cache = [tileLevels]uint64{}, levels{}, pyramids{}
}

// close lets go of the files. The caller holds mu, or has t alone.
func (t *tiles) close() {
	for level, f := range t.files {
		if f != nil {
			f.Close()
			t.files[level] = nil
		}
	}
}

// add appends the hashes of a batch.
func (t *tiles) add(hashes *levels) {
	t.mu.Lock()
	for level := range hashes {
		t.tail[level] = append(t.tail[level], hashes[level]...)
	}
	t.mu.Unlock()
}

// unwritten is how many entries' hashes are in memory only.
func (t *tiles) unwritten() int {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return len(t.tail[0])
}

// flush writes the hashes in memory to the files. One flush runs at a time; add and readers go on beside it. It syncs
// nothing: until an index vouches for them, tiles are made again from the segments after a crash.
func (t *tiles) flush() error {
	t.mu.RLock()
	pending, written := t.tail, t.written
	t.mu.RUnlock()
	var buffer []byte
	for level, hashes := range pending {
		if len(hashes) == 0 {
			continue
		}
		f, err := t.file(level)
		if err != nil {
			return err
		}
		buffer = buffer[:0]
		for i := range hashes {
			buffer = append(buffer, hashes[i][:]...)
		}
		if _, err := f.WriteAt(buffer, int64(written[level])*HashBytes); err != nil {
			return fmt.Errorf("writing tiles: %w", err)
		}
		t.mu.Lock()
		t.written[level] += uint64(len(hashes))
		// A fresh slice, as readers may hold the old one; with room enough that
		// it does not have to grow on the way to the next flush.
		rest := t.tail[level][len(hashes):]
		t.tail[level] = append(make([]Hash, 0, len(rest)+len(hashes)), rest...)
		t.mu.Unlock()
	}
	return nil
}

// file opens or creates a level's file for flush. A new name is made durable at once: a file that a crash takes away
// with its name would leave a level that the next start has to make again from the segments.
func (t *tiles) file(level int) (vfs.File, error) {
	t.mu.RLock()
	f := t.files[level]
	t.mu.RUnlock()
	if f != nil {
		return f, nil
	}
	f, err := t.fs.OpenReadWrite(t.path(level))
	if errors.Is(err, errNotExist) {
		f, err = t.fs.Create(t.path(level))
		if err == nil {
			err = t.fs.SyncDir(t.dir)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("opening tiles: %w", err)
	}
	t.mu.Lock()
	t.files[level] = f
	t.mu.Unlock()
	return f, nil
}

// sync makes what was flushed durable.
func (t *tiles) sync() error {
	t.mu.RLock()
	files := t.files
	t.mu.RUnlock()
	for _, f := range files {
		if f != nil {
			if err := f.Datasync(); err != nil {
				return &syncError{err}
			}
		}
	}
	return nil
}

// syncError is a sync of the tiles that failed: what they hold is unknown from then on, though the next sync may
// succeed.
type syncError struct{ cause error }

func (e *syncError) Error() string { return fmt.Sprintf("syncing tiles: %v", e.cause) }
func (e *syncError) Unwrap() error { return e.cause }

// read fills out with the hashes of a level from number first on. The caller makes sure that they belong to the durable
// log. The file, how much is in it and the tail are of one moment; the file only grows, so that reading it without the
// lock finds what was there.
func (t *tiles) read(level int, first uint64, out []Hash) error {
	t.mu.RLock()
	f, written, tail := t.files[level], t.written[level], t.tail[level]
	t.mu.RUnlock()
	if first+uint64(len(out)) > written+uint64(len(tail)) {
		return fmt.Errorf("tiles of level %d end at %d, asked for %d", level, written+uint64(len(tail)),
			first+uint64(len(out)))
	}
	stored := 0
	if first < written {
		stored = int(min(uint64(len(out)), written-first))
		b := make([]byte, stored*HashBytes)
		if n, err := f.ReadAt(b, int64(first)*HashBytes); err != nil && (n < len(b) || !errors.Is(err, io.EOF)) {
			return fmt.Errorf("reading tiles: %w", err)
		}
		for i := range stored {
			out[i] = Hash(b[i*HashBytes:])
		}
	}
	if stored < len(out) {
		copy(out[stored:], tail[first+uint64(stored)-written:])
	}
	return nil
}
