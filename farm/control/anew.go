package control

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/internal/fault"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// Begun is the action of a new trail's first line, which says what it was begun in place of.
const Begun Action = "trail"

// asidePrefix begins the names under which broken trails and their heads are kept.
const asidePrefix = "audit.broken-"

// most of a reason, in bytes, and of files set aside that the first line names.
const (
	maxReason    = 400
	maxAside     = 100
	maxAsideHead = 1 << 20 // of a head that was written over
)

// Aside is a file of a broken trail that was kept as it was.
type Aside struct {
	File   string `json:"file"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// Anew is what BeginAnew did.
type Anew struct {
	Fault string  `json:"fault"` // why the trail was not believed
	Aside []Aside `json:"set_aside"`
	Head  string  `json:"head"` // hash of the new trail's line
}

// BeginAnew sets a broken trail aside as it is, and begins another one, whose first line says who did so and why, what
// was wrong, and the hashes of every trail set aside so far. A trail that holds together is refused: nothing may
// be forgotten that can be believed. The error of a broken trail has the code farm-trail, that of a whole one
// farm-trail-whole.
func BeginAnew(dir, who, why string, at time.Time) (*Anew, error) {
	return beginAnew(vfs.OS, dir, who, why, at)
}

// beginAnew is BeginAnew on any file system. Until the last step the head that lies there belongs to no trail, so that
// what a crash leaves is broken still, and is set aside by the next call with the rest.
func beginAnew(files vfs.FS, dir, who, why string, at time.Time) (anew *Anew, err error) {
	if why = strings.TrimSpace(why); why == "" || len(why) > maxReason {
		return nil, farm.Refuse("farm-trail-reason", "why", "want the reason, of at most %d bytes", maxReason)
	}
	lock, err := files.LockFile(filepath.Join(dir, auditFile)) // OpenAudit's: nobody adds to it meanwhile
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	_, _, wrong := readAudit(files, dir)
	if wrong == nil {
		return nil, farm.Refuse("farm-trail-whole", auditFile,
			"the trail holds together: nothing is begun in its place")
	}
	if fault.Code(wrong) != "farm-trail" {
		return nil, wrong // of the disk: what cannot be read cannot be judged
	}
	stamp := asidePrefix + at.UTC().Format("20060102T150405.000000000")
	if err := setAside(files, dir, stamp); err != nil {
		return nil, err
	}
	// All that lies there, also of calls that were ended: the line names each file.
	anew = &Anew{Fault: wrong.Error()}
	if anew.Aside, err = keptAside(files, dir); err != nil {
		return nil, err
	}
	kept, err := json.Marshal(anew.Aside)
	if err != nil {
		return nil, err
	}
	line, err := json.Marshal(Entry{Time: at.UTC(), Who: who, Action: Begun, Outcome: "begun",
		Detail: fmt.Sprintf("in place of a broken trail (%s); why: %s; set aside: %s", anew.Fault, why, kept)})
	if err != nil {
		return nil, err
	}
	if err := firstLine(files, dir, line); err != nil {
		return nil, err
	}
	anew.Head = hashOf(line)
	return anew, durable.Replace(files, filepath.Join(dir, headFile), fmt.Appendf(nil, "1 %s\n", anew.Head))
}

// setAside gives the trail its new name. The head is copied and then made one that no trail has: were it taken away
// too, a crash here would leave a folder in which nothing was ever ordered.
func setAside(files vfs.FS, dir, stamp string) error {
	head, err := durable.Read(files, filepath.Join(dir, headFile), maxAsideHead)
	switch {
	case err == nil:
		if err := durable.Create(files, filepath.Join(dir, stamp+".head"), head); err != nil {
			return err
		}
	case !errors.Is(err, os.ErrNotExist):
		return err
	}
	none := strings.Repeat("0", 2*sha256.Size)
	if err := durable.Replace(files, filepath.Join(dir, headFile), fmt.Appendf(nil, "1 %s\n", none)); err != nil {
		return err
	}
	err = files.Rename(filepath.Join(dir, auditFile), filepath.Join(dir, stamp+".jsonl"))
	if err != nil && !errors.Is(err, os.ErrNotExist) { // a trail that was taken away leaves its head alone
		return err
	}
	return files.SyncDir(dir)
}

// firstLine makes the trail one of a line. The trail's lock is held, so that the file is made beside it and renamed.
func firstLine(files vfs.FS, dir string, line []byte) error {
	next := filepath.Join(dir, "audit.next")
	if err := files.Remove(next); err != nil && !errors.Is(err, os.ErrNotExist) { // of a call that was ended
		return err
	}
	if err := durable.Create(files, next, append(line, '\n')); err != nil {
		return err
	}
	if err := files.Rename(next, filepath.Join(dir, auditFile)); err != nil {
		return err
	}
	return files.SyncDir(dir)
}

// keptAside lists what was set aside, with hashes.
func keptAside(files vfs.FS, dir string) (kept []Aside, err error) {
	names, err := files.List(dir)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if !strings.HasPrefix(name, asidePrefix) {
			continue
		}
		if len(kept) == maxAside {
			return nil, farm.Refuse("farm-trail-reason", name, "more than %d files of broken trails lie in the "+
				"folder: move the old ones to where they are kept", maxAside)
		}
		one, err := asideOf(files, dir, name)
		if err != nil {
			return nil, err
		}
		kept = append(kept, one)
	}
	return kept, nil
}

// asideOf hashes a file.
func asideOf(files vfs.FS, dir, name string) (a Aside, err error) {
	file, err := files.Open(filepath.Join(dir, name))
	if err != nil {
		return a, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	size, err := file.Size()
	if err != nil {
		return a, err
	}
	sum := sha256.New()
	if _, err := io.Copy(sum, io.NewSectionReader(file, 0, size)); err != nil {
		return a, err
	}
	return Aside{name, size, hex.EncodeToString(sum.Sum(nil))}, nil
}
