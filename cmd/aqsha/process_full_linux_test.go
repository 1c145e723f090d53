package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aqsha/aqsha/money"
)

// smallDisk mounts a file system of a size, or skips: it takes the rights of root.
func smallDisk(t *testing.T, size string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "mode=0700,size="+size); err != nil {
		t.Skipf("SKIPPED: no small disk to fill can be mounted here (%v)", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	return dir
}

func enlarge(t *testing.T, dir, size string) {
	t.Helper()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT, "mode=0700,size="+size); err != nil {
		t.Fatal(err)
	}
}

// A real disk fills up under a running node: it refuses payments and says what to do, still tells what is stored, can be opened
// again on the full disk to be read, and goes on by itself when there is room.
func TestARealDiskFillsUp(t *testing.T) {
	t.Parallel()
	disk := smallDisk(t, "4m")
	dir := filepath.Join(disk, "net")
	if out, err := aqsha("init", "--development", "--shared-keys", "--data", dir).CombinedOutput(); err == nil || !strings.Contains(string(out), "make room") {
		t.Fatalf("init on a disk of 4 MiB: %v\n%s", err, out)
	}
	enlarge(t, disk, "72m") // a segment of the log and little more
	run1(t, "init", "--development", "--shared-keys", "--data", dir)
	run1(t, "bank", "admit", "bank", "--data", dir)
	run1(t, "wallet", "new", "shop", "--bank", "bank", "--tier", "business", "--data", dir)
	shorten(t, dir)
	run1(t, "issue", "bank", "1000", "--data", dir)
	p := up(t, dir)
	defer func() { p.stop(t) }()
	fill := filepath.Join(disk, "others")
	if err := os.WriteFile(fill, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for size := int64(1 << 20); fallocated(fill, size); size += 1 << 20 {
		if size > 80<<20 {
			t.Fatal("the disk has no end")
		}
	}
	paid := money.Tiyn(0)
	for {
		pay := aqsha("pay", "bank", "shop", "1", "--data", dir, "--json")
		if out, err := pay.CombinedOutput(); err != nil {
			if !strings.Contains(string(out), `"disk-full"`) {
				t.Fatalf("on a full disk: %v\n%s", err, out)
			}
			break
		}
		if paid += money.Tenge; paid > 100*money.Tenge {
			t.Fatal("the disk does not fill up")
		}
	}
	if h := health(t, p.url); h.Status != "disk-full" || !strings.Contains(h.Detail, "make room") || len(h.Warnings) == 0 {
		t.Fatalf("%+v", h)
	}
	p.stop(t)
	p = up(t, dir) // on the full disk
	balanceIs(t, dir, "shop", paid)
	if out, err := aqsha("pay", "bank", "shop", "1", "--data", dir, "--json").CombinedOutput(); err == nil || !strings.Contains(string(out), `"disk-full"`) {
		t.Fatalf("after a restart on the full disk: %v\n%s", err, out)
	}
	enlarge(t, disk, "300m")
	for deadline := time.Now().Add(time.Minute); health(t, p.url).Status != "ok"; time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%+v", health(t, p.url))
		}
	}
	balanceIs(t, dir, "shop", paid+money.Tenge) // what waited for room was paid, as its refusal said it might be
	run1(t, "pay", "bank", "shop", "1", "--data", dir)
	balanceIs(t, dir, "shop", paid+2*money.Tenge)
	run1(t, "supply", "--data", dir)
}

// shorten leaves little room in the last segment of a log, so that few payments fill it: its file ends soon after its records.
func shorten(t *testing.T, dir string) {
	t.Helper()
	segments, err := filepath.Glob(filepath.Join(dir, "log", "segments", "*.log"))
	if err != nil || len(segments) != 1 {
		t.Fatalf("%v, %v", segments, err)
	}
	content, err := os.ReadFile(segments[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(segments[0], int64(len(strings.TrimRight(string(content), "\x00")))+6000); err != nil {
		t.Fatal(err)
	}
}

// fallocated gives a file space up to a size, or as much as there is.
func fallocated(path string, size int64) bool {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return false
	}
	defer f.Close()
	return syscall.Fallocate(int(f.Fd()), 0, 0, size) == nil
}
