package cli

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// WriteFile writes a result to a file, which takes its place whole. It is the owner's: results name people and
// machines.
func WriteFile(path string, write func(io.Writer) error) error {
	file, err := os.CreateTemp(filepath.Dir(path), ".aqsha-*")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	if err := write(file); err != nil {
		file.Close()
		return fmt.Errorf("writing %s: %w", path, err)
	}
	if err := file.Close(); err != nil {
		return err
	}
	return os.Rename(file.Name(), path)
}
