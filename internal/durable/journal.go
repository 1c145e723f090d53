package durable

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"path/filepath"
	"sync"

	"github.com/aqsha/aqsha/txlog/vfs"
)

// Options of a journal.
type Options struct {
	// Header begins the file and says what kind of journal it is; a file that begins otherwise is refused.
	Header string
	// Max bounds a record, in bytes.
	Max int
	// Reader opens what is there now, beside a process that may be writing to it, and cuts nothing.
	Reader bool
	// Locked means that the caller holds a lock above the file.
	Locked bool
}

// recordHeader is the length of a record's body and its checksum (CRC-32C), little endian.
const recordHeader = 8

// searchSpan and maxSearch bound the search for a whole record after one that is not: how far it goes, and how many
// bytes it sums.
const (
	searchSpan = 1 << 20
	maxSearch  = 64 << 20
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// DamagedError is a record that is not what was written, though others follow it: no crash does that.
type DamagedError struct {
	Path   string
	Offset int64
}

func (e *DamagedError) Error() string {
	return fmt.Sprintf("%s: damaged at byte %d, before records that are whole: bring it back from a backup", e.Path,
		e.Offset)
}
func (e *DamagedError) ErrorCode() string  { return "journal-damaged" }
func (e *DamagedError) ErrorField() string { return e.Path }

// KindError is a file that is not a journal of the kind that was asked for.
type KindError struct{ Path, Want string }

func (e *KindError) Error() string {
	return fmt.Sprintf("%s does not begin with %q: it is another file, or of another version", e.Path, e.Want)
}
func (e *KindError) ErrorCode() string  { return "not-a-journal" }
func (e *KindError) ErrorField() string { return e.Path }

// Journal is an open journal. Its methods may be called from several goroutines, Close by one who knows that no other
// call is under way.
type Journal struct {
	path    string
	options Options
	file    vfs.File
	lock    io.Closer

	mu     sync.Mutex // over what follows, and held until a record is on the disk: records are in the order of calls
	size   int64      // of the records that are whole
	last   int64      // where the last of them begins, or the header
	cut    int64
	failed error
}

// OpenJournal opens a journal, or begins one, and hands its records over in order. Another process that has it open
// for writing is named (*vfs.LockedError). An error of record ends the opening: what a record says must be taken or
// the state that is built from the journal would lack it. The errors are *KindError, *DamagedError, or the disk's.
func OpenJournal(files vfs.FS, path string, o Options, record func(body []byte) error) (*Journal, error) {
	j := &Journal{path: path, options: o}
	var err error
	if !o.Reader && !o.Locked {
		if j.lock, err = files.LockFile(path); err != nil {
			return nil, err
		}
	}
	if err := j.open(files, record); err != nil {
		return nil, errors.Join(err, j.Close())
	}
	return j, nil
}

// open reads a journal and makes it ready to append to. A reader changes nothing, not even a torn end: another process
// may be about to finish it. A writer cuts the end that a crash has torn, which nobody was told of, before the first
// new record.
func (j *Journal) open(files vfs.FS, record func([]byte) error) (err error) {
	if j.options.Reader {
		j.file, err = files.Open(j.path)
	} else {
		j.file, err = files.OpenReadWrite(j.path)
		if errors.Is(err, fs.ErrNotExist) {
			j.file, err = files.Create(j.path)
		}
	}
	if err != nil {
		return err
	}
	end, err := j.file.Size()
	if err != nil {
		return err
	}
	begun, err := j.readHeader(end)
	if err != nil {
		return err
	}
	// A file without a whole header holds no record: a crash has cut its making, and a writer begins it anew.
	if begun {
		if err := j.replay(end, record); err != nil {
			return err
		}
	}
	j.cut = end - j.size
	if j.options.Reader {
		return nil
	}
	return j.settle(files, begun)
}

// readHeader says whether the journal was begun: a crash may have left less than its header.
func (j *Journal) readHeader(end int64) (bool, error) {
	want := []byte(j.options.Header)
	have := make([]byte, min(end, int64(len(want))))
	if _, err := j.file.ReadAt(have, 0); err != nil && !errors.Is(err, io.EOF) {
		return false, err
	}
	switch {
	case bytes.Equal(have, want):
		j.size = int64(len(want))
		return true, nil
	case end <= int64(len(want)) && (bytes.HasPrefix(want, have) || len(bytes.Trim(have, "\x00")) == 0):
		return false, nil
	}
	return false, &KindError{j.path, string(bytes.TrimSpace(want))}
}

// replay reads records until one is not whole.
func (j *Journal) replay(end int64, record func([]byte) error) error {
	for j.size < end {
		body, ok, err := j.recordAt(j.size, end)
		if err != nil {
			return err
		}
		if !ok {
			return j.checkTorn(end)
		}
		if err := record(body); err != nil {
			return fmt.Errorf("%s, record at byte %d: %w", j.path, j.size, err)
		}
		j.last, j.size = j.size, j.size+recordHeader+int64(len(body))
	}
	return nil
}

// recordAt reads a record; ok is whether it is whole.
func (j *Journal) recordAt(at, end int64) (body []byte, ok bool, err error) {
	length, sum, err := j.headerAt(at, end)
	if err != nil || length == 0 {
		return nil, false, err
	}
	body = make([]byte, length)
	if _, err := j.file.ReadAt(body, at+recordHeader); err != nil {
		return nil, false, err
	}
	return body, crc32.Checksum(body, castagnoli) == sum, nil
}

// headerAt reads a record's length, 0 if it cannot be one, and its checksum.
func (j *Journal) headerAt(at, end int64) (length int64, sum uint32, err error) {
	if end-at <= recordHeader {
		return 0, 0, nil
	}
	var header [recordHeader]byte
	if _, err := j.file.ReadAt(header[:], at); err != nil {
		return 0, 0, err
	}
	length, sum = int64(binary.LittleEndian.Uint32(header[:])), binary.LittleEndian.Uint32(header[4:])
	if length > int64(j.options.Max) || length > end-at-recordHeader {
		return 0, 0, nil
	}
	return length, sum, nil
}

// checkTorn says whether what follows the whole records can be what a crash left of the last one: records are
// synced one by one, so nothing whole comes after it. Cutting a damaged record that others follow would forget
// those; it is refused.
func (j *Journal) checkTorn(end int64) error {
	summed := int64(0)
	for at := j.size + 1; at < min(end, j.size+searchSpan) && summed < maxSearch; at++ {
		length, _, err := j.headerAt(at, end)
		if err != nil {
			return err
		}
		if length == 0 {
			continue
		}
		summed += length
		if _, whole, err := j.recordAt(at, end); err != nil || whole {
			return errors.Join(err, &DamagedError{j.path, j.size})
		}
	}
	return nil
}

// settle cuts what is torn and makes what is whole durable. The last record is written again: if the sync after it
// failed, it may be in the cache only, and a later sync would not write it (nothing is said to be there before).
func (j *Journal) settle(files vfs.FS, begun bool) error {
	if j.cut > 0 {
		if err := j.file.Truncate(j.size); err != nil {
			return err
		}
	}
	again := []byte(j.options.Header)
	if begun {
		again = make([]byte, j.size-j.last)
		if _, err := j.file.ReadAt(again, j.last); err != nil && !errors.Is(err, io.EOF) {
			return err
		}
	}
	if len(again) > 0 {
		if _, err := j.file.WriteAt(again, j.last); err != nil {
			return err
		}
	}
	j.size = j.last + int64(len(again))
	if err := j.file.Sync(); err != nil {
		return err
	}
	return files.SyncDir(filepath.Dir(j.path))
}

// Append adds a record; when it returns nil the record survives a crash. A record whose writing failed may be on the
// disk in part or whole, so after it none is taken: whether it is there decides the next start, which reads what the
// disk has, and a record behind half of another would be lost with it.
func (j *Journal) Append(body []byte) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	switch {
	case j.failed != nil:
		return fmt.Errorf("%s takes no more records since a write failed: %w", j.path, j.failed)
	case j.options.Reader:
		return fmt.Errorf("%s is open for reading only", j.path)
	case len(body) == 0 || len(body) > j.options.Max:
		return fmt.Errorf("%s: a record of %d bytes, want 1 to %d", j.path, len(body), j.options.Max)
	}
	record := binary.LittleEndian.AppendUint32(make([]byte, 0, recordHeader+len(body)), uint32(len(body)))
	record = binary.LittleEndian.AppendUint32(record, crc32.Checksum(body, castagnoli))
	record = append(record, body...)
	if _, err := j.file.WriteAt(record, j.size); err != nil {
		j.failed = err
	} else if err := j.file.Datasync(); err != nil {
		j.failed = err
	}
	if j.failed != nil {
		return fmt.Errorf("%s: %w", j.path, j.failed)
	}
	j.last, j.size = j.size, j.size+int64(len(record))
	return nil
}

// Cut is how many bytes of a torn record were cut when the journal was opened, or passed over by a reader.
func (j *Journal) Cut() int64 { return j.cut }

// Size is the file's length in bytes.
func (j *Journal) Size() int64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.size
}

// Path is the file's name.
func (j *Journal) Path() string { return j.path }

// Close lets go of the file and of its lock.
func (j *Journal) Close() error {
	var errs []error
	if j.file != nil {
		errs = append(errs, j.file.Close())
	}
	if j.lock != nil {
		errs = append(errs, j.lock.Close())
	}
	return errors.Join(errs...)
}
