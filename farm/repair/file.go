package repair

import (
	"path/filepath"

	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/txlog/vfs"
)

const ticketsFile = "tickets.jsonl"

// Read reads the tickets of a farm's folder.
func Read(files vfs.FS, dir string) (*Book, error) {
	b := new(Book)
	return b, durable.ReadEntries(files, filepath.Join(dir, ticketsFile), b.Take)
}

// Add lets make say what entries to add to the tickets as they are, and adds them, each durable before the next. Nobody
// else adds meanwhile. It returns the tickets with those that were added, also when a later one failed.
func Add(files vfs.FS, dir string, make func(b *Book) ([]Entry, error)) (*Book, error) {
	b := new(Book)
	return b, durable.AddEntries(files, filepath.Join(dir, ticketsFile), b.Take, func() ([]Entry, error) { return make(b) })
}
