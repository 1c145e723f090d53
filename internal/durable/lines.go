package durable

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"sync"

	"github.com/aqsha/aqsha/txlog/vfs"
)

// Lines is a text file to which lines are added, each durable before Append returns, for files that people and other
// programs read too. A line has no checksum: what a crash leaves of one that was not acknowledged has no end, or holds
// bytes that were never written (zeros), and is cut when the file is opened. Whether the other lines are what was
// written is for their reader to say.
//
// One process writes at a time: the caller holds a lock above the file, or the file's own is taken.
type Lines struct {
	path string
	file vfs.File
	lock io.Closer

	// mu is over what follows, and held until a line is on the disk.
	mu     sync.Mutex
	size   int64 // of the lines that are whole and durable
	failed error // of a write that could not be taken back: nothing is written after it
}

// OpenLines opens a file of lines, or begins one, and hands its lines over in order, without their ends. Another
// process that adds to it is named (*vfs.LockedError).
func OpenLines(files vfs.FS, path string, line func(text []byte) error) (*Lines, error) {
	lock, err := files.LockFile(path)
	if err != nil {
		return nil, err
	}
	l := &Lines{path: path, lock: lock}
	if err := l.open(files, line); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

func (l *Lines) open(files vfs.FS, line func([]byte) error) (err error) {
	l.file, err = files.OpenReadWrite(l.path)
	if errors.Is(err, fs.ErrNotExist) {
		l.file, err = files.Create(l.path)
	}
	if err != nil {
		return err
	}
	end, err := l.file.Size()
	if err != nil {
		return err
	}
	last, whole, err := scanLines(l.file, end, line)
	if err != nil {
		return err
	}
	if l.size = whole; whole < end {
		if err := l.file.Truncate(whole); err != nil {
			return err
		}
	}
	// The last line is written again: it may be of a process whose sync failed, after which the system's cache shows
	// what the disk does not have, and takes it for clean.
	text := make([]byte, whole-last)
	if _, err := l.file.ReadAt(text, last); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if _, err := l.file.WriteAt(text, last); err != nil {
		return err
	}
	if err := l.file.Sync(); err != nil {
		return err
	}
	return files.SyncDir(filepath.Dir(l.path))
}

// ReadLines hands the lines of a file over in order, beside a process that may be adding to it.
func ReadLines(files vfs.FS, path string, line func(text []byte) error) (err error) {
	file, err := files.Open(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	end, err := file.Size()
	if err != nil {
		return err
	}
	_, _, err = scanLines(file, end, line)
	return err
}

// maxLine bounds a line, in bytes: what stands in memory of a file that is no file of lines.
// ErrDamagedLine is of a line in the midst of a file that holds bytes which were never written.
var ErrDamagedLine = errors.New("is damaged, and others follow it")

// maxLine bounds a line, in bytes.
const maxLine = 16 << 20

// scanLines returns where the last whole line begins and ends.
func scanLines(file io.ReaderAt, end int64, line func([]byte) error) (last, whole int64, err error) {
	buffer, from := make([]byte, 0, 64<<10), int64(0) // bytes of the file from an offset on
	for {
		if at := bytes.IndexByte(buffer, '\n'); at >= 0 {
			if text := buffer[:at]; bytes.IndexByte(text, 0) >= 0 {
				if from+int64(at)+1 < end && !onlyZeros(file, from+int64(at)+1, end) {
					return 0, 0, fmt.Errorf("a line that begins at byte %d %w", from, ErrDamagedLine)
				}
				return last, from, nil // the last, of which a crash left a part
			} else if err := line(text); err != nil {
				return 0, 0, err
			}
			last, buffer, from = from, buffer[at+1:], from+int64(at)+1
			continue
		}
		next := from + int64(len(buffer))
		if next >= end {
			return last, from, nil // what is left has no end
		}
		if len(buffer) > maxLine {
			return 0, 0, fmt.Errorf("a line that begins at byte %d is longer than %d bytes", from, maxLine)
		}
		more := make([]byte, min(64<<10, end-next))
		if _, err := file.ReadAt(more, next); err != nil && !errors.Is(err, io.EOF) {
			return 0, 0, err
		}
		buffer = append(buffer, more...)
	}
}

// onlyZeros says whether nothing was written in a part of a file.
func onlyZeros(file io.ReaderAt, from, end int64) bool {
	rest, err := io.ReadAll(io.NewSectionReader(file, from, min(end-from, maxLine)))
	return err == nil && end-from <= maxLine && len(bytes.Trim(rest, "\x00")) == 0
}

// Append adds a line, which holds no line end of its own. One at a time: of two that were written at once a crash might
// leave the second and not the first.
func (l *Lines) Append(line []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.failed != nil {
		return fmt.Errorf("%s: nothing is written after a failure: %w", l.path, l.failed)
	}
	if len(line) > maxLine || bytes.ContainsAny(line, "\n\x00") {
		return fmt.Errorf("%s: %d bytes are no line", l.path, len(line))
	}
	text := append(bytes.Clone(line), '\n')
	if _, err := l.file.WriteAt(text, l.size); err != nil {
		// Nothing of it may stay, or the next line would stand behind half of this one.
		if undo := l.file.Truncate(l.size); undo != nil {
			l.failed = errors.Join(err, undo)
		}
		return err
	}
	if err := l.file.Datasync(); err != nil {
		l.failed = err // what the disk has is not known any more
		return err
	}
	l.size += int64(len(text))
	return nil
}

// Close lets go of the file.
func (l *Lines) Close() error {
	var err error
	if l.file != nil {
		err = l.file.Close()
	}
	return errors.Join(err, l.lock.Close())
}
