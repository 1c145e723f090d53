package txlog

import (
	"errors"
	"path/filepath"
	"strings"
	"sync"
)

// Recovery says what Open found and mended.
type Recovery struct {
	// TornBytes were cut from the end: a write that a crash interrupted, never
	// acknowledged. They lay in TornFile at TornOffset.
	TornBytes  int64
	TornFile   string
	TornOffset int64
	// Rewritten is how many entries at the end no checkpoint covers: they were written again.
	Rewritten uint64
	// ScannedEntries were read to rebuild what is kept in memory.
	ScannedEntries uint64
	// TilesRebuilt tells that the hash tiles were missing or stale.
	TilesRebuilt bool
	// CheckpointTorn tells that one slot of the checkpoint file was invalid, as a
	// crash leaves it; the other counts.
	CheckpointTorn bool
}

// Recovery says what Open found and mended.
func (l *Log) Recovery() Recovery { return l.recovery }

// Open opens the log in dir, or begins one, and takes the directory for this
// process (*vfs.LockedError if another has it). A torn end is cut; see Recovery.
// It refuses with a *DamageError when a stored record is not what was written,
// with a *BehindError when entries of a published checkpoint are missing, and with
// a *HistoryError when they are others than published.
func Open(dir string, options Options) (*Log, error) {
	if err := options.complete(); err != nil {
		return nil, err
	}
	l := &Log{fs: options.FS, dir: dir, options: options, grown: make(chan struct{})}
	l.idle = sync.Cond{L: &l.mu}
	l.tiles = tiles{fs: l.fs, dir: filepath.Join(dir, "tiles")}
	for _, d := range []string{dir, l.segmentDir(), l.tiles.dir} {
		if err := l.fs.MkdirAll(d); err != nil {
			return nil, err
		}
	}
	lock, err := l.fs.Lock(dir)
	if err != nil {
		return nil, err
	}
	l.lock = lock
	if err := l.recover(); err != nil {
		_ = l.closeFiles()
		return nil, err
	}
	return l, nil
}

// recover finds out what is durable: segments, checkpoint, indexes that can be trusted, and record by record the rest.
func (l *Log) recover() error {
	// A process that was killed may have left names in the cache only; what is
	// built on them now must not outlive them.
	for _, d := range []string{l.dir, l.segmentDir(), l.tiles.dir} {
		if err := l.fs.SyncDir(d); err != nil {
			return err
		}
	}
	if err := l.openSegments(); err != nil {
		return err
	}
	if err := l.openCheckpoint(len(l.durable.segments) == 0); err != nil {
		return err
	}
	if len(l.durable.segments) == 0 {
		if l.noted.Size > 0 {
			return &BehindError{Size: 0, Published: l.noted.Size}
		}
		if err := l.begin(); err != nil {
			return err
		}
	}
	sealed, err := l.trustIndexes()
	if err != nil {
		return err
	}
	end, err := l.scan(sealed)
	if err != nil {
		return err
	}
	if err := l.comparePublished(); err != nil {
		return err
	}
	if err := l.rewrite(end.offset); err != nil {
		return err
	}
	if err := l.cut(end); err != nil {
		return err
	}
	return l.flushTiles()
}

// openSegments opens every segment's header and checks that they follow each other.
func (l *Log) openSegments() error {
	names, err := l.fs.List(l.segmentDir())
	if err != nil {
		return err
	}
	v := &l.durable
	for _, name := range names {
		path := filepath.Join(l.segmentDir(), name)
		if strings.HasSuffix(name, tempSuffix) && !l.reading {
			if err := l.fs.Remove(path); err != nil {
				return err
			}
			continue
		}
		if !strings.HasSuffix(name, segmentSuffix) {
			continue
		}
		s, err := openSegment(l.fs, path, l.options.Origin)
		if err != nil {
			return err
		}
		if n := len(v.segments); n > 0 {
			// What it must hold, as the next one begins there.
			sealed := v.segments[n-1]
			sealed.nextHeight, sealed.nextIndex = s.header.firstHeight, s.header.firstIndex
			l.park(sealed)
		}
		v.segments = append(v.segments, s)
	}
	if len(v.segments) > 0 && (v.segments[0].header.firstIndex != 0 || v.segments[0].header.root != EmptyRoot) {
		first := v.segments[0]
		return &DamageError{File: first.path, Height: 0, Index: 0, Reason: "the segments before it are missing"}
	}
	return nil
}

// begin makes the first segment of a new log.
func (l *Log) begin() error {
	header := segmentHeader{root: EmptyRoot, origin: l.options.Origin}
	if err := header.draw(l.options.Random); err != nil {
		return err
	}
	s, err := createSegment(l.fs, l.segmentDir(), header, l.options.SegmentBytes)
	if err != nil {
		return err
	}
	l.durable.segments = []*segment{s}
	return nil
}

// trustIndexes finds how many segments at the front need no reading: they have an
// index that leads to the next segment, and the tiles lead to the root there.
func (l *Log) trustIndexes() (int, error) {
	segments := l.durable.segments
	sealed := 0
	for ; sealed < len(segments)-1; sealed++ {
		s, next := segments[sealed], segments[sealed+1]
		x, err := readIndexHeader(l.fs, s)
		if err != nil || x.nextIndex != next.header.firstIndex || x.nextHeight != next.header.firstHeight ||
			x.root != next.header.root {
			break // missing or stale: read the segment itself
		}
		s.end = x.end
	}
	start := segments[sealed].header
	err := l.tiles.open(start.firstIndex)
	if err == nil {
		l.staged, err = l.tiles.frontier(start.firstIndex)
	}
	if err == nil && l.staged.root() == start.root {
		l.stagedHeight = start.firstHeight
		return sealed, nil
	}
	if err != nil && !errors.Is(err, errNotExist) && !errors.As(err, new(staleTiles)) {
		return 0, err
	}
	l.tiles.reset()
	l.staged, l.stagedHeight = frontier{}, 0
	l.recovery.TilesRebuilt = true
	if l.reading {
		return 0, nil // all is read, and the hashes stay in memory
	}
	return 0, l.removeIndexes()
}

// removeIndexes makes sure that no index vouches for tiles that are only being
// rebuilt, should a crash come in between.
func (l *Log) removeIndexes() error {
	for _, s := range l.durable.segments {
		if err := l.fs.Remove(indexPath(s.path)); err != nil && !errors.Is(err, errNotExist) {
			return err
		}
	}
	return l.fs.SyncDir(l.segmentDir())
}

// comparePublished holds the log against the checkpoint that it has published.
func (l *Log) comparePublished() error {
	signed, published := l.Checkpoint()
	switch size := l.Size(); {
	case signed == nil:
		return nil
	case published.Size > size:
		return &BehindError{Size: size, Published: published.Size}
	default:
		root, err := l.Root(published.Size)
		if err != nil {
			return err
		}
		if root != published.Root {
			return &HistoryError{Size: published.Size, Root: root, Published: published.Root}
		}
		return nil
	}
}
