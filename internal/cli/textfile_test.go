package cli

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A file that a flag names holds one line, may begin as editors begin files, ends at its bound, and holds up nobody.
func TestTextOrFile(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return "@" + path
	}
	for text, want := range map[string]string{
		"as it is": "as it is", write("plain", "a\n"): "a", write("dos", "b\r\n"): "b", write("blank", "\n\n c \nd\n"): "c", write("mark", "\ufeffe\n"): "e",
	} {
		if got, err := TextOrFile(text); err != nil || got != want {
			t.Errorf("%s: %q, %v", text, got, err)
		}
	}
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"@" + dir, "@" + filepath.Join(dir, "none"), write("empty", " \n"), write("long", strings.Repeat("x", maxNodeFile+1)), "@/dev/zero", "@" + pipe} {
		if got, err := TextOrFile(text); err == nil {
			t.Errorf("%s: %q", text, got)
		}
	}
}
