package txlog

import (
	"errors"
	"fmt"
	"io"

	"github.com/aqsha/aqsha/txlog/vfs"
)

// lastEnd is where the last segment's records end, and what lies behind them.
type lastEnd struct {
	offset  int64
	garbage int64 // end of it; offset if there is none
}

// scan reads the segments from number first on, hashes every entry and rebuilds what is in memory. It judges the end of
// the last segment and changes nothing on disk but tiles. It runs before anybody else has the log, so it takes no lock
// for what is the log's.
func (l *Log) scan(first int) (lastEnd, error) {
	for i := first; i < len(l.durable.segments)-1; i++ {
		if _, err := l.scanNumber(i); err != nil {
			return lastEnd{}, err
		}
	}
	return l.scanNumber(len(l.durable.segments) - 1)
}

// scanNumber is scan for one segment, once those before it are read. Its header must go on where they ended, at the
// same entry, height and root: a segment of another history, or one that is missing between, is found here. Only in
// the last segment may the end be torn.
func (l *Log) scanNumber(i int) (lastEnd, error) {
	v := &l.durable
	s := v.segments[i]
	if s.header.firstIndex != l.staged.size || s.header.firstHeight != l.stagedHeight ||
		s.header.root != l.staged.root() {
		return lastEnd{}, &DamageError{File: s.path, Height: l.stagedHeight, Index: l.staged.size,
			Reason: fmt.Sprintf("the segment begins at entry %d with another history", s.header.firstIndex)}
	}
	last := i == len(v.segments)-1
	end, p, err := l.scanSegment(s, last)
	if err != nil {
		return lastEnd{}, err
	}
	if !last {
		return end, l.rotateScanned(s, v.segments[i+1], end.offset, p)
	}
	size, err := s.file.Size()
	if err != nil {
		return lastEnd{}, err
	}
	v.end, v.capacity, v.positions = end.offset, size, *p
	v.size, v.heights, v.root = l.staged.size, l.stagedHeight, l.staged.root()
	return end, nil
}

// rotateScanned writes the index of a segment that had none. On a full disk the segment stays without, to be sealed
// behind a later commit, and so do all after it: the log can be read all the same.
func (l *Log) rotateScanned(s, next *segment, end int64, p *positions) error {
	s.end, s.loaded = end, p
	if l.reading {
		return l.acquire(s)
	}
	err := l.cramped
	if err == nil {
		err = l.tiles.flush()
	}
	if err == nil {
		err = l.tiles.sync()
	}
	if err == nil {
		err = l.rotate(s, next)
	}
	if !hindered(err) {
		s.loaded = nil
		return err
	}
	l.cramped = err
	l.durable.unsealed++
	return l.acquire(s) // until it is sealed
}

// hindered says whether work behind the commits failed for lack of room alone, and may be tried again.
func hindered(err error) bool { return vfs.Full(err) && !errors.As(err, new(*syncError)) }

// scanSegment reads one segment. All records of a sealed one must be there.
func (l *Log) scanSegment(s *segment, last bool) (lastEnd, *positions, error) {
	if err := l.acquire(s); err != nil {
		return lastEnd{}, nil, err
	}
	defer l.release(s)
	size, err := s.file.Size()
	if err != nil {
		return lastEnd{}, nil, err
	}
	in, p := l.resume(s, size)
	for last || l.staged.size < s.nextIndex {
		at := in.at
		h, body, err := in.next()
		if err == nil {
			err = l.replay(&h, body)
		}
		var invalid frameError
		switch {
		case err == nil:
			p.add(at, &h, body)
			continue
		// A whole record that contradicts what is before it was not torn by a crash: somebody wrote it, or a disk
		// changed it.
		case errors.As(err, new(contradiction)):
			return lastEnd{}, nil, l.damaged(s, at, err.Error())
		case !errors.As(err, &invalid) && !errors.Is(err, io.EOF):
			return lastEnd{}, nil, err
		// A crash tears the log's end alone: a segment that others follow was whole when the next was begun.
		case !last:
			return lastEnd{}, nil, l.damaged(s, at, fmt.Sprintf("%v, and later segments exist", err))
		}
		// A writer may be at work on this very record; a reader judges nobody's end.
		if l.reading {
			return lastEnd{offset: at, garbage: at}, p, nil
		}
		end, err := l.judgeEnd(s, at, err)
		return end, p, err
	}
	if l.staged.size != s.nextIndex || l.stagedHeight != s.nextHeight {
		return lastEnd{}, nil, l.damaged(s, in.at, "its last batch runs into the next segment")
	}
	return lastEnd{offset: in.at, garbage: in.at}, p, nil
}

// contradiction is a record that passes its checksums and yet cannot be: no crash
// makes those.
type contradiction struct{ error }

