package txlog_test

import (
	"errors"
	"io/fs"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/internal/sim/disk"
	"github.com/aqsha/aqsha/txlog"
)

const firstSegment = "log/segments/00000000000000000000.log"

// records finds where the records of a segment of a test log begin, by its mark.
func records(content []byte) (offsets []int) {
	mark := string(content[16:24])
	for at := 24; ; {
		i := strings.Index(string(content[at:]), mark)
		if i < 0 {
			return offsets
		}
		offsets = append(offsets, at+i)
		at += i + 1
	}
}

func wantDamage(t *testing.T, err error, file string, offset int) {
	t.Helper()
	var damage *txlog.DamageError
	if !errors.As(err, &damage) {
		t.Fatalf("want damage, got %v", err)
	}
	if damage.File != file || damage.Offset != int64(offset) {
		t.Errorf("damage is said to be in %s at %d, is in %s at %d", damage.File, damage.Offset, file, offset)
	}
	if damage.ErrorCode() != "log-damaged" || !strings.Contains(err.Error(), "batch") {
		t.Errorf("error does not say enough: %v", err)
	}
}

// small is a log of ten single batches in one segment, closed.
func small(t *testing.T, publishAt uint64) (*disk.Disk, []int) {
	t.Helper()
	d := disk.New(1)
	options := onDisk(t, d)
	options.SegmentBytes = 1 << 16
	l := open(t, options)
	for l.Size() < 50 {
		grow(t, l, l.Size()+5, 5)
		if l.Size() == publishAt {
			must(l.Publish())
		}
	}
	ok(t, l.Close())
	return d, records(d.Contents(firstSegment))
}

// TestRotBeforeALaterCommitIsDamage flips each byte of a record in the middle.
func TestRotBeforeALaterCommitIsDamage(t *testing.T) {
	_, at := small(t, 0)
	for offset := at[4]; offset < at[5]; offset++ {
		d, _ := small(t, 0)
		d.Rot(firstSegment, int64(offset), 0x10)
		_, err := txlog.Open("log", onDisk(t, d))
		wantDamage(t, err, firstSegment, at[4])
	}
}

func TestRotInTheLastRecord(t *testing.T) {
	// Not under a checkpoint it cannot be told from a torn write.
	d, at := small(t, 45)
	d.Rot(firstSegment, int64(at[9]+100), 1)
	l := open(t, onDisk(t, d))
	if r := l.Recovery(); l.Size() != 45 || r.TornBytes == 0 || r.TornOffset != int64(at[9]) || r.TornFile != firstSegment {
		t.Errorf("size %d, recovery %+v", l.Size(), r)
	}
	grow(t, l, 60, 5)
	l = reopen(t, l, onDisk(t, d))
	expectEntries(t, l, 60)

	d, at = small(t, 50)
	d.Rot(firstSegment, int64(at[9]+100), 1)
	_, err := txlog.Open("log", onDisk(t, d))
	wantDamage(t, err, firstSegment, at[9])
}

// TestStaleRecordBehindATornOne: a group [a, b] loses a; b was cut with it and must
// not come back when a record of a's length takes a's place.
func TestStaleRecordBehindATornOne(t *testing.T) {
	d := disk.New(1)
	options := onDisk(t, d)
	options.SegmentBytes = 1 << 16
	l := open(t, options)
	grow(t, l, 5, 5)
	same := func(text string) *txlog.Batch { return must(l.Stage([][]byte{[]byte(text)})) }
	ok(t, l.Commit(same("aaaa"), same("bbbb")))
	ok(t, l.Close())
	at := records(d.Contents(firstSegment))
	d.Rot(firstSegment, int64(at[1]+80), 1)
	l = open(t, onDisk(t, d))
	if l.Size() != 5 {
		t.Fatalf("size %d after the cut", l.Size())
	}
	ok(t, l.Commit(same("cccc")))
	l = reopen(t, l, onDisk(t, d))
	if l.Size() != 6 || string(must(l.Entry(5))) != "cccc" {
		t.Errorf("size %d, last entry %q", l.Size(), must(l.Entry(l.Size()-1)))
	}
}

