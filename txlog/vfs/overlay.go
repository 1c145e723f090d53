package vfs

import (
	"errors"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// Overlay is a file system that reads what is below and keeps every change in memory, so that what
// recovers by writing (cutting a torn end, rebuilding an index) can be read from a place where nothing
// may be written. Close lets go of the files below.
type Overlay struct {
	below FS

	mu    sync.Mutex          // guards the names
	files map[string]*layered // opened or changed here; nil was removed
	dirs  map[string]bool     // made here
}

// NewOverlay lays an empty overlay over a file system.
func NewOverlay(below FS) *Overlay {
	return &Overlay{below: below, files: map[string]*layered{}, dirs: map[string]bool{}}
}

// layered is a file's bytes: pages that were written here, and the file below for the rest.
type layered struct {
	mu    sync.Mutex // over the rest; of one opened twice there is one
	below File       // nil for a file that was made here
	valid int64      // bytes of the file below that still count
	size  int64
	pages map[int64]*[pageBytes]byte
}

const pageBytes = 16 << 10

// Close closes the files below; the overlay and its files cannot be used any more.
func (o *Overlay) Close() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	var errs []error
	for _, f := range o.files {
		if f != nil && f.below != nil {
			errs = append(errs, f.below.Close())
		}
	}
	return errors.Join(errs...)
}

// MkdirAll refuses nothing: a directory that is a file below fails when something is made in it.
func (o *Overlay) MkdirAll(dir string) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	for dir = filepath.Clean(dir); dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		o.dirs[dir] = true
	}
	return nil
}

// find is the file of a name; the caller holds mu.
func (o *Overlay) find(op, name string) (*layered, error) {
	name = filepath.Clean(name)
	if f, known := o.files[name]; known {
		if f == nil {
			return nil, &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
		}
		return f, nil
	}
	below, err := o.below.Open(name)
	if err != nil {
		return nil, err
	}
	size, err := below.Size()
	if err != nil {
		return nil, errors.Join(err, below.Close())
	}
	f := &layered{below: below, valid: size, size: size, pages: map[int64]*[pageBytes]byte{}}
	o.files[name] = f
	return f, nil
}

// Create makes a file that is in memory alone.
func (o *Overlay) Create(name string) (File, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	_, err := o.find("create", name)
	if err == nil {
		return nil, &fs.PathError{Op: "create", Path: name, Err: fs.ErrExist}
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	f := &layered{pages: map[int64]*[pageBytes]byte{}}
	o.files[filepath.Clean(name)] = f
	return opened{f, true}, nil
}

func (o *Overlay) Open(name string) (File, error)          { return o.open(name, false) }
func (o *Overlay) OpenReadWrite(name string) (File, error) { return o.open(name, true) }

// open finds a file, in memory or below.
func (o *Overlay) open(name string, writable bool) (File, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	f, err := o.find("open", name)
	if err != nil {
		return nil, err
	}
	return opened{f, writable}, nil
}

// Rename gives a file another name; below it keeps its own.
func (o *Overlay) Rename(from, to string) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	f, err := o.find("rename", from)
	if err != nil {
		return err
	}
	o.files[filepath.Clean(from)], o.files[filepath.Clean(to)] = nil, f
	return nil
}

// Remove hides a file; below it stays.
func (o *Overlay) Remove(name string) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if _, err := o.find("remove", name); err != nil {
		return err
	}
	o.files[filepath.Clean(name)] = nil
	return nil
}

// List is what is below without what was removed, and with what was made here.
func (o *Overlay) List(dir string) ([]string, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	dir = filepath.Clean(dir)
	names, err := o.below.List(dir)
	if err != nil && !(errors.Is(err, fs.ErrNotExist) && o.dirs[dir]) {
		return nil, err
	}
	names = slices.DeleteFunc(names, func(name string) bool {
		f, known := o.files[filepath.Join(dir, name)]
		return known && f == nil
	})
	for path, f := range o.files {
		if f != nil && filepath.Dir(path) == dir {
			names = append(names, filepath.Base(path))
		}
	}
	for path := range o.dirs {
		if path != dir && filepath.Dir(path) == dir {
			names = append(names, filepath.Base(path))
		}
	}
	slices.SortFunc(names, strings.Compare)
	return slices.Compact(names), nil
}

func (o *Overlay) SyncDir(string) error               { return nil }
func (o *Overlay) Lock(string) (io.Closer, error)     { return io.NopCloser(nil), nil }
func (o *Overlay) LockFile(string) (io.Closer, error) { return io.NopCloser(nil), nil }
func (o *Overlay) Private(string) error               { return nil }

// opened is a layered file as somebody opened it.
type opened struct {
	*layered
	writable bool
}

func (f opened) Close() error    { return nil }
func (f opened) Datasync() error { return nil }
func (f opened) Sync() error     { return nil }

func (f *layered) Size() (int64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.size, nil
}

// ReadAt takes pages that were written from memory and the others from below.
func (f *layered) ReadAt(p []byte, at int64) (n int, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if at >= f.size {
		return 0, io.EOF
	}
	if int64(len(p)) > f.size-at {
		p, err = p[:f.size-at], io.EOF
	}
	for n < len(p) {
		number, skip := (at+int64(n))/pageBytes, (at+int64(n))%pageBytes
		part := p[n:min(len(p), n+int(pageBytes-skip))]
		if page := f.pages[number]; page != nil {
			copy(part, page[skip:])
		} else if err := f.readBelow(part, at+int64(n)); err != nil {
			return n, err
		}
		n += len(part)
	}
	return n, err
}

// readBelow reads what was not written here; past what counts of the file below there are zeros.
func (f *layered) readBelow(p []byte, at int64) error {
	have := int(max(0, min(int64(len(p)), f.valid-at)))
	clear(p[have:])
	if have == 0 {
		return nil
	}
	if n, err := f.below.ReadAt(p[:have], at); n < have {
		return err
	}
	return nil
}

var errOpenedToRead = errors.New("the file is open for reading only")

func (f opened) WriteAt(p []byte, at int64) (n int, err error) {
	if !f.writable {
		return 0, errOpenedToRead
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for n < len(p) {
		number, skip := (at+int64(n))/pageBytes, (at+int64(n))%pageBytes
		page := f.pages[number]
		if page == nil {
			page = new([pageBytes]byte)
			if err := f.readBelow(page[:], number*pageBytes); err != nil {
				return n, err
			}
			f.pages[number] = page
		}
		n += copy(page[skip:], p[n:])
	}
	f.size = max(f.size, at+int64(n))
	return n, nil
}

// Preallocate lets the file grow; what is new reads as zero.
func (f opened) Preallocate(size int64) error {
	if !f.writable {
		return errOpenedToRead
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.size = max(f.size, size)
	return nil
}

// Truncate cuts the file or lets it grow, in memory.
func (f opened) Truncate(size int64) error {
	if !f.writable {
		return errOpenedToRead
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for number, page := range f.pages { // what is cut reads as zero if the file grows again
		switch begin := number * pageBytes; {
		case begin >= size:
			delete(f.pages, number)
		case begin+pageBytes > size:
			clear(page[size-begin:])
		}
	}
	f.valid, f.size = min(f.valid, size), size
	return nil
}
