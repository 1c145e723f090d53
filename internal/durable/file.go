package durable

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/aqsha/aqsha/txlog/vfs"
)

// How long a writer waits for another that has the same file in hand, and between tries. Each holds it for
// the time of two syncs.
const (
	lockWait  = 30 * time.Second
	lockRetry = 3 * time.Millisecond
)

// Lock takes a file's name, waiting for others who have it in hand, up to lockWait; then the error is a
// *vfs.LockedError, which names who holds it. A process that dies lets go.
func Lock(files vfs.FS, path string) (io.Closer, error) {
	for until := time.Now().Add(lockWait); ; time.Sleep(lockRetry) {
		lock, err := files.LockFile(path)
		var held *vfs.LockedError
		if err == nil || !errors.As(err, &held) || time.Now().After(until) {
			return lock, err
		}
	}
}

// Folder makes a folder with its parents, and shuts one that is made here or was there to everybody but its owner. The
// parents are left as they are.
func Folder(files vfs.FS, dir string) error {
	if err := files.MkdirAll(dir); err != nil {
		return err
	}
	return files.Private(dir)
}

// ErrTooLarge is a file that holds more than its reader takes.
var ErrTooLarge = errors.New("too large")

// Read reads a file of at most so many bytes; a larger one is ErrTooLarge and is not read. Replace renames, so that a
// reader without the lock gets the old content or the new one, never a mixture.
func Read(files vfs.FS, path string, most int64) ([]byte, error) {
	f, err := files.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	size, err := f.Size()
	if err != nil {
		return nil, err
	}
	if size > most {
		return nil, fmt.Errorf("%s: %d bytes, at most %d: %w", path, size, most, ErrTooLarge)
	}
	content := make([]byte, size)
	n, err := f.ReadAt(content, 0)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return content[:n], err
}

// Replace gives a file its whole content, whether it is there or not.
func Replace(files vfs.FS, path string, content []byte) error {
	lock, err := Lock(files, path)
	if err != nil {
		return err
	}
	return errors.Join(replace(files, path, content), lock.Close())
}

// Create makes a file; when there is one the error satisfies errors.Is(err, fs.ErrExist).
func Create(files vfs.FS, path string, content []byte) error {
	lock, err := Lock(files, path)
	if err != nil {
		return err
	}
	f, err := files.Open(path)
	switch {
	case err == nil:
		err = errors.Join(&fs.PathError{Op: "create", Path: path, Err: fs.ErrExist}, f.Close())
	case errors.Is(err, fs.ErrNotExist):
		err = replace(files, path, content)
	}
	return errors.Join(err, lock.Close())
}

// Update gives a file the content that change makes of its present one, nil if it is not there. When change
// fails, or returns the same bytes, nothing is written. Whoever updates the same file meanwhile waits.
func Update(files vfs.FS, path string, most int64, change func(content []byte) ([]byte, error)) error {
	lock, err := Lock(files, path)
	if err != nil {
		return err
	}
	return errors.Join(update(files, path, most, change), lock.Close())
}

func update(files vfs.FS, path string, most int64, change func([]byte) ([]byte, error)) error {
	before, err := Read(files, path, most)
	there := err == nil
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	after, err := change(bytes.Clone(before))
	if err != nil || (there && bytes.Equal(before, after)) {
		return err
	}
	return replace(files, path, after)
}

// replace writes beside the file and renames; the caller holds the lock, so the file beside it is its own, or
// what a crash left of another's.
func replace(files vfs.FS, path string, content []byte) error {
	dir := filepath.Dir(path)
	beside := filepath.Join(dir, "."+filepath.Base(path)+".new")
	if err := files.Remove(beside); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := writeNew(files, beside, content); err != nil {
		_ = files.Remove(beside) // a full disk gets its bytes back
		return err
	}
	if err := files.Rename(beside, path); err != nil {
		return err
	}
	return files.SyncDir(dir)
}

func writeNew(files vfs.FS, path string, content []byte) error {
	f, err := files.Create(path)
	if err != nil {
		return err
	}
	if len(content) > 0 {
		if _, err := f.WriteAt(content, 0); err != nil {
			return errors.Join(err, f.Close())
		}
	}
	return errors.Join(f.Sync(), f.Close())
}

// Remove takes a file away for good: a crash afterwards does not bring it back.
func Remove(files vfs.FS, path string) error {
	if err := files.Remove(path); err != nil {
		return err
	}
	return files.SyncDir(filepath.Dir(path))
}
