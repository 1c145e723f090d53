package cluster

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"

	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// position is where the ledger stands after a block of the cluster. Blocks without an entry move the height alone.
type position struct {
	Height   uint64     // of the cluster's block
	Size     uint64     // entries of the log after it
	Root     txlog.Hash // of the log
	Verdicts digest     // of every block's verdicts up to it, chained
}

// appHash is what validators compare after a block: two whose logs, effects or refusals differ disagree on it, and
// stop. It is SHA-256("aqsha cluster v1\n" ‖ network ‖ size ‖ root ‖ verdicts), the size of 64 bits big-endian. The
// height is CometBFT's own.
func (p position) appHash(network token.NetworkID) []byte {
	b := append([]byte("aqsha cluster v1\n"), network[:]...)
	b = binary.BigEndian.AppendUint64(b, p.Size)
	b = append(b, p.Root[:]...)
	b = append(b, p.Verdicts[:]...)
	sum := sha256.Sum256(b)
	return sum[:]
}

const positionBytes = 8 + 8 + txlog.HashBytes + sha256.Size

func (p position) encode() []byte {
	b := binary.BigEndian.AppendUint64(make([]byte, 0, positionBytes), p.Height)
	b = binary.BigEndian.AppendUint64(b, p.Size)
	b = append(b, p.Root[:]...)
	return append(b, p.Verdicts[:]...)
}

// decodePosition reads what encode writes.
func decodePosition(b []byte) (p position, err error) {
	if len(b) != positionBytes {
		return p, fmt.Errorf("a position of %d bytes, want %d", len(b), positionBytes)
	}
	p.Height, p.Size = binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])
	copy(p.Root[:], b[16:])
	copy(p.Verdicts[:], b[16+txlog.HashBytes:])
	return p, nil
}

// maxPositions is how large the journal of positions grows before it is begun again with the last ones.
const maxPositions = 4 << 20

// keptPositions is how many a new journal begins with: the last may be of entries that a crash kept from the log.
const keptPositions = 2

var positionsOptions = durable.Options{Header: "aqsha cluster positions v1\n", Max: positionBytes, Locked: true}

// positions is the journal of positions, in a directory that the caller has locked. Invariant: one of last is of the
// log's size, whatever a crash has left (see Commit). It has no lock: app.mu guards it.
type positions struct {
	files   vfs.FS
	path    string
	journal *durable.Journal
	last    []position // up to keptPositions, the newest at the end
}

func openPositions(files vfs.FS, path string) (*positions, error) {
	p := &positions{files: files, path: path}
	return p, p.open()
}

// open reads the journal; a torn end is cut by it.
func (p *positions) open() (err error) {
	p.last = nil
	p.journal, err = durable.OpenJournal(p.files, p.path, positionsOptions, func(body []byte) error {
		at, err := decodePosition(body)
		p.keep(at)
		return err
	})
	return err
}

// keep remembers a position, and forgets the oldest.
func (p *positions) keep(at position) {
	p.last = append(p.last, at)
	if len(p.last) > keptPositions {
		p.last = p.last[1:]
	}
}

// of finds the newest position that a log has come to.
func (p *positions) of(size uint64, root txlog.Hash) (position, error) {
	for i := len(p.last) - 1; i >= 0; i-- {
		if at := p.last[i]; at.Size == size && at.Root == root {
			return at, nil
		}
	}
	if len(p.last) == 0 {
		return position{Size: size, Root: root}, nil
	}
	at := p.last[len(p.last)-1]
	return position{}, fmt.Errorf("the log has %d entries, and the cluster's position is %d entries at height %d: "+
		"one of the two was put back without the other; bring the directory back whole, or begin it anew",
		size, at.Size, at.Height)
}

// add makes a position durable.
func (p *positions) add(at position) error {
	if p.journal.Size() > maxPositions {
		if err := p.begin(); err != nil {
			return err
		}
	}
	if err := p.journal.Append(at.encode()); err != nil {
		return err
	}
	p.keep(at)
	return nil
}

// restart begins the journal again with one position.
func (p *positions) restart(at position) error {
	p.last = []position{at}
	return p.begin()
}

// begin begins the journal again with the last positions. What a crash leaves is the old one or the new one, whole.
func (p *positions) begin() error {
	next := p.path + ".next"
	if err := p.files.Remove(next); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	fresh, err := durable.OpenJournal(p.files, next, positionsOptions, func([]byte) error { return nil })
	if err != nil {
		return err
	}
	for _, at := range p.last {
		if err := fresh.Append(at.encode()); err != nil {
			return errors.Join(err, fresh.Close())
		}
	}
	if err := errors.Join(fresh.Close(), p.journal.Close()); err != nil {
		return err
	}
	if err := p.files.Rename(next, p.path); err != nil {
		return err
	}
	return p.open()
}

// close lets go of the journal; a second call does nothing.
func (p *positions) close() error {
	if p.journal == nil {
		return nil
	}
	err := p.journal.Close()
	p.journal = nil
	return err
}
