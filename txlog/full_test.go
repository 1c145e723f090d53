package txlog_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/aqsha/aqsha/internal/sim/disk"
	"github.com/aqsha/aqsha/txlog"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// used is how many bytes all files of the log take.
func used(t testing.TB, d *disk.Disk) (bytes int64) {
	t.Helper()
	fs := d.FS()
	for _, dir := range []string{"log", "log/segments", "log/tiles"} {
		for _, name := range must(fs.List(dir)) {
			bytes += int64(len(d.Contents(dir + "/" + name)))
		}
	}
	return bytes
}

// A commit that finds no room for a new segment changes nothing, can be made again and again, and succeeds when there is
// room: however little is missing, and whether or not the log was closed meanwhile.
func TestAFullDiskIsNoFailure(t *testing.T) {
	fitted := map[bool]int{}
	for room := int64(0); room < 8192; room += 97 {
		for _, restarts := range []bool{false, true} {
			d := disk.New(uint64(room))
			l := open(t, onDisk(t, d))
			grow(t, l, 20, 4)
			must(l.Publish())
			d.SetCapacity(used(t, d) + room)
			entries := batchOf(20, 80) // more than what is left of the segment
			b := must(l.Stage(entries))
			err := l.Commit(b)
			for range 3 {
				var none *txlog.NoRoomError
				if err == nil {
					break
				}
				if !errors.As(err, &none) || !vfs.Full(err) || l.Err() != nil {
					t.Fatalf("room for %d bytes: %v, %v", room, err, l.Err())
				}
				expectEntries(t, l, 20)
				must(l.Publish())
				err = l.Commit(b)
			}
			if err == nil && room < 4096 {
				t.Fatalf("a segment fitted %d bytes", room)
			}
			fitted[err == nil]++
			if restarts {
				l = reopen(t, l, onDisk(t, d)) // on the full disk
				expectEntries(t, l, l.Size())
				if l.Size() == 20 {
					b = must(l.Stage(entries))
				}
			}
			d.SetCapacity(0)
			if l.Size() == 20 {
				ok(t, l.Commit(b))
			}
			expectEntries(t, l, 80)
			grow(t, l, 300, 10)
			if l.Cramped() != nil {
				t.Fatal(l.Cramped())
			}
			d.Restart()
			expectEntries(t, open(t, onDisk(t, d)), 300)
		}
	}
	if fitted[true] == 0 || fitted[false] == 0 {
		t.Errorf("fitted: %v", fitted)
	}
}

// An index of a segment, or tiles, for which there is no room wait in memory and are written behind a later commit.
func TestTilesAndIndexesWaitForRoom(t *testing.T) {
	d := disk.New(3)
	options := onDisk(t, d)
	options.SegmentBytes = 1 << 20
	l := open(t, options)
	grow(t, l, 8000, 1000)
	d.SetCapacity(used(t, d)) // the segment has room, the tiles have none
	grow(t, l, 9000, 1000)
	if err := l.Cramped(); !vfs.Full(err) || l.Err() != nil {
		t.Fatalf("cramped: %v, %v", err, l.Err())
	}
	root := must(l.Root(8999))
	expectEntries(t, l, 9000)
	l = reopen(t, l, onDisk(t, d)) // on the full disk
	expectEntries(t, l, 9000)
	if must(l.Root(8999)) != root || l.Cramped() == nil {
		t.Fatal("another root, or room, after opening on the full disk")
	}
	d.SetCapacity(0)
	grow(t, l, 9010, 10)
	if err := l.Cramped(); err != nil {
		t.Fatal(err)
	}
	tile := must(d.FS().Open("log/tiles/level-0"))
	if size := must(tile.Size()); size < 9000*txlog.HashBytes {
		t.Fatalf("the tiles have %d bytes", size)
	}
}

// What waits in memory for room is bounded: then commits are refused too, and taken again with room.
func TestWhatWaitsForRoomIsBounded(t *testing.T) {
	d := disk.New(4)
	options := onDisk(t, d)
	options.SegmentBytes = 64 << 20
	l := open(t, options)
	grow(t, l, 10, 10)
	d.SetCapacity(used(t, d))
	many := make([][]byte, 50_000)
	for i := range many {
		many[i] = []byte{byte(i)}
	}
	var b *txlog.Batch
	var none *txlog.NoRoomError
	for {
		b = must(l.Stage(many))
		err := l.Commit(b)
		if errors.As(err, &none) {
			break
		}
		ok(t, err)
		if l.Size() > 3<<20 {
			t.Fatal("hashes wait without bound")
		}
	}
	if l.Size() < 1<<20 || l.Err() != nil {
		t.Fatalf("refused at %d entries: %v", l.Size(), l.Err())
	}
	d.SetCapacity(0)
	ok(t, l.Commit(b))
	if l.Cramped() != nil {
		t.Fatal(l.Cramped())
	}
}

// A sync that fails stops the log for good, even if it says that the disk is full: what it held is unknown.
func TestAFailedSyncForLackOfRoomStopsTheLog(t *testing.T) {
	d := disk.New(5)
	options := onDisk(t, d)
	options.FS = &fullAtSync{FS: options.FS}
	l := open(t, options)
	grow(t, l, 20, 4)
	options.FS.(*fullAtSync).strikes = true
	var poisoned *txlog.PoisonedError
	if err := l.Commit(must(l.Stage(batchOf(20, 21)))); !errors.As(err, &poisoned) || !vfs.Full(err) {
		t.Fatal(err)
	}
}

// fullAtSync finds out at a sync that there is no room, as file systems do that allocate late.
type fullAtSync struct {
	vfs.FS
	strikes bool
}

func (f *fullAtSync) Create(name string) (vfs.File, error) { return f.wrap(f.FS.Create(name)) }
func (f *fullAtSync) OpenReadWrite(name string) (vfs.File, error) {
	return f.wrap(f.FS.OpenReadWrite(name))
}
func (f *fullAtSync) wrap(file vfs.File, err error) (vfs.File, error) {
	return &syncsFull{file, f}, err
}

type syncsFull struct {
	vfs.File
	fs *fullAtSync
}

func (f *syncsFull) Datasync() error {
	if f.fs.strikes {
		return fmt.Errorf("fdatasync: %w", disk.ErrFull)
	}
	return f.File.Datasync()
}
