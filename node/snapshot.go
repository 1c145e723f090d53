package node

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"path/filepath"
	"time"

	"github.com/aqsha/aqsha/livestate"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// snapshotsKept is how many snapshots stay; the log could rebuild all of them.
const snapshotsKept = 2

// Snapshot writes the live state as it stands, so that the next start need not replay all of the
// log. It holds everybody up for as long as that takes, and is for a node that takes no payments any more.
func (n *Node) Snapshot() error {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return n.writeSnapshot(n.state, n.head, nil)
}

// SnapshotAside writes a snapshot while payments go on: the previous one and the log since make a second
// state, beside the live one, which takes as much memory again until it is written.
func (n *Node) SnapshotAside() error {
	c := &courtesy{since: time.Now()}
	r, err := n.rebuild(false, 1, c)
	if err != nil {
		return err
	}
	return n.writeSnapshot(r.state, r.head, c)
}

// writeSnapshot stores a state. A snapshot that a crash leaves ahead of the log is passed over at the next start.
func (n *Node) writeSnapshot(state *livestate.State, head Head, c *courtesy) error {
	if head.Height == 0 {
		return nil
	}
	var content bytes.Buffer
	at := livestate.Position{Network: n.network, Leaf: head.Leaf, LogSize: head.Size, LogRoot: head.Root}
	if _, err := state.WriteSnapshot(courteousWriter{&content, c}, at); err != nil {
		return err
	}
	content.Write(snapshotFooter(crc32.Checksum(content.Bytes(), castagnoli)))
	dir := filepath.Join(n.config.Dir, snapshotDir)
	path := filepath.Join(dir, fmt.Sprintf("%020d%s", at.LogSize, snapshotSuffix))
	if err := replaceFile(n.fs, dir, path, content.Bytes()); err != nil {
		return err
	}
	for i, name := range n.snapshots() {
		if i >= snapshotsKept {
			if err := n.fs.Remove(filepath.Join(dir, name)); err != nil {
				return err
			}
		}
	}
	return nil
}

// courtesy lets work that nobody waits for take half of a processor's time: it pauses as long as it has worked. One goroutine
// at a time uses it; a nil one never pauses.
type courtesy struct{ since time.Time }

// courteousAfter is how long work goes on before it pauses: not so short that pausing costs, nor so long that payments wait.
const courteousAfter = 2 * time.Millisecond

func (c *courtesy) pause() {
	if c == nil {
		return
	}
	if worked := time.Since(c.since); worked >= courteousAfter {
		time.Sleep(worked)
		c.since = time.Now()
	}
}

type courteousWriter struct {
	out      io.Writer
	courtesy *courtesy
}

func (w courteousWriter) Write(p []byte) (int, error) {
	w.courtesy.pause()
	return w.out.Write(p)
}

// A snapshot's file ends with a checksum over its bytes, so that the node that wrote it can tell that they are still
// the same without hashing each record.
const (
	footerMagic = "AQSUM1\n\x00"
	footerBytes = len(footerMagic) + 4
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func snapshotFooter(sum uint32) []byte {
	return binary.BigEndian.AppendUint32([]byte(footerMagic), sum)
}

// readSnapshotFile reads a snapshot's file, checking its bytes.
func readSnapshotFile(f vfs.File, c *courtesy) (*livestate.State, livestate.Position, error) {
	size, err := f.Size()
	if err != nil {
		return nil, livestate.Position{}, err
	}
	footer := make([]byte, footerBytes)
	if size < int64(footerBytes) {
		return nil, livestate.Position{}, fmt.Errorf("it has %d bytes", size)
	}
	size -= int64(footerBytes)
	if _, err := f.ReadAt(footer, size); err != nil {
		return nil, livestate.Position{}, err
	}
	summed := &summingReader{in: io.NewSectionReader(f, 0, size), courtesy: c}
	state, at, err := livestate.ReadOwnSnapshot(summed, randomSeed())
	if err == nil && !bytes.Equal(footer, snapshotFooter(summed.sum)) {
		err = errors.New("its bytes are not those that were written: the checksum differs")
	}
	return state, at, err
}

// summingReader computes the checksum of what is read.
type summingReader struct {
	in       io.Reader
	sum      uint32
	courtesy *courtesy
}

func (r *summingReader) Read(p []byte) (int, error) {
	r.courtesy.pause()
	n, err := r.in.Read(p)
	r.sum = crc32.Update(r.sum, castagnoli, p[:n])
	return n, err
}

// replaceFile makes content durable under a path, whole or not at all.
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