// TestEntryThatLooksLikeARecord: whoever writes entries must not be able to make
// recovery see records in them. Even with the right format, the mark is missing.
func TestEntryThatLooksLikeARecord(t *testing.T) {
	d := disk.New(1)
	l := open(t, onDisk(t, d))
	grow(t, l, 20, 5)
	forged := d.Contents(firstSegment)
	ok(t, l.Close())
	// Bytes of a real later record, but of a log with another mark.
	other := disk.New(2)
	options := onDisk(t, other)
	options.SegmentBytes = 1 << 16
	options.Random = strings.NewReader("other salt of this log")
	l = open(t, options)
	grow(t, l, 5, 5)
	ok(t, l.Commit(must(l.Stage([][]byte{forged[512:]}))))
	ok(t, l.Close())
	at := records(other.Contents(firstSegment))
	other.Rot(firstSegment, int64(at[1]+3), 1)
	l = open(t, onDisk(t, other))
	if l.Size() != 5 {
		t.Errorf("size %d", l.Size())
	}
}

func TestDamageInASealedSegment(t *testing.T) {
	d := disk.New(1)
	l := open(t, onDisk(t, d))
	grow(t, l, 400, 10)
	ok(t, l.Close())
	at := records(d.Contents(firstSegment))
	d.Rot(firstSegment, int64(at[1]+90), 1)

	// With its index the segment is not read at open, but no wrong entry is served.
	l = open(t, onDisk(t, d))
	_, err := l.Entry(10)
	wantDamage(t, err, firstSegment, at[1]+80)
	_, err = l.ReadBundle(txlog.Tile{Level: txlog.EntriesLevel, Index: 0, Width: 256})
	wantDamage(t, err, firstSegment, at[1]+80)
	for _, err = range l.Entries(0, 400) {
		if err != nil {
			break
		}
	}
	wantDamage(t, err, firstSegment, at[1])
	ok(t, l.Close())

	ok(t, d.FS().Remove("log/segments/00000000000000000000.idx"))
	_, err = txlog.Open("log", onDisk(t, d))
	wantDamage(t, err, firstSegment, at[1])
}

func TestMissingFiles(t *testing.T) {
	for name, lost := range map[string]string{
		"first segment": firstSegment,
		"checkpoint":    "log/checkpoint",
	} {
		d := disk.New(1)
		l := open(t, onDisk(t, d))
		grow(t, l, 400, 10)
		must(l.Publish())
		ok(t, l.Close())
		ok(t, d.FS().Remove(lost))
		var damage *txlog.DamageError
		if _, err := txlog.Open("log", onDisk(t, d)); !errors.As(err, &damage) {
			t.Errorf("%s missing: %v", name, err)
		}
	}
}

func TestBehindAPublishedCheckpoint(t *testing.T) {
	d := disk.New(1)
	l := open(t, onDisk(t, d))
	grow(t, l, 400, 10)
	must(l.Publish())
	ok(t, l.Close())
	names := must(d.FS().List("log/segments"))
	// The last segment lost, then all of them.
	var behind *txlog.BehindError
	last := names[len(names)-1]
	ok(t, d.FS().Remove("log/segments/"+last))
	_, err := txlog.Open("log", onDisk(t, d))
	if !errors.As(err, &behind) || behind.Published != 400 || behind.Size >= 400 || behind.ErrorCode() != "log-behind-checkpoint" {
		t.Errorf("without %s: %v", last, err)
	}
	for _, name := range names[:len(names)-1] {
		ok(t, d.FS().Remove("log/segments/"+name))
	}
	_, err = txlog.Open("log", onDisk(t, d))
	if !errors.As(err, &behind) || behind.Size != 0 {
		t.Errorf("without segments: %v", err)
	}
}

