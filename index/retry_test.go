package index

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/internal/sim/disk"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// filled is an index of some files on a disk, and how many bytes they take.
func filled(t *testing.T, d *disk.Disk, network token.NetworkID, files uint64) (room int64) {
	t.Helper()
	fs := d.FS()
	if err := fs.MkdirAll("index"); err != nil {
		t.Fatal(err)
	}
	for i := range files {
		written, err := writeRun(fs, "index", network, []*run{someRun(40*i, 40)})
		if err != nil {
			t.Fatal(err)
		}
		_ = written.file.f.Close()
		room += int64(len(d.Contents(written.file.path)))
	}
	return room
}

func someRun(first, n uint64) *run {
	r := &run{first: first, size: first + n}
	for i := range n {
		for table := range tables {
			r.memory[table] = append(r.memory[table], record{prefix: spread * (i % 7), entry: first + i})
		}
	}
	for table := range tables {
		sortRecords(r.memory[table], nil)
	}
	return r
}

// A merge that fails, for lack of room or because the disk does not write, leaves every answer as it was, is said, and is
// tried again until it succeeds.
func TestAFailedMergeIsTriedAgain(t *testing.T) {
	for name, fault := range map[string]func(d *disk.Disk, room int64){
		"full disk":    func(d *disk.Disk, room int64) { d.SetCapacity(room + 100) },
		"failed sync":  func(d *disk.Disk, _ int64) { d.FailSyncAt(1) },
		"failed write": func(d *disk.Disk, _ int64) { d.FailWriteAt(1) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d, network := disk.New(1), token.NetworkID{9}
				fault(d, filled(t, d, network, 8))
				x, err := Open(d.FS(), "index", network, nil)
				if err != nil {
					t.Fatal(err)
				}
				defer func() { _ = x.Close() }()
				synctest.Wait()
				if err := x.Err(); !vfs.Full(err) && !errors.Is(err, disk.ErrIO) {
					t.Fatalf("merging: %v", err)
				}
				id := make([]byte, 32)
				before, err := x.find(ofWallets, id, noEntry, 1000)
				if err != nil || len(before) == 0 || len(x.disk) != 8 {
					t.Fatalf("%d files, %d entries, %v", len(x.disk), len(before), err)
				}
				d.SetCapacity(0)
				time.Sleep(mergeAgain + time.Second) // of the bubble's time
				synctest.Wait()
				after, err := x.find(ofWallets, id, noEntry, 1000)
				if err != nil || !slices.Equal(after, before) || x.Err() != nil || len(x.disk) != 3 {
					t.Errorf("with room again: %d files, %d entries, %v, %v", len(x.disk), len(after), err, x.Err())
				}
			})
		})
	}
}

// What memory holds and could not be written is said with the block that asked for it, is answered from memory, and is
// written with the next block; nothing of it is there twice or lost, after a restart either.
func TestAFailedWriteIsTriedAgainWithTheNextBlock(t *testing.T) {
	d, network := disk.New(2), token.NetworkID{9}
	room := filled(t, d, network, 1)
	x, err := Open(d.FS(), "index", network, nil)
	if err != nil {
		t.Fatal(err)
	}
	x.add(someRun(40, 100))
	x.size.set(140)
	x.gathered = flushRecords
	leaf := sim.NewWorld(1).Genesis.Leaf().Encode()
	id := make([]byte, 32)
	want, err := x.find(ofWallets, id, noEntry, 1000)
	if err != nil {
		t.Fatal(err)
	}
	same := func(when string) {
		t.Helper()
		if got, err := x.find(ofWallets, id, noEntry, 1000); err != nil || !slices.Equal(got, want) {
			t.Fatalf("%s: %d entries, want %d: %v", when, len(got), len(want), err)
		}
	}
	d.SetCapacity(room + 100)
	for i := range uint64(3) {
		var unkept *UnkeptError
		if err := x.Block(140+i, [][]byte{leaf}); !errors.As(err, &unkept) || !vfs.Full(err) || x.Size() != 141+i {
			t.Fatalf("on a full disk: %v, at entry %d", err, x.Size())
		}
		same("on a full disk")
	}
	d.SetCapacity(0)
	if err := x.Block(143, [][]byte{leaf}); err != nil || len(x.memory) != 0 {
		t.Fatalf("with room again: %v", err)
	}
	same("written")
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	d.Restart()
	if x, err = Open(d.FS(), "index", network, nil); err != nil || x.Size() != 144 {
		t.Fatalf("after a restart: %v", err)
	}
	defer func() { _ = x.Close() }()
	same("after a restart")
}
