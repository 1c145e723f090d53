package datadir

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// What stands in the place of config.toml and is no file is refused: a pipe would be waited for.
func TestAConfigurationIsAFile(t *testing.T) {
	t.Parallel()
	pipe, folder := t.TempDir(), t.TempDir()
	if err := syscall.Mkfifo(filepath.Join(pipe, ConfigFile), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(folder, ConfigFile), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{pipe, folder} {
		if _, err := ReadConfig(dir); err == nil || !strings.Contains(err.Error(), "not a file") {
			t.Errorf("%s: %v", dir, err)
		}
	}
}
