package audit

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
)

// Of a folder that may not be read nobody knows whether a log is in it: it is not said to have none.
func TestAFolderThatMayNotBeRead(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "nb")
	if err := os.MkdirAll(filepath.Join(dir, "log", "segments"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(dir, 0o700) })
	if os.Getuid() == 0 { // who is root in files too reads everything; this thread is not for a while
		runtime.LockOSThread()
		above := filepath.Dir(dir)
		for _, path := range []string{above, filepath.Dir(above)} {
			if err := os.Chmod(path, 0o755); err != nil {
				t.Fatal(err)
			}
		}
		if err := syscall.Setfsuid(65534); err != nil {
			t.Fatal(err)
		}
	}
	_, err := Directory(t.Context(), dir, [32]byte{}, nil)
	if os.Getuid() == 0 {
		if back := syscall.Setfsuid(0); back != nil {
			t.Fatal(back)
		}
	}
	if !errors.Is(err, fs.ErrPermission) {
		t.Errorf("a folder without rights: %v", err)
	}
}
