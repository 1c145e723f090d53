package node

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/node/failover"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// fenceFile holds the fence that a node knows of.
const fenceFile = "fence"

// Fence says, signed by the log's key, that from an epoch on another node is the leader. Whoever holds one whose
// leader he is not writes no more, for ever; followers leave a leader of an older epoch. Of two with one epoch neither
// stands.
type Fence struct {
	Network token.NetworkID
	Epoch   uint64 // counts promotions; a network begins in epoch 0
	Size    uint64 // of the log with which the new leader began
	Root    txlog.Hash
	Leader  string // a word drawn by the new leader, by which it knows its own fence
}

const fenceTitle = "aqsha fence v1"

// maxFence bounds a signed fence.
const maxFence = 4096

// Text is what is signed.
func (f Fence) Text() string {
	return fmt.Sprintf("%s\n%s\n%d\n%d\n%s\n%s\n", fenceTitle, f.Network, f.Epoch, f.Size,
		base64.StdEncoding.EncodeToString(f.Root[:]), f.Leader)
}

// errFence is wrapped by errors about fences that cannot be read.
var errFence = errors.New("not a fence of this network")

// OpenFence reads a fence and verifies its signature. It is read strictly: what it was read into must write the same
// text, so that no two texts are the same fence.
func OpenFence(signed []byte, verifier note.Verifier) (f Fence, err error) {
	if len(signed) > maxFence {
		return f, fmt.Errorf("%w: %d bytes", errFence, len(signed))
	}
	opened, err := note.Open(signed, note.VerifierList(verifier))
	if err != nil {
		return f, fmt.Errorf("%w: %w", errFence, err)
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 7 || lines[0] != fenceTitle {
		return f, errFence
	}
	err = f.Network.UnmarshalText([]byte(lines[1]))
	if err == nil {
		f.Epoch, err = strconv.ParseUint(lines[2], 10, 63)
	}
	if err == nil {
		f.Size, err = strconv.ParseUint(lines[3], 10, 63)
	}
	root, e := base64.StdEncoding.Strict().DecodeString(lines[4])
	copy(f.Root[:], root)
	f.Leader = lines[5]
	if err != nil || e != nil || f.Text() != opened.Text {
		return Fence{}, errFence
	}
	return f, nil
}

// fencing is what a node knows of who leads.
//
// Invariants: the fence's epoch never falls; what was promised is durable before it is said, and before a promise
// nothing is acknowledged that the promise does not count: mu is held from the decision to the sync. Readers on the way
// of a payment do not wait for it: they look at the atomic pointers, which are set under it.
type fencing struct {
	mu     sync.Mutex
	signed []byte // the fence of the highest epoch seen; nil in epoch 0
	fence  Fence
	own    string // the word of a fence that made this node the leader; empty in epoch 0

	prepared []byte          // the newest prepare that this node promised, signed
	promised failover.Ballot // of it

	replacedBy atomic.Pointer[Fence] // of a leader: its successor's; nil while it has none

	stands  atomic.Pointer[string] // as what this node does; nil for as what it was opened
	changed broadcast              // a newer fence is known, or something was promised
}

// openFence reads what a node knows of who leads. A node that another has replaced does not open to write.
func (n *Node) openFence() error {
	own, err := readSmall(n.fs, filepath.Join(n.config.Dir, ownFenceFile))
	if err != nil {
		return err
	}
	n.fencing.own = string(own)
	signed, err := readSmall(n.fs, filepath.Join(n.config.Dir, fenceFile))
	if err != nil {
		return err
	}
	if signed == nil {
		return n.openPrepared()
	}
	f, err := n.readFence(signed)
	if err != nil {
		return fmt.Errorf("%s: %w", filepath.Join(n.config.Dir, fenceFile), err)
	}
	n.fencing.signed, n.fencing.fence = signed, f
	if n.config.Leader == "" && f.Leader != n.fencing.own {
		return refuse(Fenced, "",
			"another node has been the leader since entry %d (epoch %d); follow it, or restore from it", f.Size,
			f.Epoch)
	}
	// Two fences of one epoch were seen: each node followed the one that it saw first, so that neither may go on
	// writing.
	if epoch, err := n.conflicted(); err != nil {
		return err
	} else if n.config.Leader == "" && epoch >= f.Epoch {
		return refuse(FenceConflict, "", "another node was promoted in epoch %d too: promote the one that is to lead "+
			"again (aqsha promote)", epoch)
	}
	return n.openPrepared()
}

// InConflict says whether a data directory's node stopped because another was promoted with it, and neither was since.
func InConflict(files vfs.FS, dir string) bool {
	conflict := epochIn(files, filepath.Join(dir, conflictFile))
	return conflict > 0 && conflict >= epochIn(files, filepath.Join(dir, fenceFile))
}

// epochIn is the epoch that a file's fence states, whoever signed it; 0 without one.
func epochIn(files vfs.FS, path string) uint64 {
	signed, err := readSmall(files, path)
	if lines := strings.Split(string(signed), "\n"); err == nil && len(lines) > 2 && lines[0] == fenceTitle {
		epoch, _ := strconv.ParseUint(lines[2], 10, 63)
		return epoch
	}
	return 0
}

// Replaced says whether a data directory knows of a fence that is not its own: its node may only follow.
func Replaced(files vfs.FS, dir string) bool {
	signed, err := readSmall(files, filepath.Join(dir, fenceFile))
	if err != nil || signed == nil {
		return false
	}
	own, err := readSmall(files, filepath.Join(dir, ownFenceFile))
	return err != nil || own == nil || !strings.Contains(string(signed), "\n"+string(own)+"\n")
}

// ReplacedFrom is the entry from which on another node than a data directory's leads, and in which epoch, by what the
// directory knows, whoever signed it; false if it knows of none.
func ReplacedFrom(files vfs.FS, dir string) (size, epoch uint64, replaced bool) {
	if !Replaced(files, dir) {
		return 0, 0, false
	}
	signed, err := readSmall(files, filepath.Join(dir, fenceFile))
	lines := strings.Split(string(signed), "\n")
	if err != nil || len(lines) < 4 || lines[0] != fenceTitle {
		return 0, 0, false
	}
	epoch, _ = strconv.ParseUint(lines[2], 10, 63)
	size, err = strconv.ParseUint(lines[3], 10, 63)
	return size, epoch, err == nil
}

// readSmall reads a file of at most a fence's size; nil if there is none. A longer file gives one byte more than a
// fence may have, which OpenFence refuses.
func readSmall(files vfs.FS, path string) ([]byte, error) {
	f, err := files.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.NewSectionReader(f, 0, maxFence+1))
}

