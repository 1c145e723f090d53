package txlog

import (
	"errors"
	"fmt"
	"path/filepath"

	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/txlog/vfs"
)

// Archived says how far an archive is.
type Archived struct {
	Segments int    // sealed ones that are in it
	Entries  uint64 // of them: all from the first on
	Behind   int    // sealed segments that are not in it yet
}

// ArchiveError means that an archive holds a segment of another history, or of another log: it is left as it is.
type ArchiveError struct{ File string }

func (e *ArchiveError) Error() string {
	return fmt.Sprintf("%s is another log's segment, or of another history: choose an empty folder for the archive",
		e.File)
}
func (e *ArchiveError) ErrorCode() string  { return "other-archive" }
func (e *ArchiveError) ErrorField() string { return "archive" }

// Archive copies sealed segments to a directory that has a log's layout, so that it opens as one: the first upTo
// entries' at most, each durably before the next, and behind the last a checkpoint that the log's signers sign over
// exactly what is there. A copy that was interrupted is made again. The caller sees to it that nobody else writes in
// dir. What is there is not read again but for each segment's length and header. It may run beside commits: sealed
// segments never change.
func (l *Log) Archive(fs vfs.FS, dir string, upTo uint64) (done Archived, err error) {
	if len(l.options.Signers) == 0 {
		return done, ErrNoSigner
	}
	segments := filepath.Join(dir, "segments")
	if err := fs.MkdirAll(segments); err != nil {
		return done, err
	}
	v := l.view()
	last := len(v.segments) - 1
	for i, s := range v.segments[:last-v.unsealed] {
		next := v.segments[i+1].header
		if next.firstIndex > upTo {
			done.Behind = last - v.unsealed - i
			break
		}
		if err := l.archiveSegment(fs, segments, s); err != nil {
			done.Behind = last - v.unsealed - i
			return done, err
		}
		done.Segments, done.Entries = i+1, next.firstIndex
	}
	if done.Segments == 0 {
		return done, nil
	}
	return done, l.archiveCheckpoint(fs, dir, Checkpoint{Origin: l.options.Origin, Size: done.Entries,
		Root: v.segments[done.Segments].header.root})
}

// copyBytes is how much of a segment is copied at a time.
const copyBytes = 1 << 20

// archiveSegment copies a sealed segment, unless it is there.
func (l *Log) archiveSegment(fs vfs.FS, dir string, s *segment) error {
	if err := l.acquire(s); err != nil {
		return err
	}
	defer l.release(s)
	name := filepath.Join(dir, filepath.Base(s.path))
	// One with other bytes is another log's, or a copy that was changed: it is never written over.
	switch same, err := sameSegment(fs, name, s); {
	case err == nil && same:
		return nil
	case err == nil:
		return &ArchiveError{name}
	case !errors.Is(err, errNotExist):
		return err
	}
	// Under its name there is a whole segment or none: what a crash leaves is under the other, and is removed by the
	// next run.
	temp := name + tempSuffix
	if err := fs.Remove(temp); err != nil && !errors.Is(err, errNotExist) {
		return err
	}
	f, err := fs.Create(temp)
	if err != nil {
		return err
	}
	err = copySegment(f, s)
	if err = errors.Join(err, f.Close()); err == nil {
		err = fs.Rename(temp, name)
	}
	if err == nil {
		err = fs.SyncDir(dir)
	}
	return err
}

// copySegment copies a segment's bytes and makes them durable.
func copySegment(to vfs.File, s *segment) error {
	buffer := make([]byte, min(copyBytes, s.end))
	for at := int64(0); at < s.end; at += copyBytes {
		part := buffer[:min(copyBytes, s.end-at)]
		if _, err := s.file.ReadAt(part, at); err != nil {
			return err
		}
		if _, err := to.WriteAt(part, at); err != nil {
			return err
		}
	}
	return to.Sync()
}

// sameSegment says whether an archived file is the copy of a segment: as long, and with its header, which bears a
// random mark.
func sameSegment(fs vfs.FS, name string, s *segment) (bool, error) {
	f, err := fs.Open(name)
	if err != nil {
		return false, err
	}
	defer f.Close()
	var header [segmentHeaderBytes]byte
	if _, err := f.ReadAt(header[:], 0); err != nil {
		return false, err
	}
	size, err := f.Size()
	return size == s.end && string(header[:]) == string(s.header.encode()), err
}

// archiveCheckpoint signs a checkpoint over what is archived, unless the one that is there says the same.
func (l *Log) archiveCheckpoint(fs vfs.FS, dir string, c Checkpoint) error {
	path := filepath.Join(dir, "checkpoint")
	f, err := fs.OpenReadWrite(path)
	if errors.Is(err, errNotExist) {
		if err = writeFile(fs, path, make([]byte, slotBytes*checkpointSlots)); err == nil {
			f, err = fs.OpenReadWrite(path)
		}
	}
	if err != nil {
		return err
	}
	defer f.Close()
	// Two slots, written in turn: a crash while one is written leaves the other whole, and a reader takes the higher
	// sequence of those that decode. A slot that does not decode is so the one to write over.
	slots := checkpointFile{file: f, path: path}
	for i := range int64(checkpointSlots) {
		b := make([]byte, slotBytes)
		if _, err := f.ReadAt(b, i*slotBytes); err != nil {
			return err
		}
		if sequence, signed, err := decodeSlot(b); err == nil && sequence > slots.sequence {
			slots.sequence = sequence
			if kept, err := ParseSigned(signed); err == nil && kept.Text() == c.Text() {
				return nil
			}
		}
	}
	signed, err := note.Sign(&note.Note{Text: c.Text()}, l.options.Signers...)
	if err != nil {
		return err
	}
	return slots.write(signed)
}
