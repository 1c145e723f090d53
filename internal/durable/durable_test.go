package durable_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/internal/sim/disk"
	"github.com/aqsha/aqsha/txlog/vfs"
)

func ExampleUpdate() {
	dir, _ := os.MkdirTemp("", "durable")
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "total")
	for range 3 {
		_ = durable.Update(vfs.OS, path, 1<<10, func(content []byte) ([]byte, error) { return append(content, '.'), nil })
	}
	content, err := durable.Read(vfs.OS, path, 1<<10)
	fmt.Println(string(content), err)
	// Output: ... <nil>
}

// Twenty writers at once, each in its own turn: no change is lost and no file is left over.
func TestParallelUpdates(t *testing.T) {
	path := filepath.Join(t.TempDir(), "n")
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			if err := durable.Update(vfs.OS, path, 1<<10, increment); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	content, err := os.ReadFile(path)
	if err != nil || strings.TrimSpace(string(content)) != "20" {
		t.Errorf("%.10q, %v", content, err)
	}
	names, _ := vfs.OS.List(filepath.Dir(path))
	if len(names) != 1 {
		t.Errorf("left over: %v", names)
	}
	if info, _ := os.Stat(path); info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
}

func TestFolderIsShutToOthers(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "wide")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := durable.Folder(vfs.OS, dir); err != nil {
		t.Fatal(err)
	}
	if info, _ := os.Stat(dir); info.Mode().Perm() != 0o700 {
		t.Errorf("mode %v", info.Mode())
	}
}

func TestAJournalHasOneWriter(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j")
	open := func(o durable.Options) (*durable.Journal, error) {
		return durable.OpenJournal(vfs.OS, path, o, func([]byte) error { return nil })
	}
	j, err := open(options)
	if err != nil {
		t.Fatal(err)
	}
	var held *vfs.LockedError
	if _, err := open(options); !errors.As(err, &held) || !strings.Contains(held.Holder, fmt.Sprint("process ", os.Getpid())) {
		t.Errorf("second writer: %v", err)
	}
	reader := options
	reader.Reader = true
	r, err := open(reader)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(r.Append([]byte("x")), r.Close()); err == nil {
		t.Error("a reader wrote")
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if j, err = open(options); err != nil {
		t.Fatalf("after the first is closed: %v", err)
	}
	_ = j.Close()
	if err := os.WriteFile(path, []byte("to,amount\nshop,1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var kind *durable.KindError
	if _, err := open(options); !errors.As(err, &kind) {
		t.Errorf("another kind of file: %v", err)
	}
}

// A changed byte in the last record is cut and named, as a crash may have left it; one before whole records is
// refused, because cutting there would forget those.
func TestDamageIsNotCut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := disk.New(1)
		j, _, err := openJournal(d.FS())
		if err != nil {
			t.Fatal(err)
		}
		var begins []int64
		for n := range rapid.IntRange(1, 5).Draw(t, "records") {
			begins = append(begins, j.Size())
			if err := j.Append(text(n)); err != nil {
				t.Fatal(err)
			}
		}
		size := j.Size()
		_ = j.Close()
		at := rapid.Int64Range(begins[0], size-1).Draw(t, "at")
		d.Rot("j", at, byte(rapid.IntRange(1, 255).Draw(t, "bits")))
		j, records, err := openJournal(d.FS())
		last := begins[len(begins)-1]
		var damaged *durable.DamagedError
		switch {
		case at < last:
			if !errors.As(err, &damaged) {
				t.Fatalf("damage at %d of %d: %v, %d records", at, size, err, len(records))
			}
		case err != nil || len(records) != len(begins)-1 || j.Cut() != size-last:
			t.Fatalf("torn at %d of %d: %v, %d records", at, size, err, len(records))
		}
	})
}

// FuzzJournal opens any file as a journal: an error, or records that a second opening finds again.
func FuzzJournal(f *testing.F) {
	f.Add([]byte("test journal 1\n"))
	f.Add([]byte("test journal 1\n\x01\x00\x00\x00\x00\x00\x00\x00x"))
	f.Add([]byte("test jour"))
	f.Fuzz(func(t *testing.T, content []byte) {
		d := disk.New(1)
		file, err := d.FS().Create("j")
		if err != nil {
			t.Fatal(err)
		}
		if len(content) > 0 {
			if _, err := file.WriteAt(content, 0); err != nil {
				t.Fatal(err)
			}
		}
		j, first, err := openJournal(d.FS())
		if err != nil {
			return
		}
		_ = j.Close()
		j, second, err := openJournal(d.FS())
		if err != nil || strings.Join(first, "|") != strings.Join(second, "|") || j.Cut() != 0 {
			t.Fatalf("%q then %q: %v", first, second, err)
		}
	})
}