// ownFenceFile holds the word by which a promoted node knows its own fence.
const ownFenceFile = "fence.own"

// KnownFence returns the fence of the highest epoch that the node knows of, signed, or nil.
func (n *Node) KnownFence() (signed []byte, f Fence) {
	n.fencing.mu.Lock()
	defer n.fencing.mu.Unlock()
	return n.fencing.signed, n.fencing.fence
}

// Fence takes a fence in. It is durable when this returns; a leader whom it replaces stops writing before that.
//
// A crash between stopping and storing changes nothing: the fence is taken in again. One between the two files leaves
// the node fenced and without the copy by epoch, for which evidence then asks the leader (FenceKeeper).
func (n *Node) Fence(signed []byte) error {
	f, err := n.readFence(signed)
	if err != nil {
		return refuse(token.NotCanonical, "fence", "%v", err)
	}
	if f.Network != n.network {
		return refuse(token.NotCanonical, "fence", "of network %s", f.Network)
	}
	n.fencing.mu.Lock()
	defer n.fencing.mu.Unlock()
	known := n.fencing.fence
	if e := n.ofThePast(f, known); e != nil {
		return e
	}
	if promised := n.fencing.promised; f.Epoch < promised.Epoch && f != known && n.config.Leader == "" {
		return refuse(Fenced, "fence", "epoch %d is over: this node has promised epoch %d", f.Epoch, promised.Epoch)
	}
	switch {
	case n.fencing.signed == nil:
	case f == known:
		return nil
	case f.Epoch == known.Epoch:
		return n.conflict(signed, f)
	case f.Epoch < known.Epoch:
		return refuse(Fenced, "fence", "epoch %d is over: this node knows of epoch %d", f.Epoch, known.Epoch)
	}
	if n.config.Leader == "" && f.Leader != n.fencing.own {
		n.stopWriting(refuse(Fenced, "", "another node has been the leader since entry %d (epoch %d)", f.Size, f.Epoch))
	}
	if err := replaceFile(n.fs, n.config.Dir, filepath.Join(n.config.Dir, fenceFile), signed); err != nil {
		return err
	}
	n.fencing.signed, n.fencing.fence = signed, f
	n.standing()
	n.fencing.changed.wake()
	// Of earlier epochs too: evidence of two histories is judged by the promotions between them.
	return replaceFile(n.fs, n.config.Dir, n.fencePath(f.Epoch), signed)
}

