package repair

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/txlog/vfs"
)

const ticketsFile = "tickets.jsonl"

// line takes a line of the file. One that does not follow from those before is damage and refused: what was paid for
// parts is not to be told wrong.
func (b *Book) line(text []byte) error {
	var e Entry
	err := json.Unmarshal(text, &e)
	if err == nil {
		err = b.Take(e)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", ticketsFile, err)
	}
	return nil
}

// Read reads the tickets of a farm's folder.
func Read(files vfs.FS, dir string) (*Book, error) {
	b := new(Book)
	err := durable.ReadLines(files, filepath.Join(dir, ticketsFile), b.line)
	if errors.Is(err, fs.ErrNotExist) {
		return b, nil
	}
	return b, err
}

// Add lets make say what entries to add to the tickets as they are, and adds them, each durable before the next. Nobody
// else adds meanwhile. It returns the tickets with those that were added, also when a later one failed.
func Add(files vfs.FS, dir string, make func(b *Book) ([]Entry, error)) (b *Book, err error) {
	b = new(Book)
	lines, err := durable.OpenLines(files, filepath.Join(dir, ticketsFile), b.line)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, lines.Close()) }()
	entries, err := make(b)
	if err != nil {
		return b, err
	}
	for _, e := range entries {
		line, err := json.Marshal(e)
		if err != nil {
			return b, err
		}
		if err := b.Take(e); err != nil {
			return b, err
		}
		if err := lines.Append(line); err != nil {
			return b, err
		}
	}
	return b, nil
}
