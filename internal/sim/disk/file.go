package disk

import (
	"errors"
	"io"
	"slices"
)

// file is an open file of one generation.
type file struct {
	view     *view
	name     string
	node     *inode
	writable bool
}

var errReadOnly = errors.New("simulated disk: file is open for reading only")

func (f *file) ReadAt(p []byte, at int64) (int, error) {
	_, err := f.view.enter(false)
	defer f.view.disk.mu.Unlock()
	if err != nil {
		return 0, err
	}
	if at >= int64(len(f.node.live)) {
		return 0, io.EOF
	}
	n := copy(p, f.node.live[at:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// WriteAt is seen by the running process at once, and by one after a crash only in so far as a sync or chance has it so
// (pending). A write that fails leaves a part, as disks do.
func (f *file) WriteAt(p []byte, at int64) (int, error) {
	crash, err := f.view.enter(true)
	d := f.view.disk
	defer d.mu.Unlock()
	if err != nil {
		return 0, err
	}
	if !f.writable {
		return 0, errReadOnly
	}
	if !d.fits(f.node, at+int64(len(p))) {
		return 0, ErrFull
	}
	d.writes++
	failed := d.failWriteAt != 0 && d.writes == d.failWriteAt
	if failed {
		// Any part of it, also none and all: a caller must not conclude from an error that nothing was written.
		p = p[:d.rng.IntN(len(p)+1)]
	}
	if len(p) > 0 {
		f.node.live = put(f.node.live, at, p)
		f.node.pending = append(f.node.pending, change{at, slices.Clone(p)})
	}
	if crash {
		return 0, ErrCrashed
	}
	if failed {
		return len(p), ErrIO
	}
	return len(p), nil
}

// fits tells whether a file may become size bytes long.
func (d *Disk) fits(node *inode, size int64) bool {
	if d.capacity == 0 || size <= int64(len(node.live)) {
		return true
	}
	total := size - int64(len(node.live))
	for _, other := range inodes(d.live) {
		total += int64(len(other.live))
	}
	return total <= d.capacity
}

func (f *file) Preallocate(size int64) error {
	return f.resize(size, func(have int64) bool { return have >= size })
}

func (f *file) Truncate(size int64) error {
	return f.resize(size, func(int64) bool { return false })
}

// resize makes a file longer, with zeros, or shorter; skip says for which lengths there is nothing to do. It is
// pending like a write.
func (f *file) resize(size int64, skip func(have int64) bool) error {
	crash, err := f.view.enter(true)
	d := f.view.disk
	defer d.mu.Unlock()
	switch {
	case err != nil:
		return err
	case !f.writable:
		return errReadOnly
	case skip(int64(len(f.node.live))):
		return leave(crash)
	case !d.fits(f.node, size):
		return ErrFull
	}
	f.node.live = resize(f.node.live, size)
	f.node.pending = append(f.node.pending, change{at: size})
	return leave(crash)
}

func (f *file) Size() (int64, error) {
	_, err := f.view.enter(false)
	defer f.view.disk.mu.Unlock()
	return int64(len(f.node.live)), err
}

func (f *file) Datasync() error { return f.sync() }
func (f *file) Sync() error     { return f.sync() }

// sync makes the pending changes durable. A failed one draws for each whether it got there and forgets the rest, as
// the page cache marks what it could not write as clean: whoever syncs again is told nothing of it.
func (f *file) sync() error {
	crash, err := f.view.enter(true)
	d := f.view.disk
	defer d.mu.Unlock()
	if err != nil || crash {
		return cmpErr(err, crash)
	}
	d.syncs++
	switch {
	case d.failSyncAt != 0 && d.syncs == d.failSyncAt:
		f.node.settle(func() bool { return d.rng.IntN(2) == 0 })
		return ErrIO
	case d.lying:
		return nil
	}
	f.node.settle(func() bool { return true })
	return nil
}

func (f *file) Close() error { return nil }
