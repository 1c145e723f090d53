package node

import (
	"errors"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/aqsha/aqsha/txlog"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// archiving is what a leader does about Config.Archive.
type archiving struct {
	dir    atomic.Pointer[string]         // empty for none
	done   atomic.Pointer[txlog.Archived] // nil before the first time
	failed atomic.Pointer[archiveFailure] // nil while all goes well
}

type archiveFailure struct {
	since time.Time
	cause error
}

// archiveRetry is how often a leader looks for segments that were sealed meanwhile: each takes minutes to fill.
const archiveRetry = 10 * time.Second

// Archived says how far the archive is; false where none is kept, or nothing was tried yet.
func (n *Node) Archived() (txlog.Archived, bool) {
	if done := n.archiving.done.Load(); done != nil {
		return *done, true
	}
	return txlog.Archived{}, false
}

// archiver copies sealed segments to the archive as they come to be, until the node ends. Payments never wait for it:
// an archive out of reach is warned of, and tried again.
func (n *Node) archiver() {
	for was := ""; ; {
		dir := *n.archiving.dir.Load()
		if dir != was {
			n.archiving.done.Store(nil)
			n.archiving.failed.Store(nil)
			was = dir
		}
		// What is archived stays as it is: with nothing new, no file of it is looked at.
		if done := n.archiving.done.Load(); dir != "" && (done == nil || n.archiving.failed.Load() != nil ||
			done.Segments != n.log.Rotated()) {
			done, err := n.archive(dir)
			if !errors.As(err, new(*vfs.LockedError)) { // somebody reads it, and will be done
				n.archiving.done.Store(&done)
				n.noteArchive(dir, err)
			}
		}
		select {
		case <-time.After(archiveRetry):
		case <-n.stop:
			return
		}
	}
}

// archive copies what is sealed and may be shown. The lock of the directory keeps a restore that reads it, or a second
// node by mistake, from meeting half a segment.
func (n *Node) archive(dir string) (done txlog.Archived, err error) {
	lock, err := n.fs.Lock(dir)
	if err != nil {
		return done, err
	}
	defer func() {
		if e := lock.Close(); err == nil {
			err = e
		}
	}()
	return n.log.Archive(n.fs, filepath.Join(dir, "log"), n.durable.Load().Size)
}

// SetArchive has sealed segments copied to another directory from the next look on; empty ends it.
func (n *Node) SetArchive(dir string) { n.archiving.dir.Store(&dir) }

// noteArchive tells when the archive fails and when it works again, once each.
func (n *Node) noteArchive(dir string, err error) {
	was := n.archiving.failed.Load()
	switch {
	case err == nil:
		if n.archiving.failed.Store(nil); was != nil {
			n.logger.Info("the archive is written again", "after", time.Since(was.since).Round(time.Second))
		}
	case was == nil:
		n.archiving.failed.Store(&archiveFailure{time.Now(), err})
		n.logger.Error("the archive cannot be written; payments go on, and it is tried again", "archive", dir, "cause",
			err)
	default:
		n.archiving.failed.Store(&archiveFailure{was.since, err})
	}
}

// archiveWarning says what the operator should see to; empty when nothing.
func (n *Node) archiveWarning() string {
	if f := n.archiving.failed.Load(); f != nil {
		return fmt.Sprintf("the archive %s cannot be written since %s; payments go on: %v", *n.archiving.dir.Load(),
			stamp(f.since.UnixMilli()), f.cause)
	}
	return ""
}
