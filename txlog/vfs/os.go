package vfs

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sort"
)

// OS is the operating system's file system.
var OS FS = osFS{}

type osFS struct{}

type osFile struct{ *os.File }

// Who pays whom is nobody's business but the owner's.
const (
	dirMode  = 0o700
	fileMode = 0o600
)

// MkdirAll makes each missing parent durable in turn: a directory whose own
// name is lost in a crash takes everything below it along.
func (o osFS) MkdirAll(dir string) error {
	dir = filepath.Clean(dir)
	if info, err := os.Stat(dir); err == nil {
		if !info.IsDir() {
			return fmt.Errorf("%s is not a directory", dir)
		}
		return nil
	}
	parent := filepath.Dir(dir)
	if parent != dir {
		if err := o.MkdirAll(parent); err != nil {
			return err
		}
	}
	if err := os.Mkdir(dir, dirMode); err != nil && !os.IsExist(err) {
		return err
	}
	return o.SyncDir(parent)
}

func (osFS) Create(name string) (File, error) { return open(name, os.O_RDWR|os.O_CREATE|os.O_EXCL) }
func (osFS) Open(name string) (File, error)   { return open(name, os.O_RDONLY) }
func (osFS) OpenReadWrite(name string) (File, error) {
	return open(name, os.O_RDWR)
}

func open(name string, flag int) (File, error) {
	f, err := os.OpenFile(name, flag, fileMode)
	if err != nil {
		return nil, err
	}
	return osFile{f}, nil
}

func (osFS) Rename(from, to string) error { return os.Rename(from, to) }
func (osFS) Remove(name string) error     { return os.Remove(name) }

func (osFS) List(dir string) ([]string, error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	names, err := f.Readdirnames(-1)
	sort.Strings(names)
	return names, err
}

func (osFS) SyncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = f.Sync()
	if closed := f.Close(); err == nil {
		err = closed
	}
	return err
}

// lockName is the file in a directory that stands for the directory's lock.
const lockName = "LOCK"

func (osFS) Lock(dir string) (io.Closer, error) {
	f, err := os.OpenFile(filepath.Join(dir, lockName), os.O_RDWR|os.O_CREATE, fileMode)
	if err != nil {
		return nil, err
	}
	if err := take(f, dir); err != nil {
		return nil, err
	}
	return dirLock{f}, nil
}

// dirLock is a directory that was taken. Its file stays; without a holder's name in it, whoever holds
// it only reads.
type dirLock struct{ *os.File }

func (l dirLock) Close() error {
	_ = l.Truncate(0)
	unlock(l.File)
	return l.File.Close()
}

// LockFile locks a file beside the one that is meant, because that one may be replaced by another meanwhile.
// The lock's file goes with the lock: who opened it before that finds that the name is another's, and tries again.
func (osFS) LockFile(name string) (io.Closer, error) {
	path := filepath.Join(filepath.Dir(name), "."+filepath.Base(name)+".lock")
	for {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, fileMode)
		if err != nil {
			return nil, err
		}
		if err := take(f, name); err != nil {
			return nil, err
		}
		mine, err1 := f.Stat()
		there, err2 := os.Stat(path)
		if err1 == nil && err2 == nil && os.SameFile(mine, there) {
			return fileLock{f}, nil
		}
		f.Close()
	}
}

type fileLock struct{ *os.File }

func (l fileLock) Close() error {
	removed := os.Remove(l.Name()) // while it is still held
	unlock(l.File)
	if err := l.File.Close(); err != nil {
		return err
	}
	return removed
}

// take locks an open file or closes it. what is what the lock stands for.
func take(f *os.File, what string) error {
	free, err := tryLock(f, true)
	if err != nil {
		f.Close()
		return fmt.Errorf("locking %s: %w", what, err)
	}
	if !free {
		defer f.Close()
		return &LockedError{Dir: what, Holder: holderOf(f)}
	}
	// The kernel drops the lock with the process; the text only helps whoever
	// finds it taken, so a failure to write it is no failure.
	if f.Truncate(0) == nil {
		fmt.Fprintf(f, "process %d (%s)", os.Getpid(), describeSelf())
	}
	return nil
}

func holderOf(f *os.File) string {
	var holder [256]byte
	n, _ := f.ReadAt(holder[:], 0)
	return string(holder[:n])
}

// LockShared takes a directory beside others who only read it, and needs no permission to write. A directory
// that nobody has ever taken needs no lock to be read.
func LockShared(dir string) (io.Closer, error) {
	f, err := os.Open(filepath.Join(dir, lockName))
	if os.IsNotExist(err) {
		return io.NopCloser(nil), nil
	}
	if err != nil {
		return nil, err
	}
	free, err := tryLock(f, false)
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("locking %s: %w", dir, err)
	}
	if !free {
		defer f.Close()
		return nil, &LockedError{Dir: dir, Holder: holderOf(f)}
	}
	return sharedLock{f}, nil
}

type sharedLock struct{ *os.File }

func (l sharedLock) Close() error {
	unlock(l.File)
	return l.File.Close()
}

func (osFS) Private(dir string) error {
	info, err := os.Stat(dir)
	if err != nil || info.Mode().Perm()&^dirMode == 0 {
		return err
	}
	if err := os.Chmod(dir, dirMode); err != nil {
		return fmt.Errorf("%s can be read by others (%s) and cannot be shut: %w", dir, info.Mode().Perm(), err)
	}
	return nil
}

// describeSelf names this process by its program and first argument, which by
// convention is a noun of the command line and never a secret.
func describeSelf() string {
	name := filepath.Base(os.Args[0])
	if len(os.Args) > 1 && len(os.Args[1]) < 32 {
		name += " " + os.Args[1]
	}
	return name
}

func (f osFile) Size() (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}
