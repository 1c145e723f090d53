package vfs

import (
	"errors"
	"fmt"
	"io"
	"syscall"
)

// FS is a tree of files. Names use the host's separator; errors satisfy
// errors.Is with fs.ErrNotExist and fs.ErrExist where those apply.
type FS interface {
	// MkdirAll makes a directory and its parents, and makes them durable.
	MkdirAll(dir string) error
	// Create makes a new file for reading and writing; the name must be free.
	Create(name string) (File, error)
	// Open opens an existing file for reading only.
	Open(name string) (File, error)
	// OpenReadWrite opens an existing file for reading and writing.
	OpenReadWrite(name string) (File, error)
	// Rename gives a file another name, replacing what bore it.
	Rename(from, to string) error
	// Remove takes a name away; files open under it stay readable.
	Remove(name string) error
	// List returns the names in a directory, sorted, without their path.
	List(dir string) ([]string, error)
	// SyncDir makes the names in a directory durable.
	SyncDir(dir string) error
	// Lock takes a directory for this process until the closer is closed.
	// While another holds it the error is a *LockedError.
	Lock(dir string) (io.Closer, error)
	// LockFile takes the name of a file, which need not exist, in the same way.
	LockFile(name string) (io.Closer, error)
	// Private shuts a directory to everybody but its owner, or says that it cannot.
	Private(dir string) error
}

// File is one open file. Methods may be called from several goroutines.
type File interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	// Preallocate makes the file size bytes long, if it is shorter, with disk
	// space behind all of them; bytes not written yet read as zero.
	Preallocate(size int64) error
	// Truncate sets the length in bytes.
	Truncate(size int64) error
	// Size returns the length in bytes.
	Size() (int64, error)
	// Datasync makes contents and length durable, times not.
	Datasync() error
	// Sync makes contents and all metadata durable.
	Sync() error
}

// Space is the room of the file system that holds a directory, in bytes.
type Space struct {
	Free  uint64 `json:"free"` // for this process: not what is kept for root
	Total uint64 `json:"total"`
}

// Roomy is an FS that can say how much room there is.
type Roomy interface {
	Space(dir string) (Space, error)
}

// Full says whether an error means that there is no room, on the disk or within the owner's quota. What failed so has
// written nothing that counts, unless it was a sync.
func Full(err error) bool { return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) }

// LockedError says that a directory, or a file, belongs to another running process.
type LockedError struct {
	Dir    string // or the file
	Holder string // as the holder described itself: "process 4711 (aqsha up)"
}

func (e *LockedError) Error() string {
	holder := e.Holder
	if holder == "" {
		holder = "another process"
	}
	return fmt.Sprintf("%s is in use by %s", e.Dir, holder)
}

// ErrorCode is the error's stable code.
func (e *LockedError) ErrorCode() string { return "locked" }

// ErrorField names what the error speaks of.
func (e *LockedError) ErrorField() string { return "data" }

// zeros fills a file up to size by writing, where space cannot be reserved otherwise.
func zeros(f File, size int64) error {
	at, err := f.Size()
	if err != nil {
		return err
	}
	block := make([]byte, 1<<20)
	for at < size {
		n := min(int64(len(block)), size-at)
		if _, err := f.WriteAt(block[:n], at); err != nil {
			return err
		}
		at += n
	}
	return nil
}
