//go:build unix

package vfs

import (
	"errors"
	"os"
	"syscall"
)

// tryLock takes an advisory lock that the kernel drops when the process ends: alone, or beside others who
// take it beside others.
func tryLock(f *os.File, alone bool) (bool, error) {
	how := syscall.LOCK_SH
	if alone {
		how = syscall.LOCK_EX
	}
	err := syscall.Flock(int(f.Fd()), how|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return false, nil
	}
	return err == nil, err
}

// unlock drops the lock before its file is closed: a child that was being started in that instant still holds a
// copy of the file until it becomes another program, and the lock would outlive its holder that long (flock(2)).
func unlock(f *os.File) { _ = syscall.Flock(int(f.Fd()), syscall.LOCK_UN) }
