package index

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

const (
	// flushRecords is how many records gather in memory before they are written: 16 MiB of them, a few
	// seconds of payments. What memory holds when a process is killed is indexed again from the log.
	flushRecords = 1 << 20
	// mergeWidth is how many files of one size become one of the next.
	mergeWidth = 6
)

// load opens the files of an index. Files that a crash left beside what replaced them are removed; so is what
// stands after a gap or damage, which is indexed again.
func (x *Index) load() error {
	names, err := x.fs.List(x.dir)
	if err != nil {
		return err
	}
	for _, name := range names { // by first entry
		if !strings.HasSuffix(name, runSuffix) {
			continue
		}
		r, err := openRun(x.fs, x.dir, name, x.network)
		if err != nil {
			damage := (*DamageError)(nil)
			switch {
			case errors.As(err, &damage):
				x.dropped = append(x.dropped, err)
			case !errors.Is(err, errRunBefore): // which is no damage: it is made again
				return err
			}
		}
		if r != nil && len(x.disk) > 0 && r.first == x.disk[len(x.disk)-1].first &&
			r.size > x.disk[len(x.disk)-1].size {
			x.discard(x.disk[len(x.disk)-1]) // it was merged into this one
			x.disk = x.disk[:len(x.disk)-1]
		}
		end := uint64(0)
		if len(x.disk) > 0 {
			end = x.disk[len(x.disk)-1].size
		}
		switch {
		case r == nil:
			_ = x.fs.Remove(filepath.Join(x.dir, name))
		case r.first != end:
			x.discard(r)
		default:
			x.disk = append(x.disk, r)
		}
	}
	if len(x.disk) > 0 {
		x.size.set(x.disk[len(x.disk)-1].size)
	}
	return nil
}

// discard closes a run's file and removes it.
func (x *Index) discard(r *run) {
	_ = r.file.f.Close()
	_ = x.fs.Remove(r.file.path) // what stays is contained in others and goes at the next start
}

// flush writes what is in memory to a file. What fails leaves the memory as it is. Block and Close call it, not both at
// once.
func (x *Index) flush() error {
	if len(x.memory) == 0 {
		return nil
	}
	r, err := writeRun(x.fs, x.dir, x.network, x.memory)
	if err != nil {
		return err
	}
	x.mu.Lock()
	x.memory, x.gathered = nil, 0
	x.disk = append(slices.Clip(x.disk), r)
	x.mu.Unlock()
	select {
	case x.flushed <- struct{}{}:
	default:
	}
	return nil
}

// mergeAgain is how long after a failure, such as a full disk, files are merged again.
const mergeAgain = 30 * time.Second

// mergeFiles keeps files few, in the background. What fails is tried again: until then there are more files.
func (x *Index) mergeFiles() {
	defer x.merging.Done()
	var again <-chan time.Time
	for {
		select {
		case <-x.stop:
			return
		case <-x.flushed:
		case <-again:
		}
		again = nil
		err := x.mergeAll()
		x.mu.Lock()
		x.failed = err
		x.mu.Unlock()
		if err != nil {
			again = time.After(mergeAgain)
		}
	}
}

// mergeAll merges files until there is nothing to merge, or the index is closed.
func (x *Index) mergeAll() error {
	for {
		x.mu.RLock()
		from, to := mergeable(x.disk)
		parts := x.disk[from:to]
		x.mu.RUnlock()
		if from == to {
			return nil
		}
		merged, err := writeRun(x.fs, x.dir, x.network, parts)
		if err != nil {
			return err
		}
		x.mu.Lock()
		// Only this goroutine takes runs away; flush adds at the end.
		x.disk = append(append(slices.Clone(x.disk[:from]), merged), x.disk[to:]...)
		for _, part := range parts {
			x.discard(part)
		}
		x.mu.Unlock()
		select {
		case <-x.stop:
			return nil
		default:
		}
	}
}

// mergeable finds neighbouring runs of about the same size, the smallest such; from == to when there are none.
func mergeable(disk []*run) (from, to int) {
	best := -1
	for i := 0; i < len(disk); {
		j, tier := i, tierOf(disk[i])
		for j < len(disk) && tierOf(disk[j]) == tier {
			j++
		}
		if j-i >= mergeWidth && (best < 0 || tier < best) {
			best, from, to = tier, i, i+mergeWidth
		}
		i = j
	}
	return from, to
}

// tierOf counts how often a run has been merged, about.
func tierOf(r *run) int {
	tier, records := 0, r.file.count[ofIDs]+r.file.count[ofWallets]
	for at := 2 * flushRecords; records >= at; at *= mergeWidth {
		tier++
	}
	return tier
}