func TestAnotherHistoryThanPublished(t *testing.T) {
	d := disk.New(1)
	l := open(t, onDisk(t, d))
	grow(t, l, 50, 10)
	must(l.Publish())
	published := d.Contents("log/checkpoint")
	ok(t, l.Close())

	other := disk.New(1)
	l = open(t, onDisk(t, other))
	ok(t, l.Commit(must(l.Stage([][]byte{[]byte("another beginning")}))))
	grow(t, l, 60, 10)
	ok(t, l.Close())
	f := must(other.FS().OpenReadWrite("log/checkpoint"))
	must(f.WriteAt(published, 0))
	var history *txlog.HistoryError
	_, err := txlog.Open("log", onDisk(t, other))
	if !errors.As(err, &history) || history.Size != 50 || history.ErrorCode() != "log-differs-from-checkpoint" {
		t.Errorf("another history: %v", err)
	}
}

// TestCheckpointFileRots flips bytes over the newest slot: the older checkpoint
// then counts, or none, but never a changed one.
func TestCheckpointFileRots(t *testing.T) {
	build := func() *disk.Disk {
		d := disk.New(1)
		l := open(t, onDisk(t, d))
		for _, size := range []uint64{10, 20} {
			grow(t, l, size, 10)
			must(l.Publish())
		}
		ok(t, l.Close())
		return d
	}
	for offset := range int64(200) {
		d := build()
		d.Rot("log/checkpoint", offset, 1)
		l, err := txlog.Open("log", onDisk(t, d))
		if err != nil {
			t.Fatalf("offset %d: %v", offset, err)
		}
		if _, c := l.Checkpoint(); c.Size != 10 {
			// Bytes that nothing uses may rot unseen.
			if c.Size != 20 || offset < 24 || offset >= 32 {
				t.Fatalf("offset %d: checkpoint of %d", offset, c.Size)
			}
		}
		ok(t, l.Close())
	}
	d := build()
	d.Rot("log/checkpoint", 40, 1)
	d.Rot("log/checkpoint", 64<<10+40, 1)
	var damage *txlog.DamageError
	if _, err := txlog.Open("log", onDisk(t, d)); !errors.As(err, &damage) {
		t.Errorf("both slots rotten: %v", err)
	}
}

// TestTilesAreRebuilt takes away or spoils what can be rebuilt.
func TestTilesAreRebuilt(t *testing.T) {
	for name, spoil := range map[string]func(*disk.Disk){
		"tiles gone": func(d *disk.Disk) {
			ok(t, d.FS().Remove("log/tiles/level-0"))
		},
		"upper level gone": func(d *disk.Disk) {
			ok(t, d.FS().Remove("log/tiles/level-1"))
		},
		"tiles cut": func(d *disk.Disk) {
			f := must(d.FS().OpenReadWrite("log/tiles/level-0"))
			ok(t, f.Truncate(3200))
		},
		"index gone": func(d *disk.Disk) {
			ok(t, d.FS().Remove("log/segments/00000000000000000000.idx"))
		},
		"index rotten": func(d *disk.Disk) {
			d.Rot("log/segments/00000000000000000000.idx", 33, 1)
		},
	} {
		d := disk.New(1)
		l := open(t, onDisk(t, d))
		grow(t, l, 2000, 10)
		root := must(l.Root(1234))
		ok(t, l.Close())
		spoil(d)
		for range 2 {
			l = open(t, onDisk(t, d))
			if must(l.Root(1234)) != root {
				t.Errorf("%s: root changed", name)
			}
			expectEntries(t, l, 2000)
			if rebuilt := l.Recovery().TilesRebuilt; rebuilt && strings.Contains(name, "index") {
				t.Errorf("%s: tiles were rebuilt for it", name)
			}
			ok(t, l.Close())
		}
		if _, err := d.FS().Open("log/segments/00000000000000000000.idx"); errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: index was not written again", name)
		}
	}
}
