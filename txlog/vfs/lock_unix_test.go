//go:build unix

package vfs_test

import (
	"io"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/aqsha/aqsha/txlog/vfs"
)

// A process that is being started holds a copy of every open file until it becomes another program. A lock that
// its holder has let go is free even so.
func TestALockEndsWithItsHolderNotWithACopyOfItsFile(t *testing.T) {
	dir := t.TempDir()
	alone := func() (io.Closer, error) { return vfs.OS.Lock(dir) }
	for name, take := range map[string]func() (io.Closer, error){
		"a directory":         alone,
		"a directory to read": func() (io.Closer, error) { return vfs.LockShared(dir) },
		"a file":              func() (io.Closer, error) { return vfs.OS.LockFile(filepath.Join(dir, "f")) },
	} {
		first, err := alone() // makes the file that a reader locks
		if err != nil {
			t.Fatal(err)
		}
		if err := first.Close(); err != nil {
			t.Fatal(err)
		}
		held, err := take()
		if err != nil {
			t.Fatal(err)
		}
		inherited, err := syscall.Dup(int(held.(interface{ Fd() uintptr }).Fd()))
		if err != nil {
			t.Fatal(err)
		}
		if err := held.Close(); err != nil {
			t.Error(err)
		}
		for _, again := range []func() (io.Closer, error){alone, take} {
			lock, err := again()
			if err != nil {
				t.Errorf("%s that was let go: %v", name, err)
				continue
			}
			lock.Close()
		}
		syscall.Close(inherited)
	}
}
