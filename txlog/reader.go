package txlog

import (
	"errors"
	"fmt"
	"iter"
	"path/filepath"
	"slices"

	"github.com/aqsha/aqsha/txlog/vfs"
)

// Reader reads a log that another process may be writing, up to the last batch that was whole when the Reader was
// opened. It takes no lock and changes nothing on disk. What its end holds may not be durable yet: only an Open, once
// the writer has let the log go, says that it is. See Options.Scanned.
type Reader struct {
	log *Log
	// earlier is how many of the hashes in memory are of segments before the last, by level.
	earlier [tileLevels]int
}

// OpenReader reads a log's end as Open does, and leaves everything as it is: what a crash or the writer has left half
// done is not judged.
func OpenReader(dir string, options Options) (*Reader, error) {
	if err := options.complete(); err != nil {
		return nil, err
	}
	options.FS, options.Scanned = readOnly{options.FS}, nil
	l := &Log{fs: options.FS, dir: dir, options: options, grown: make(chan struct{}), reading: true}
	l.tiles = tiles{fs: l.fs, dir: filepath.Join(dir, "tiles")}
	r := &Reader{log: l}
	if err := r.scan(); err != nil {
		_ = l.closeFiles()
		return nil, err
	}
	return r, nil
}

// scan finds out what can be read now. Of the last segment more may come, so that what was known before it is noted.
func (r *Reader) scan() error {
	l := r.log
	if err := l.openSegments(); err != nil {
		return err
	}
	if len(l.durable.segments) == 0 {
		return refuse("log-absent", "dir", "%s holds no log", l.dir)
	}
	first, err := l.trustIndexes()
	if err != nil {
		return err
	}
	last := len(l.durable.segments) - 1
	for i := first; i <= last; i++ {
		if i == last {
			for level := range l.tiles.tail {
				r.earlier[level] = len(l.tiles.tail[level])
			}
		}
		if _, err := l.scanNumber(i); err != nil {
			return err
		}
	}
	return nil
}

// Size is the number of entries read so far, which are those before the first that is not whole.
func (r *Reader) Size() uint64 { return r.log.Size() }

// Root is that of the tree over Size entries.
func (r *Reader) Root() Hash { return r.log.view().root }

// Entries are as those of a Log.
func (r *Reader) Entries(from, to uint64) iter.Seq2[[]byte, error] { return r.log.Entries(from, to) }

// Close closes the files.
func (r *Reader) Close() error { return r.log.closeFiles() }

// resume begins a segment's scan: behind what a Reader has scanned of the same segment, or at its first record. The
// Reader's last record must still be there.
func (l *Log) resume(s *segment, size int64) (scanner, *positions) {
	in := scanner{file: s.file, mark: s.header.salt, at: segmentHeaderBytes, end: size}
	p := &positions{firstIndex: s.header.firstIndex}
	r := l.options.Scanned
	if r == nil {
		return in, p
	}
	known := &r.log.durable
	n := len(known.positions.offsets)
	if n == 0 || known.segments[len(known.segments)-1].header != s.header {
		return in, p
	}
	last := scanner{file: s.file, mark: s.header.salt, at: int64(known.positions.offsets[n-1]), end: size}
	if h, _, err := last.next(); err != nil || h.root != known.root || last.at != known.end {
		return in, p
	}
	l.staged, l.stagedHeight = r.log.staged, r.log.stagedHeight
	var hashes levels
	for level, tail := range r.log.tiles.tail {
		hashes[level] = tail[r.earlier[level]:]
	}
	l.tiles.add(&hashes)
	in.at = known.end
	p.offsets, p.firsts, p.bundles = slices.Clone(known.positions.offsets), slices.Clone(known.positions.firsts),
		slices.Clone(known.positions.bundles)
	return in, p
}

// readOnly is a file system in which nothing can be changed.
type readOnly struct{ vfs.FS }

var errReadOnly = errors.New("opened for reading only")

func (r readOnly) OpenReadWrite(name string) (vfs.File, error) { return r.Open(name) }
func (readOnly) MkdirAll(dir string) error                     { return fmt.Errorf("%s: %w", dir, errReadOnly) }
func (readOnly) Create(name string) (vfs.File, error) {
	return nil, fmt.Errorf("%s: %w", name, errReadOnly)
}
func (readOnly) Rename(from, _ string) error { return fmt.Errorf("%s: %w", from, errReadOnly) }
func (readOnly) Remove(name string) error    { return fmt.Errorf("%s: %w", name, errReadOnly) }
func (readOnly) SyncDir(dir string) error    { return fmt.Errorf("%s: %w", dir, errReadOnly) }
