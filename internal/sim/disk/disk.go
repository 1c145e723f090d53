package disk

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"syscall"

	"github.com/aqsha/aqsha/txlog/vfs"
)

// SectorBytes is the unit that is written whole or not at all.
const SectorBytes = 512

// Errors that the disk returns on purpose. A full one says so as the operating system does.
var (
	ErrCrashed = errors.New("simulated disk: crashed")
	ErrIO      = errors.New("simulated disk: input/output error")
	ErrFull    = fmt.Errorf("simulated disk: %w", syscall.ENOSPC)
)

// Disk holds what is stored. It outlives crashes; the file systems it hands out do not.
type Disk struct {
	mu         sync.Mutex // over everything, also of its inodes
	rng        *rand.Rand
	live       map[string]*inode // what a running process sees
	durable    map[string]*inode // the names that survive any crash
	renames    []nameChange      // unsynced changes of names, in order
	dirs       map[string]bool
	locks      map[string]int // directory to the generation that holds it
	nextInode  int
	generation int
	down       bool // crashed and not restarted

	ops         int // counted operations so far
	crashAt     int // operation at which to crash; 0 never
	syncs       int // syncs of files so far
	failSyncAt  int
	writes      int
	failWriteAt int
	lying       bool
	capacity    int64 // bytes; 0 without limit
}

// inode is a file apart from its names.
// Invariant: durable, with all of pending applied to it in order, is live, but for the bytes that a failed sync has
// dropped: readers go on seeing these, and no later sync writes them.
type inode struct {
	number  int // order of creation, so that crashes replay
	live    []byte
	durable []byte
	pending []change // since the last sync
}

// change is an unsynced write, or with data nil a change of length.
type change struct {
	at   int64
	data []byte
}

// nameChange binds a name to an inode, or with node nil frees it; a rename frees
// another name in the same step.
type nameChange struct {
	dir, name string
	node      *inode
	freed     string
}

// New makes an empty disk whose losses follow from the seed.
func New(seed uint64) *Disk {
	return &Disk{
		rng:     rand.New(rand.NewPCG(seed, 0x61717368)),
		live:    map[string]*inode{},
		durable: map[string]*inode{},
		dirs:    map[string]bool{"/": true, ".": true},
		locks:   map[string]int{},
	}
}

// FS returns the file system as one process run sees it; after a crash it and its
// files return ErrCrashed for ever, and the next run asks again.
func (d *Disk) FS() vfs.FS {
	d.mu.Lock()
	defer d.mu.Unlock()
	return &view{d, d.generation}
}

// Ops returns how many operations were counted: the crash points of a workload.
func (d *Disk) Ops() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.ops
}

// CrashAt plans a crash in the middle of the n-th operation from now, 1 being the next.
func (d *Disk) CrashAt(n int) { d.set(func() { d.crashAt = d.ops + n }) }

// FailSyncAt plans that the n-th sync of a file from now fails.
func (d *Disk) FailSyncAt(n int) { d.set(func() { d.failSyncAt = d.syncs + n }) }

// FailWriteAt plans that the n-th write to a file from now fails half-way.
func (d *Disk) FailWriteAt(n int) { d.set(func() { d.failWriteAt = d.writes + n }) }

// Lie makes syncs of files return without making anything durable, until it is called with false or the next run
// begins.
func (d *Disk) Lie(lying bool) { d.set(func() { d.lying = lying }) }

// SetCapacity limits the sum of all file lengths in bytes; 0 lifts the limit. A restart does not lift it: a disk stays
// full.
func (d *Disk) SetCapacity(bytes int64) { d.set(func() { d.capacity = bytes }) }

func (d *Disk) set(change func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	change()
}

// Rot flips the given bits of one stored byte, unnoticed by anybody.
func (d *Disk) Rot(name string, offset int64, bits byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	node := d.live[clean(name)]
	if node == nil {
		panic("rot in a file that does not exist: " + name)
	}
	node.live[offset] ^= bits
	if offset < int64(len(node.durable)) {
		node.durable[offset] ^= bits
	}
}

// Contents returns a copy of what a file holds for readers, or nil if there is none.
func (d *Disk) Contents(name string) []byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	if node := d.live[clean(name)]; node != nil {
		return slices.Clone(node.live)
	}
	return nil
}

// Restart crashes the disk if it has not crashed already, settles what survived
// and makes it usable for the next run. Planned faults are forgotten.
func (d *Disk) Restart() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.settle()
	d.next()
}

// Kill ends the run as SIGKILL ends a process: the machine goes on, so the next run
// sees everything that was written, though a crash may still lose what was not
// synced. Planned faults are forgotten.
func (d *Disk) Kill() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.next()
}

// next begins the next generation.
func (d *Disk) next() {
	d.generation++
	d.down, d.lying = false, false
	d.crashAt, d.failSyncAt, d.failWriteAt = 0, 0, 0
}
