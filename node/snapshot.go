package node

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"path/filepath"
	"sync"
	"time"

	"github.com/aqsha/aqsha/livestate"
	"github.com/aqsha/aqsha/node/packed"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// snapshotsKept is how many snapshots stay; the log could rebuild all of them. The second is for a newest one that
// turns out unreadable.
const snapshotsKept = 2

// Snapshot writes the live state as it stands, so that the next start need not replay all of the log, while payments go
// on: they wait for no more than a little of the state to be read at a time.
func (n *Node) Snapshot() error {
	n.mu.RLock()
	tokens, _ := n.state.Counts()
	n.mu.RUnlock()
	return n.snapshot(&courtesy{since: time.Now(), haste: max(1, tokens/hasteTokens)})
}

// snapshot stores a state as courteously as c is.
func (n *Node) snapshot(c *courtesy) error {
	n.snapshots.Lock()
	defer n.snapshots.Unlock()
	if n.snapshotSigner() == nil {
		return errors.New("there is no key to sign a snapshot with")
	}
	capture, at, err := n.capture()
	if capture == nil {
		return err
	}
	defer func() {
		n.stateLock.Lock()
		capture.End()
		n.stateLock.Unlock()
		n.capturing.Store(false)
	}()
	dir := filepath.Join(n.config.Dir, snapshotDir)
	path := filepath.Join(dir, fmt.Sprintf("%020d%s", at.LogSize, snapshotSuffix))
	begun := time.Now()
	bytes, hold, err := n.writeSnapshot(capture, at, path+".new", c)
	if err != nil {
		return err
	}
	n.metrics.snapshotTaken(time.Since(begun), hold, bytes)
	// A snapshot of more than the log has durably would, after a crash, be one of a history that never was. It bears
	// its name only when the log is there; one that a crash leaves under the other name is never read.
	n.waitLog(at.LogSize)
	if err := n.fs.Rename(path+".new", path); err != nil {
		return err
	}
	if err := n.fs.SyncDir(dir); err != nil {
		return err
	}
	// Older ones go last: until the new one is durable under its name, they are what a start has.
	for i, name := range n.snapshotFiles() {
		if i >= snapshotsKept {
			if err := n.fs.Remove(filepath.Join(dir, name)); err != nil {
				return err
			}
		}
	}
	n.unsnapped.succeeded()
	return nil
}

// unsnapped is what has become of snapshots that could not be written: the log has everything, so that is a warning,
// and tried again, each time after twice as long.
type unsnapped struct {
	mu    sync.Mutex // over the rest: health asks while a snapshot is written
	cause error      // nil after one that was written
	since time.Time
	wait  time.Duration
}

// How long the node waits before it tries again to write a snapshot, at first and at most.
const (
	leastSnapshotRetry = 5 * time.Second
	maxSnapshotRetry   = 10 * time.Minute
)

func (u *unsnapped) succeeded() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.cause, u.wait = nil, 0
}

// failed notes a failure and says after how long to try again.
func (u *unsnapped) failed(cause error) time.Duration {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.cause == nil {
		u.since = time.Now()
	}
	u.cause, u.wait = cause, min(max(leastSnapshotRetry, 2*u.wait), maxSnapshotRetry)
	return u.wait
}

// SnapshotFailure says since when and why no snapshot could be written; nil when the last one was. The log still has
// everything; the next start takes longer.
func (n *Node) SnapshotFailure() (since time.Time, cause error) {
	n.unsnapped.mu.Lock()
	defer n.unsnapped.mu.Unlock()
	return n.unsnapped.since, n.unsnapped.cause
}

// capture begins a capture of the state after the last executed block; nil when that is the genesis, or when the node
// ends before there is such a state. End of the capture is the caller's, under stateLock.
func (n *Node) capture() (*livestate.Capture, livestate.Position, error) {
	for {
		n.mu.Lock()
		if head := n.head; n.executed <= head.Height || n.poisoned.Load() {
			defer n.mu.Unlock()
			at := livestate.Position{Network: n.network, Leaf: head.Leaf, LogSize: head.Size, LogRoot: head.Root}
			switch {
			case n.poisoned.Load():
				return nil, at, n.Err()
			case head.Height == 0:
				return nil, at, nil
			}
			n.stateLock.Lock()
			defer n.stateLock.Unlock()
			n.capturing.Store(true)
			return n.state.Capture(at), at, nil
		}
		n.mu.Unlock() // a follower is between a block and its head
		select {
		case <-n.failed: // and stays there
			return nil, livestate.Position{}, n.Err()
		case <-n.stop:
			return nil, livestate.Position{}, nil
		case <-time.After(time.Millisecond):
		}
	}
}

// waitLog waits until the log is so long, or will not be. A snapshot ahead of the log is passed over at the next start.
func (n *Node) waitLog(size uint64) {
	for n.log.Size() < size {
		select {
		case <-n.failed:
			return
		case <-n.stop:
			return
		case <-time.After(time.Millisecond):
		}
	}
}

