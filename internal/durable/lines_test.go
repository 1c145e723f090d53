package durable_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/internal/sim/diskfault"
	"github.com/aqsha/aqsha/txlog/vfs"
)

const linesFile = "trail.jsonl"

func lineOf(n int) []byte {
	return fmt.Appendf(nil, `{"n":%d,"text":"%s"}`, n, strings.Repeat("tenge", 300*(n%3)))
}

// openLines opens the file and returns the numbers of its lines.
func openLines(files vfs.FS) (*durable.Lines, int, error) {
	n := 0
	l, err := durable.OpenLines(files, linesFile, func(text []byte) error {
		if !bytes.Equal(text, lineOf(n)) {
			return fmt.Errorf("line %d is %q", n, text[:min(40, len(text))])
		}
		n++
		return nil
	})
	return l, n, err
}

// Whatever fails: lines that were acknowledged are there, in order, whole; at most the one that was being written is there, too.
func TestLinesKeepWhatTheyAcknowledged(t *testing.T) {
	t.Parallel()
	diskfault.Every(t, func(files vfs.FS) error {
		l, _, err := openLines(files)
		if err != nil {
			return err
		}
		return errors.Join(l.Append(lineOf(0)), l.Append(lineOf(1)), l.Close())
	}, func(files vfs.FS) (done int, err error) {
		l, done, err := openLines(files)
		if err != nil {
			return 2, err
		}
		for done < 9 {
			if err := l.Append(lineOf(done)); err != nil {
				// A full disk may have room again; a failed sync is the end.
				if again := l.Append(lineOf(done)); again != nil {
					return done, errors.Join(err, l.Close())
				}
			}
			done++
		}
		return done, l.Close()
	}, func(files vfs.FS, done int) error {
		l, n, err := openLines(files)
		if err != nil {
			return err
		}
		if n < done || n > done+2 { // with what the check of the killed process added
			return errors.Join(fmt.Errorf("%d lines were acknowledged, %d are there", done, n), l.Close())
		}
		if err := l.Append(lineOf(n)); err != nil { // and it goes on
			return err
		}
		return l.Close()
	})
}

// A line without an end, or with bytes that nobody wrote, is cut at the end of the file and is damage before it.
func TestWhatIsCutOfLines(t *testing.T) {
	t.Parallel()
	for content, want := range map[string]string{
		"":                   "",
		"a\nb\n":             "a\nb\n",
		"a\nb":               "a\n",
		"a":                  "",
		"a\nb\x00\x00":       "a\n",
		"a\n\x00\x00b\n":     "a\n",
		"a\n\x00b\n\x00\x00": "a\n",
		"a\n\x00b\nc\n":      "damaged",
		"a\n\n":              "a\n\n",
		"\x00\x00\x00\x00":   "",
		"a\n" + strings.Repeat("x", 17<<20) + "\n": "longer",
	} {
		path := filepath.Join(t.TempDir(), linesFile)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		var read bytes.Buffer
		take := func(text []byte) error { read.Write(append(bytes.Clone(text), '\n')); return nil }
		readErr := durable.ReadLines(vfs.OS, path, take)
		if there, _ := os.ReadFile(path); string(there) != content {
			t.Errorf("%.20q: reading changed the file", content)
		}
		read.Reset()
		l, err := durable.OpenLines(vfs.OS, path, take)
		if want == "damaged" || want == "longer" {
			if err == nil || !strings.Contains(err.Error(), want) || readErr == nil {
				t.Errorf("%.20q: opened (%v), read (%v)", content, err, readErr)
			}
			continue
		}
		if err != nil || read.String() != want {
			t.Errorf("%.20q: read %q, %v", content, read.String(), err)
			continue
		}
		if _, err := durable.OpenLines(vfs.OS, path, take); !errors.As(err, new(*vfs.LockedError)) {
			t.Errorf("a second writer: %v", err)
		}
		if err := errors.Join(l.Append([]byte("last")), l.Close()); err != nil {
			t.Error(err)
		}
		if there, _ := os.ReadFile(path); string(there) != want+"last\n" {
			t.Errorf("%.20q: after another line: %q", content, there)
		}
	}
	if err := durable.ReadLines(vfs.OS, filepath.Join(t.TempDir(), linesFile), nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
	l, err := durable.OpenLines(vfs.OS, filepath.Join(t.TempDir(), linesFile), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if l.Append([]byte("a\nb")) == nil || l.Append([]byte("a\x00")) == nil {
		t.Error("what is no line was taken")
	}
}
