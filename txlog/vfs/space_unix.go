//go:build linux || darwin || freebsd

package vfs

import (
	"os"
	"syscall"
)

// Space asks the file system that holds a directory.
func (osFS) Space(dir string) (Space, error) {
	var stat syscall.Statfs_t
	if err := syscall.Statfs(dir, &stat); err != nil {
		return Space{}, &os.PathError{Op: "statfs", Path: dir, Err: err}
	}
	block := uint64(stat.Bsize)
	//nolint:unconvert // other systems have other types here
	return Space{Free: uint64(max(0, int64(stat.Bavail))) * block, Total: uint64(stat.Blocks) * block}, nil
}
