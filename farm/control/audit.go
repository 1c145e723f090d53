package control

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// Entry is a line of the audit trail. Before is the SHA-256 of the line before it, so that a line that
// was changed or taken out is noticed.
type Entry struct {
	Time    time.Time `json:"time"`
	Who     string    `json:"who"`
	Action  Action    `json:"action"`
	Machine string    `json:"machine"`
	Address string    `json:"address"`
	Detail  string    `json:"detail,omitempty"`
	Outcome string    `json:"outcome"` // ordered, done, or what went wrong
	Before  string    `json:"before"`
}

// Audit is the trail, audit.jsonl in a farm's folder. It is only ever added to. A crash in the midst of an entry leaves
// a part of a line, which was acknowledged to nobody and is cut at the next opening; an order is given after its entry
// is durable. Beside it audit.head says how many lines it has and the hash of the last, so that a trail whose end was
// cut is noticed: a copy of that line kept elsewhere holds even against somebody who may write the folder. A crash
// between the two leaves a head that is a line behind.
type Audit struct {
	mu    sync.Mutex // over count, last, and the order of entries
	lines *durable.Lines
	files vfs.FS
	dir   string
	count int
	last  string // hash of the last line
}

const (
	auditFile = "audit.jsonl"
	headFile  = "audit.head"

	maxHead = 1 << 10 // bytes
)

// OpenAudit opens the trail after checking it. A trail that was changed is not opened: no order is given on top of it.
// Time and memory are in proportion to the trail.
func OpenAudit(dir string) (*Audit, error) { return openAudit(vfs.OS, dir) }

// openAudit is OpenAudit on any file system. The head is read before the lines, so that they are checked against it as
// they pass.
func openAudit(files vfs.FS, dir string) (*Audit, error) {
	check, err := newTrail(files, dir)
	if err != nil {
		return nil, err
	}
	lines, err := durable.OpenLines(files, filepath.Join(dir, auditFile), check.line)
	if err != nil {
		return nil, damaged(err)
	}
	if err := check.whole(); err != nil {
		return nil, errors.Join(err, lines.Close())
	}
	return &Audit{lines: lines, files: files, dir: dir, count: len(check.entries), last: check.last}, nil
}

// readHead says how long the trail was at least, and the hash of that line; 0 where nothing was ever written, or by a
// program that kept no head.
func readHead(files vfs.FS, dir string) (lines int, last string, err error) {
	content, err := durable.Read(files, filepath.Join(dir, headFile), maxHead)
	if errors.Is(err, os.ErrNotExist) {
		return 0, "", nil
	}
	if errors.Is(err, durable.ErrTooLarge) {
		return 0, "", broken("%v", err)
	}
	if err != nil {
		return 0, "", err
	}
	if n, err := fmt.Sscanf(string(content), "%d %64s", &lines, &last); n != 2 || err != nil || lines < 1 ||
		len(last) != 2*sha256.Size {
		return 0, "", broken("%s: want the number of lines of the trail and the hash of the last", headFile)
	}
	return lines, last, nil
}

// ReadAudit reads the trail and checks that its lines follow from each other, and that it has all that its head tells
// of. It returns the hash of the last. It needs no lock and changes nothing: a line that is being written is not read.
func ReadAudit(dir string) (entries []Entry, last string, err error) { return readAudit(vfs.OS, dir) }

// readAudit is ReadAudit on any file system.
func readAudit(files vfs.FS, dir string) (entries []Entry, last string, err error) {
	check, err := newTrail(files, dir)
	if err != nil {
		return nil, "", err
	}
	err = durable.ReadLines(files, filepath.Join(dir, auditFile), check.line)
	if errors.Is(err, os.ErrNotExist) && check.known > 0 {
		return nil, "", broken("%s is gone, and %s tells of %d lines: the trail was taken away", auditFile,
			headFile, check.known)
	}
	if errors.Is(err, os.ErrNotExist) { // nothing was ever ordered
		return nil, "", nil
	}
	if err != nil {
		return nil, "", damaged(err)
	}
	return check.entries, check.last, check.whole()
}

// broken is the error of a trail that is not what was written: BeginAnew is its remedy.
func broken(format string, args ...any) error {
	return farm.Refuse("farm-trail", auditFile, "%v", fmt.Errorf(format, args...))
}

// damaged is a reader's error, by its code where it is of the trail's content and not of the disk.
func damaged(err error) error {
	if errors.Is(err, durable.ErrDamagedLine) {
		return broken("%s: %v", auditFile, err)
	}
	return err
}

// trail is a trail as far as it was read, and what its head tells of it.
type trail struct {
	entries []Entry
	last    string
	known   int    // lines that the head tells of
	hash    string // of the last of them
}

// newTrail begins a check, with what the head tells.
func newTrail(files vfs.FS, dir string) (*trail, error) {
	known, hash, err := readHead(files, dir)
	return &trail{known: known, hash: hash}, err
}

// line checks the next line. The head's own line must have the head's hash: lines before it are held by the chain,
// those after it were written later than the head.
func (t *trail) line(text []byte) error {
	var e Entry
	n := len(t.entries) + 1
	if err := json.Unmarshal(text, &e); err != nil {
		return broken("%s line %d: %v", auditFile, n, err)
	}
	if e.Before != t.last {
		return broken("%s line %d does not follow from the one before: the trail was changed", auditFile, n)
	}
	t.entries, t.last = append(t.entries, e), hashOf(text)
	if n == t.known && t.last != t.hash {
		return broken("%s line %d is not the one that %s tells of: the trail was changed", auditFile, n, headFile)
	}
	return nil
}

// whole refuses a trail that was read to its end and has less than its head tells of.
func (t *trail) whole() error {
	if len(t.entries) < t.known {
		return broken("%s has %d lines, and %s tells of %d: its end was cut", auditFile, len(t.entries), headFile,
			t.known)
	}
	return nil
}

// hashOf is of the line's bytes as they are in the file, without the line's end.
func hashOf(line []byte) string {
	sum := sha256.Sum256(line)
	return hex.EncodeToString(sum[:])
}

// write makes an entry durable. The line first, then the head: a crash between them leaves a head that is behind, which
// is accepted. On an error the entry may be there all the same; the caller gives no order.
func (a *Audit) write(e Entry) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	e.Before = a.last
	line, err := json.Marshal(e)
	if err != nil {
		return err
	}
	if err := a.lines.Append(line); err != nil {
		return err
	}
	a.count, a.last = a.count+1, hashOf(line)
	return durable.Replace(a.files, filepath.Join(a.dir, headFile), fmt.Appendf(nil, "%d %s\n", a.count, a.last))
}

// Close lets go of the file.
func (a *Audit) Close() error { return a.lines.Close() }