// replay adds a record to the tree and checks what it says about itself.
func (l *Log) replay(h *recordHeader, body []byte) error {
	if h.height != l.stagedHeight || h.firstIndex != l.staged.size {
		return contradiction{fmt.Errorf("here lies batch %d from entry %d", h.height, h.firstIndex)}
	}
	var hashes levels
	hashes[0] = make([]Hash, 0, h.count)
	for start, end := range spans(body) {
		l.staged.push(leafHashAt(body, start, end), &hashes)
	}
	if root := l.staged.root(); root != h.root {
		return contradiction{fmt.Errorf("batch leads to root %v, its record says %v", root, h.root)}
	}
	l.stagedHeight++
	l.recovery.ScannedEntries += uint64(h.count)
	l.tiles.add(&hashes)
	if l.tiles.unwritten() < flushAt {
		return nil
	}
	return l.flushTiles()
}

// flushTiles writes tiles while the log is opened. On a full disk the hashes stay in memory, as many as may.
func (l *Log) flushTiles() error {
	if l.reading || l.cramped != nil && l.tiles.unwritten() < maxUnwritten {
		return nil // nothing may be written, or it was tried
	}
	err := l.tiles.flush()
	if hindered(err) {
		l.cramped = err
		if l.tiles.unwritten() < maxUnwritten {
			return nil
		}
		return &NoRoomError{err}
	}
	return err
}

// judgeEnd decides whether what lies behind the last valid record is unwritten space, a torn write, or damage. It is
// damage when something behind it was written after it was durable (recordHeader.durable), or when a published
// checkpoint covers it; otherwise a write that a crash cut short, of which nobody was told, and which is cut.
func (l *Log) judgeEnd(s *segment, at int64, reason error) (lastEnd, error) {
	t, err := inspectTail(s.file, s.header.salt, at, l.stagedHeight)
	if err != nil {
		return lastEnd{}, err
	}
	if t.laterCommit > 0 {
		return lastEnd{}, l.damaged(s, at,
			fmt.Sprintf("%v, though batch %d at offset %d was written after it was durable", reason, t.laterCommit,
				t.laterOffset))
	}
	if t.garbageEnd > at && l.noted.Size > l.staged.size {
		return lastEnd{}, l.damaged(s, at, fmt.Sprintf("%v, though a checkpoint of %d entries was published", reason,
			l.noted.Size))
	}
	return lastEnd{offset: at, garbage: t.garbageEnd}, nil
}

func (l *Log) damaged(s *segment, at int64, reason string) error {
	return &DamageError{File: s.path, Offset: at, Height: l.stagedHeight, Index: l.staged.size, Reason: reason}
}

// rewrite writes the records of the last segment again that no checkpoint covers, up to end. After a sync that failed,
// a kernel may hold what was written as clean pages: it is read back, a later sync says nothing of it, and a power cut
// takes it (Rebello et al., Can Applications Recover from fsync Failures?, USENIX ATC 2020, section 3). A log is
// poisoned by such a sync, so that it can only be the last write of a process, which lies in the last segment, and no
// checkpoint was signed over it. The pages are dirty again after this, and the sync of cut, which comes next, means
// them. A crash in between leaves the same bytes, or a torn end.
func (l *Log) rewrite(end int64) error {
	v := &l.durable
	s := v.segments[len(v.segments)-1]
	from := end
	if l.noted.Size <= s.header.firstIndex {
		from = 0 // nothing of it is covered, and neither is its header
	} else {
		for i, first := range v.positions.firsts {
			if s.header.firstIndex+uint64(first) >= l.noted.Size {
				from = int64(v.positions.offsets[i])
				break
			}
		}
	}
	if l.reading || from == end {
		return nil
	}
	l.recovery.Rewritten = v.size - max(l.noted.Size, s.header.firstIndex)
	chunk := make([]byte, min(end-from, readChunkBytes))
	for at := from; at < end; at += int64(len(chunk)) {
		part := chunk[:min(int64(len(chunk)), end-at)]
		if _, err := s.file.ReadAt(part, at); err != nil {
			return err
		}
		if _, err := s.file.WriteAt(part, at); err != nil {
			return err
		}
	}
	return nil
}

// cut overwrites a torn end with zeros, so that none of it can be taken for a
// record later, and makes the records before it durable: they were read, but a
// process that was killed may have left them in the page cache only.
func (l *Log) cut(end lastEnd) error {
	s := l.durable.segments[len(l.durable.segments)-1]
	zeros := make([]byte, min(end.garbage-end.offset, readChunkBytes))
	for at := end.offset; at < end.garbage; at += int64(len(zeros)) {
		if _, err := s.file.WriteAt(zeros[:min(int64(len(zeros)), end.garbage-at)], at); err != nil {
			return err
		}
	}
	if torn := end.garbage - end.offset; torn > 0 {
		l.recovery.TornBytes, l.recovery.TornFile, l.recovery.TornOffset = torn, s.path, end.offset
	}
	return s.file.Datasync()
}
