package durable

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/txlog/vfs"
)

// Entries come back in order; what is refused is not written, nor what comes after it; a line that is damaged, or does
// not follow, is refused by the file's name.
func TestEntries(t *testing.T) {
	type entry struct{ N int }
	path := filepath.Join(t.TempDir(), "numbers.jsonl")
	refused := errors.New("not the next number")
	open := func() (*[]int, func(entry) error) {
		var list []int
		return &list, func(e entry) error {
			if e.N != len(list)+1 {
				return refused
			}
			list = append(list, e.N)
			return nil
		}
	}
	read := func() (int, error) {
		list, take := open()
		err := ReadEntries(vfs.OS, path, take)
		return len(*list), err
	}
	if n, err := read(); n != 0 || err != nil {
		t.Fatalf("of no file: %d, %v", n, err)
	}
	list, take := open()
	err := AddEntries(vfs.OS, path, take, func() ([]entry, error) { return []entry{{1}, {2}, {4}, {3}}, nil })
	if !errors.Is(err, refused) || len(*list) != 2 {
		t.Errorf("%v, %v", err, *list)
	}
	if n, err := read(); n != 2 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	list, take = open()
	if err := AddEntries(vfs.OS, path, take, func() ([]entry, error) {
		return []entry{{len(*list) + 1}}, nil
	}); err != nil || len(*list) != 3 {
		t.Errorf("%v, %v", err, *list)
	}
	for _, bad := range []string{"no JSON\n", "{\"N\":9}\n"} {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, append(content, bad...), 0o600); err != nil {
			t.Fatal(err)
		}
		if n, err := read(); err == nil || n != 3 || !strings.Contains(err.Error(), "numbers.jsonl") {
			t.Errorf("%q: %d, %v", bad, n, err)
		}
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
