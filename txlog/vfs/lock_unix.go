//go:build unix

package vfs

import (
	"errors"
	"os"
	"syscall"
)

// tryLock takes an advisory lock that the kernel drops when the process ends.
func tryLock(f *os.File) (bool, error) {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return false, nil
	}
	return err == nil, err
}
