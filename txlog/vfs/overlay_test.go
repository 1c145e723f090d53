package vfs_test

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/aqsha/aqsha/txlog/vfs"
)

// Random operations on an overlay beside plain byte slices: reads agree, and nothing below changes.
func TestOverlayReadsItsChangesAndWritesNothing(t *testing.T) {
	dir := t.TempDir()
	below := map[string][]byte{"small": []byte("tenge"), "large": bytes.Repeat([]byte("0123456789abcdef"), 3000), "empty": nil}
	for name, content := range below {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		o := vfs.NewOverlay(vfs.OS)
		model := map[string][]byte{}
		for name, content := range below {
			model[name] = slices.Clone(content)
		}
		name := rapid.SampledFrom([]string{"small", "large", "empty", "new", "newer"})
		at := rapid.Int64Range(0, 60_000)
		for range rapid.IntRange(1, 30).Draw(t, "operations") {
			n := name.Draw(t, "name")
			path := filepath.Join(dir, n)
			content, there := model[n]
			f, err := o.OpenReadWrite(path)
			if there != (err == nil) || (err != nil && !errors.Is(err, fs.ErrNotExist)) {
				t.Fatalf("open %s: %v", n, err)
			}
			if !there {
				if f, err = o.Create(path); err != nil {
					t.Fatal(err)
				}
				model[n] = nil
			}
			switch rapid.IntRange(0, 4).Draw(t, "what") {
			case 0:
				data, begin := rapid.SliceOfN(rapid.Byte(), 1, 40_000).Draw(t, "data"), at.Draw(t, "at")
				if _, err := f.WriteAt(data, begin); err != nil {
					t.Fatal(err)
				}
				if end := int(begin) + len(data); end > len(content) {
					content = append(content, make([]byte, end-len(content))...)
				}
				copy(content[begin:], data)
				model[n] = content
			case 1:
				size := at.Draw(t, "size")
				if err := f.Truncate(size); err != nil {
					t.Fatal(err)
				}
				content = append(content, make([]byte, max(0, int(size)-len(content)))...)
				model[n] = content[:size]
			case 2:
				if err := o.Remove(path); err != nil {
					t.Fatal(err)
				}
				delete(model, n)
			case 3:
				to := name.Draw(t, "to")
				if err := o.Rename(path, filepath.Join(dir, to)); err != nil {
					t.Fatal(err)
				}
				delete(model, n)
				model[to] = content
			case 4:
				size, _ := f.Size()
				got := make([]byte, size+1)
				read, err := f.ReadAt(got, 0)
				if err != io.EOF || !bytes.Equal(got[:read], content) {
					t.Fatalf("%s: %d bytes of %d, %v", n, read, len(content), err)
				}
			}
		}
		var want []string
		for n := range model {
			want = append(want, n)
		}
		slices.Sort(want)
		if got, err := o.List(dir); err != nil || !slices.Equal(got, want) {
			t.Fatalf("names %v, want %v: %v", got, want, err)
		}
		if err := o.Close(); err != nil {
			t.Fatal(err)
		}
		for n, content := range below {
			if got, err := os.ReadFile(filepath.Join(dir, n)); err != nil || !bytes.Equal(got, content) {
				t.Fatalf("%s was changed: %v", n, err)
			}
		}
	})
}

func TestSharedLocksKeepAWriterOut(t *testing.T) {
	dir := t.TempDir()
	if _, err := vfs.LockShared(dir); err != nil {
		t.Fatalf("a directory that nobody ever took: %v", err)
	}
	if names, _ := os.ReadDir(dir); len(names) != 0 {
		t.Errorf("a reader made %v", names)
	}
	writer, err := vfs.OS.Lock(dir)
	if err != nil {
		t.Fatal(err)
	}
	var held *vfs.LockedError
	if _, err := vfs.LockShared(dir); !errors.As(err, &held) || held.Holder == "" {
		t.Errorf("beside a writer: %v", err)
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		reader, err := vfs.LockShared(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer reader.Close()
	}
	if _, err := vfs.OS.Lock(dir); !errors.As(err, &held) {
		t.Errorf("beside readers: %v", err)
	}
}
