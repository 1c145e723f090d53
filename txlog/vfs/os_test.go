package vfs_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/txlog/vfs"
)

func TestFileRoundTrip(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	if err := vfs.OS.MkdirAll(dir); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "f")
	f, err := vfs.OS.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := vfs.OS.Create(name); !errors.Is(err, fs.ErrExist) {
		t.Errorf("creating a taken name: %v", err)
	}
	if err := f.Preallocate(3 << 20); err != nil {
		t.Fatal(err)
	}
	if size, _ := f.Size(); size != 3<<20 {
		t.Errorf("size after preallocation: %d", size)
	}
	if _, err := f.WriteAt([]byte("tenge"), 1<<20); err != nil {
		t.Fatal(err)
	}
	if err := f.Datasync(); err != nil {
		t.Fatal(err)
	}
	// Preallocating less than there is must not cut.
	if err := f.Preallocate(1); err != nil {
		t.Fatal(err)
	}
	if err := vfs.OS.Rename(name, name+"2"); err != nil {
		t.Fatal(err)
	}
	if err := vfs.OS.SyncDir(dir); err != nil {
		t.Fatal(err)
	}
	r, err := vfs.OS.Open(name + "2")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	got := make([]byte, 6)
	if _, err := r.ReadAt(got, 1<<20); err != nil || string(got) != "tenge\x00" {
		t.Errorf("read %q, %v", got, err)
	}
	if _, err := r.WriteAt([]byte("x"), 0); err == nil {
		t.Error("a file opened for reading took a write")
	}
	names, err := vfs.OS.List(dir)
	if err != nil || len(names) != 1 || names[0] != "f2" {
		t.Errorf("list: %v, %v", names, err)
	}
	if err := vfs.OS.Remove(name + "2"); err != nil {
		t.Fatal(err)
	}
	if _, err := vfs.OS.Open(name + "2"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("opening a removed file: %v", err)
	}
}

func TestMkdirAllRefusesAFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(name, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := vfs.OS.MkdirAll(filepath.Join(name, "below")); err == nil {
		t.Error("made a directory below a file")
	}
}

// TestLockNamesTheHolder plays the holder in a process of its own, killed at the end.
func TestLockNamesTheHolder(t *testing.T) {
	if dir := os.Getenv("VFS_TEST_HOLD"); dir != "" {
		if _, err := vfs.OS.Lock(dir); err != nil {
			t.Fatal(err)
		}
		fmt.Println("held")
		_, _ = os.Stdin.Read(make([]byte, 1))
		return
	}
	dir := t.TempDir()
	holder := exec.Command(os.Args[0], "-test.run=^TestLockNamesTheHolder$")
	holder.Env = append(os.Environ(), "VFS_TEST_HOLD="+dir)
	in, _ := holder.StdinPipe()
	out, _ := holder.StdoutPipe()
	if err := holder.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := out.Read(make([]byte, 4)); err != nil {
		t.Fatal(err)
	}
	_, err := vfs.OS.Lock(dir)
	var locked *vfs.LockedError
	if !errors.As(err, &locked) || !strings.Contains(locked.Holder, fmt.Sprint("process ", holder.Process.Pid)) {
		t.Errorf("second lock: %v", err)
	}
	_ = holder.Process.Kill()
	_ = holder.Wait()
	_ = in.Close()
	lock, err := vfs.OS.Lock(dir)
	if err != nil {
		t.Fatalf("after the holder was killed: %v", err)
	}
	if err := lock.Close(); err != nil {
		t.Error(err)
	}
}
