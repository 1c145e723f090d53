package disk

import (
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"

	"github.com/aqsha/aqsha/txlog/vfs"
)

// view is the file system of one generation.
type view struct {
	disk       *Disk
	generation int
}

func clean(name string) string { return filepath.Clean(name) }

// enter begins a call; the caller unlocks. Calls that change something are
// counted, and crash tells that this one is the planned last.
func (v *view) enter(changes bool) (crash bool, err error) {
	d := v.disk
	d.mu.Lock()
	if d.down || v.generation != d.generation {
		return false, ErrCrashed
	}
	if changes {
		d.ops++
		if d.crashAt != 0 && d.ops >= d.crashAt {
			d.down = true
			return true, nil
		}
	}
	return false, nil
}

// leave ends a call that changed something: if the crash came in the middle of it,
// the change is pending like any other, and the caller never hears.
func leave(crash bool) error {
	if crash {
		return ErrCrashed
	}
	return nil
}

// MkdirAll makes directories, which a crash does not take away: what the model loses are files and their names.
func (v *view) MkdirAll(dir string) error {
	crash, err := v.enter(true)
	defer v.disk.mu.Unlock()
	if err != nil {
		return err
	}
	for dir = clean(dir); !v.disk.dirs[dir]; dir = filepath.Dir(dir) {
		v.disk.dirs[dir] = true
	}
	return leave(crash)
}

func (v *view) Create(name string) (vfs.File, error) {
	crash, err := v.enter(true)
	defer v.disk.mu.Unlock()
	name = clean(name)
	switch {
	case err != nil:
		return nil, err
	case v.disk.live[name] != nil:
		return nil, &fs.PathError{Op: "create", Path: name, Err: fs.ErrExist}
	case !v.disk.dirs[filepath.Dir(name)]:
		return nil, &fs.PathError{Op: "create", Path: name, Err: fs.ErrNotExist}
	}
	v.disk.nextInode++
	node := &inode{number: v.disk.nextInode}
	v.disk.rebind(nameChange{dir: filepath.Dir(name), name: name, node: node})
	return &file{v, name, node, true}, leave(crash)
}

// rebind changes a name as the running process sees it; after a crash it is so only if its directory was synced, or by
// chance. The lock is held.
func (d *Disk) rebind(c nameChange) {
	bind(d.live, c)
	d.renames = append(d.renames, c)
}

func (v *view) Open(name string) (vfs.File, error)          { return v.open(name, false) }
func (v *view) OpenReadWrite(name string) (vfs.File, error) { return v.open(name, true) }

func (v *view) open(name string, writable bool) (vfs.File, error) {
	_, err := v.enter(false)
	defer v.disk.mu.Unlock()
	if err != nil {
		return nil, err
	}
	node := v.disk.live[clean(name)]
	if node == nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return &file{v, clean(name), node, writable}, nil
}

func (v *view) Rename(from, to string) error {
	crash, err := v.enter(true)
	defer v.disk.mu.Unlock()
	from, to = clean(from), clean(to)
	if err != nil {
		return err
	}
	node := v.disk.live[from]
	if node == nil {
		return &fs.PathError{Op: "rename", Path: from, Err: fs.ErrNotExist}
	}
	if filepath.Dir(from) != filepath.Dir(to) {
		return fmt.Errorf("simulated disk: rename across directories (%s to %s) is not modelled", from, to)
	}
	v.disk.rebind(nameChange{dir: filepath.Dir(to), name: to, node: node, freed: from})
	return leave(crash)
}

func (v *view) Remove(name string) error {
	crash, err := v.enter(true)
	defer v.disk.mu.Unlock()
	name = clean(name)
	if err != nil {
		return err
	}
	if v.disk.live[name] == nil {
		return &fs.PathError{Op: "remove", Path: name, Err: fs.ErrNotExist}
	}
	v.disk.rebind(nameChange{dir: filepath.Dir(name), name: name})
	return leave(crash)
}

func (v *view) List(dir string) ([]string, error) {
	_, err := v.enter(false)
	defer v.disk.mu.Unlock()
	dir = clean(dir)
	if err != nil {
		return nil, err
	}
	if !v.disk.dirs[dir] {
		return nil, &fs.PathError{Op: "list", Path: dir, Err: fs.ErrNotExist}
	}
	var names []string
	for name := range v.disk.live {
		if filepath.Dir(name) == dir {
			names = append(names, filepath.Base(name))
		}
	}
	for name := range v.disk.dirs {
		if name != dir && filepath.Dir(name) == dir {
			names = append(names, filepath.Base(name))
		}
	}
	slices.Sort(names)
	return names, nil
}

// SyncDir makes the names of a directory durable. A crash in the middle of it leaves all of them pending.
func (v *view) SyncDir(dir string) error {
	crash, err := v.enter(true)
	defer v.disk.mu.Unlock()
	if err != nil || crash {
		return cmpErr(err, crash)
	}
	dir = clean(dir)
	v.disk.renames = slices.DeleteFunc(v.disk.renames, func(c nameChange) bool {
		if c.dir == dir {
			bind(v.disk.durable, c)
		}
		return c.dir == dir
	})
	return nil
}

// cmpErr is the error of a call that failed, or of the crash in the midst of it.
func cmpErr(err error, crash bool) error {
	if err != nil {
		return err
	}
	return leave(crash)
}

// unlock lets a lock go when it is closed, unless a later generation has taken it.
type unlock func() error

func (u unlock) Close() error { return u() }

// Lock is held by a generation, not by a closer alone: a crashed run's locks end with it, as a process's do.
func (v *view) Lock(dir string) (io.Closer, error) {
	_, err := v.enter(false)
	defer v.disk.mu.Unlock()
	if err != nil {
		return nil, err
	}
	dir = clean(dir)
	if holder, held := v.disk.locks[dir]; held && holder == v.generation {
		return nil, &vfs.LockedError{Dir: dir, Holder: "this run"}
	}
	v.disk.locks[dir] = v.generation
	return unlock(func() error {
		v.disk.mu.Lock()
		defer v.disk.mu.Unlock()
		if v.disk.locks[dir] == v.generation {
			delete(v.disk.locks, dir)
		}
		return nil
	}), nil
}

func (v *view) LockFile(name string) (io.Closer, error) { return v.Lock(name) }

// Private finds nothing to do: the model has no users.
func (v *view) Private(string) error { return nil }
