package durable

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/aqsha/aqsha/txlog/vfs"
)

// takeLine decodes a line and has it taken. One that does not follow from those before is damage and refused: what a
// file decides is not to be guessed.
func takeLine[E any](path string, take func(E) error) func(text []byte) error {
	return func(text []byte) error {
		var e E
		err := json.Unmarshal(text, &e)
		if err == nil {
			err = take(e)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", filepath.Base(path), err)
		}
		return nil
	}
}

// ReadEntries hands the entries of a file over in order, a JSON object a line; there are none in a file that is not
// there. It takes no lock, and may run beside one who adds. What take has kept before an error is not the whole file.
func ReadEntries[E any](files vfs.FS, path string, take func(E) error) error {
	err := ReadLines(files, path, takeLine(path, take))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// AddEntries hands the entries of a file over, as ReadEntries does, lets make say what to add to them as they are, and
// adds it: each entry is taken, and durable before the next. Nobody else adds meanwhile.
func AddEntries[E any](files vfs.FS, path string, take func(E) error, make func() ([]E, error)) (err error) {
	lines, err := OpenLines(files, path, takeLine(path, take))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lines.Close()) }()
	entries, err := make()
	if err != nil {
		return err
	}
	for _, e := range entries {
		line, err := json.Marshal(e)
		if err != nil {
			return err
		}
		if err := take(e); err != nil {
			return err
		}
		if err := lines.Append(line); err != nil {
			return err
		}
	}
	return nil
}
