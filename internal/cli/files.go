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

// Output is a file that a flag names to be written; without a path none is.
type Output struct{ Flag, Path string }

// CheckOutputs refuses to write over a file that the same command reads, and two results into one file, of which the
// second would replace the first. Files are told apart by what they are, not by how they are written.
func CheckOutputs(inputs []string, outputs ...Output) error {
	same := func(a, b string) bool {
		if x, err := os.Stat(a); err == nil {
			if y, err := os.Stat(b); err == nil {
				return os.SameFile(x, y)
			}
		}
		x, _ := filepath.Abs(a)
		y, _ := filepath.Abs(b)
		return x == y
	}
	for i, out := range outputs {
		if out.Path == "" {
			continue
		}
		for _, in := range inputs {
			if in != "" && same(in, out.Path) {
				return Usage(fmt.Errorf("--%s %s: the file that is read would be replaced", out.Flag, out.Path))
			}
		}
		for _, other := range outputs[:i] {
			if other.Path != "" && same(other.Path, out.Path) {
				return Usage(fmt.Errorf("--%s and --%s name one file: the second would replace the first", other.Flag,
					out.Flag))
			}
		}
	}
	return nil
}