func (n *Node) fencePath(epoch uint64) string {
	return filepath.Join(n.config.Dir, fmt.Sprintf("%s-%d", fenceFile, epoch))
}

// FenceOf returns the fence of an epoch, signed, or nil if this node has not seen it.
func (n *Node) FenceOf(epoch uint64) ([]byte, error) { return readSmall(n.fs, n.fencePath(epoch)) }

// conflictFile holds a fence of the epoch that the node knows of, with which another was promoted at the same time.
const conflictFile = "fence.conflict"

// conflict takes in a second fence of the epoch known here: two followers were promoted at once. Either may have
// answered payments that the other lacks, so neither may go on by itself: a leader stops writing, now and when it is
// started again, until a promotion to the next epoch says which of the two histories stands. The fencing's lock is
// held.
func (n *Node) conflict(signed []byte, f Fence) error {
	e := refuse(FenceConflict, "fence", "two nodes were promoted in epoch %d, from entries %d and %d on: stop both, "+
		"and promote the one that is to lead again (aqsha promote)",
		f.Epoch, n.fencing.fence.Size, f.Size)
	if n.config.Leader != "" {
		return e
	}
	n.stopWriting(e)
	if err := replaceFile(n.fs, n.config.Dir, filepath.Join(n.config.Dir, conflictFile), signed); err != nil {
		return err
	}
	return e
}

// conflicted returns the epoch of a conflict that a data directory knows of; 0 without one.
func (n *Node) conflicted() (uint64, error) {
	path := filepath.Join(n.config.Dir, conflictFile)
	signed, err := readSmall(n.fs, path)
	if err != nil || signed == nil {
		return 0, err
	}
	f, err := n.readFence(signed)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", path, err)
	}
	return f.Epoch, nil
}

// Promote makes a signed fence under which this node is the leader of the epoch that it prepared, and stores it. The
// node must be closed and opened without Leader to write. The word is stored before the fence: a crash between the two
// leaves a word that no fence bears, and the promotion is done again with the same prepare; the other way about the
// node would take its own fence for another's.
func (n *Node) Promote(signer note.Signer, prepared Prepare) (signed []byte, f Fence, err error) {
	if _, promised := n.Prepared(); promised != prepared.Ballot {
		return nil, f, refuse(Fenced, "epoch", "another candidate has prepared epoch %d meanwhile", promised.Epoch)
	}
	size, root, _ := n.log.State()
	word := prepared.Candidate
	f = Fence{Network: n.network, Epoch: prepared.Epoch, Size: size, Root: root, Leader: word}
	if signed, err = note.Sign(&note.Note{Text: f.Text()}, signer); err != nil {
		return nil, f, err
	}
	if _, err := n.readFence(signed); err != nil {
		return nil, f, fmt.Errorf("the key is not the log's: %w", err)
	}
	if err := replaceFile(n.fs, n.config.Dir, filepath.Join(n.config.Dir, ownFenceFile), []byte(word)); err != nil {
		return nil, f, err
	}
	n.fencing.mu.Lock()
	n.fencing.own = word
	n.fencing.mu.Unlock()
	return signed, f, n.Fence(signed)
}