// writeSnapshot writes a capture to a new file. It returns the file's bytes and the longest time that the state was
// held.
func (n *Node) writeSnapshot(capture *livestate.Capture, at livestate.Position, path string,
	c *courtesy) (bytes int64, hold time.Duration, err error) {
	_ = n.fs.Remove(path) // what an interrupted attempt left
	f, err := n.fs.Create(path)
	if err != nil {
		return 0, 0, err
	}
	defer func() {
		if err != nil {
			_ = n.fs.Remove(path) // on a full disk its room is wanted
		}
	}()
	file := &fileWriter{file: f, hash: sha256.New()}
	if c != nil {
		file.syncEvery = syncEvery
	}
	out := packed.NewWriter(file)
	_, hold, err = capture.Write(out, &courteousLocker{&n.stateLock, c}, c.pause)
	if e := out.Close(); err == nil {
		err = e
	}
	if err == nil {
		var trailer []byte
		if trailer, err = n.signSnapshot(at, [sha256.Size]byte(file.hash.Sum(nil))); err == nil {
			_, err = file.Write(trailer)
		}
	}
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	return file.at, hold, err
}

// fileWriter writes a file from its beginning, and makes it durable now and then, so that payments which become durable
// meanwhile do not wait for all of it.
type fileWriter struct {
	file      vfs.File
	hash      hash.Hash // of all that was written
	at        int64
	synced    int64
	syncEvery int64 // bytes; 0 for never
}

// syncEvery is after how many bytes a courteous snapshot goes to the disk: in small parts, so that the log's own syncs
// do not wait behind all of it at the end.
const syncEvery = 4 << 20

// Write writes behind what was written before, and hashes what the disk has taken.
func (w *fileWriter) Write(p []byte) (int, error) {
	n, err := w.file.WriteAt(p, w.at)
	w.hash.Write(p[:n])
	w.at += int64(n)
	if err == nil && w.syncEvery > 0 && w.at-w.synced >= w.syncEvery {
		w.synced = w.at
		err = w.file.Datasync()
	}
	return n, err
}

// courtesy lets work that nobody waits for take half of a processor's time: it pauses as long as it has worked. One
// goroutine uses it; a nil one never pauses. With haste it pauses for that part of the time only.
type courtesy struct {
	since time.Time
	haste int
}

// hasteTokens is by how many live tokens taking a snapshot hastens: of ten million it must not take so long that the
// next start has too much to replay.
const hasteTokens = 2_500_000

// courteousAfter is how long work goes on before it pauses: not so short that pausing costs, nor so long that payments
// wait.
const courteousAfter = 2 * time.Millisecond

// pause leaves the processor to payments after a while of work, for a part of that while.
func (c *courtesy) pause() {
	if c == nil {
		return
	}
	if worked := time.Since(c.since); worked >= courteousAfter {
		time.Sleep(worked / time.Duration(c.haste))
		c.since = time.Now()
	}
}

// courteousLocker does not count waiting for a lock as work.
type courteousLocker struct {
	sync.Locker
	courtesy *courtesy
}

// Lock waits for the lock; waiting is no work.
func (l *courteousLocker) Lock() {
	start := time.Now()
	l.Locker.Lock()
	if l.courtesy != nil {
		l.courtesy.since = l.courtesy.since.Add(time.Since(start))
	}
}

// readSnapshotFile reads a snapshot's file, whose bytes somebody who is believed has signed.
func (n *Node) readSnapshotFile(f vfs.File) (*livestate.State, livestate.Position, error) {
	signed, digest, text, err := n.openSealed(f)
	if err != nil {
		return nil, livestate.Position{}, err
	}
	content := packed.NewReader(signed)
	defer content.Close()
	state, at, err := livestate.ReadOwnSnapshot(content, randomSeed())
	if err == nil {
		_, err = content.Read(make([]byte, 1)) // past the last byte the checksum stands
		if errors.Is(err, io.EOF) {
			err = nil
		}
	}
	if err == nil && text != signedText(n.log.Origin(), at, digest) {
		err = fmt.Errorf("its signature is of another: %q", text)
	}
	return state, at, err
}

// replaceFile makes content durable under a path, whole or not at all. A crash leaves the old content or the new, and
// perhaps a file .new that the next call removes: calls for one path come one at a time, by a lock of their callers'.
func replaceFile(fs vfs.FS, dir, path string, content []byte) error {
	temporary := path + ".new"
	_ = fs.Remove(temporary) // what an interrupted attempt left
	f, err := fs.Create(temporary)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(content, 0)
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		return err
	}
	if err := fs.Rename(temporary, path); err != nil {
		return err
	}
	return fs.SyncDir(dir)
}
