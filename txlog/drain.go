package txlog

import "path/filepath"

func (l *Log) segmentDir() string { return filepath.Join(l.dir, "segments") }

// drain writes tiles and seals segments behind the commits, unless that is being
// done already. It makes the caller wait only when too much has piled up.
func (l *Log) drain() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.draining && l.tiles.unwritten() > maxUnwritten {
		l.idle.Wait()
	}
	if l.draining || !l.hasWork() {
		return
	}
	l.draining = true
	l.mu.Unlock()
	l.options.Background(l.work)
	l.mu.Lock()
}

// crowded refuses a commit when as many hashes wait in memory as may, because the disk has no room for them. It has
// the writing of them tried again.
func (l *Log) crowded() error {
	if l.Cramped() == nil || l.tiles.unwritten() < maxUnwritten {
		return nil
	}
	l.drain()
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.draining {
		l.idle.Wait()
	}
	if l.cramped == nil {
		return l.failure
	}
	return &NoRoomError{l.cramped}
}

// Cramped says why tiles and indexes of segments wait in memory to be written: the disk is full. Nil when they do not.
func (l *Log) Cramped() error {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.cramped
}

// hasWork is asked with mu held.
func (l *Log) hasWork() bool {
	return l.failure == nil && (l.durable.unsealed > 0 || l.tiles.unwritten() >= flushAt)
}

// work does what there is to do until nothing is left. One runs at a time (draining). On a full disk it gives up, and
// the next commit begins it again; any other failure is final.
func (l *Log) work() {
	for {
		err := l.workOnce()
		full := hindered(err)
		if err != nil && !full {
			// The tiles could be rebuilt, but a disk that fails here fails
			// the next commit too, or worse, does not.
			_ = l.poison(err)
		}
		l.mu.Lock()
		l.cramped = nil
		if full {
			l.cramped = err // the hashes stay in memory, and the next commit has this tried again
		}
		if err != nil || !l.hasWork() {
			l.draining = false
			l.idle.Broadcast()
			l.mu.Unlock()
			return
		}
		l.mu.Unlock()
	}
}

// workOnce writes the hashes that wait and seals the segments that are full. Tiles are synced before an index is
// written, for the index says that they need not be made again up to there.
func (l *Log) workOnce() error {
	v := l.view()
	if err := l.tiles.flush(); err != nil {
		return err
	}
	if v.unsealed == 0 {
		return nil
	}
	if err := l.tiles.sync(); err != nil {
		return err
	}
	last := len(v.segments) - 1
	for i := last - v.unsealed; i < last; i++ {
		if err := l.rotate(v.segments[i], v.segments[i+1]); err != nil {
			return err
		}
		l.park(v.segments[i])
		l.mu.Lock()
		l.durable.unsealed-- // at once: when the next finds no room, this one is not sealed again
		l.mu.Unlock()
	}
	return nil
}

// rotate writes a full segment's index and gives back the space it did not need. The tiles are durable up to its end by
// now, which is what the index vouches for. A crash between the two leaves a sealed segment with unwritten space behind
// its end, which the index leaves out.
func (l *Log) rotate(s, next *segment) error {
	x := segmentIndex{end: s.end, nextHeight: s.nextHeight, nextIndex: s.nextIndex, root: next.header.root,
		positions: *s.loaded}
	if err := writeFile(l.fs, indexPath(s.path), x.encode(s.header.firstHeight)); err != nil {
		return err
	}
	f, err := l.fs.OpenReadWrite(s.path)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Truncate(s.end)
}
