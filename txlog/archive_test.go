package txlog_test

import (
	"errors"
	"testing"

	"github.com/aqsha/aqsha/internal/sim/disk"
	"github.com/aqsha/aqsha/txlog"
)

// An archive opens as a log: all sealed entries and no more, under a checkpoint of its own.
func TestAnArchiveOpensAsALog(t *testing.T) {
	d := disk.New(uint64(1))
	options := onDisk(t, d)
	l := open(t, options)
	if done, err := l.Archive(d.FS(), "archive", l.Size()); err != nil || done.Segments != 0 {
		t.Fatalf("%+v, %v", done, err)
	}
	before := uint64(0)
	for _, size := range []uint64{600, 900, 1500} {
		grow(t, l, size, 20)
		done, err := l.Archive(d.FS(), "archive", l.Size())
		if err != nil || done.Entries <= before || done.Entries > l.Size() || done.Behind != 0 {
			t.Fatalf("%+v of %d entries, %v", done, l.Size(), err)
		}
		before = done.Entries
		again, err := l.Archive(d.FS(), "archive", l.Size())
		if err != nil || again != done {
			t.Fatalf("again: %+v, %v", again, err)
		}
		archived, err := txlog.Open("archive", options)
		if err != nil {
			t.Fatal(err)
		}
		size, root, _ := archived.State()
		_, c := archived.Checkpoint()
		want, err := l.Root(size)
		if err != nil || size != done.Entries || root != want || c.Size != size || c.Root != root {
			t.Errorf("%d entries under a checkpoint of %d, %d were archived, %v", size, c.Size, done.Entries, err)
		}
		if err := archived.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// What is not acknowledged is not archived, and another log's archive is left alone.
func TestAnArchiveHoldsWhatWasAcknowledgedOfThisLog(t *testing.T) {
	d := disk.New(uint64(1))
	options := onDisk(t, d)
	l := open(t, options)
	grow(t, l, 900, 20)
	all, err := l.Archive(d.FS(), "all", l.Size())
	if err != nil || all.Segments < 3 {
		t.Fatalf("%+v, %v", all, err)
	}
	part, err := l.Archive(d.FS(), "part", all.Entries-1)
	if err != nil || part.Segments != all.Segments-1 || part.Behind != 1 {
		t.Errorf("%+v of %+v, %v", part, all, err)
	}
	options.Random = nil // another mark
	other, err := txlog.Open("other", options)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	grow(t, other, 900, 20)
	var refused *txlog.ArchiveError
	if _, err := other.Archive(d.FS(), "all", other.Size()); !errors.As(err, &refused) {
		t.Errorf("another log's: %v", err)
	}
	if c, err := txlog.StoredCheckpoint(d.FS(), "all"); err != nil || c.Size != all.Entries {
		t.Errorf("%+v, %v", c, err)
	}
}

// A crash at any operation leaves an archive that is continued, and that opens with no less than was said to be there.
func TestAnArchiveSurvivesACrashAnywhere(t *testing.T) {
	for at := 1; ; at++ {
		d := disk.New(uint64(1))
		options := onDisk(t, d)
		l := open(t, options)
		grow(t, l, 450, 20)
		first, err := l.Archive(d.FS(), "archive", l.Size())
		if err != nil {
			t.Fatal(err)
		}
		grow(t, l, 900, 20)
		before := d.Ops()
		d.CrashAt(at)
		_, err = l.Archive(d.FS(), "archive", l.Size())
		if err == nil {
			if d.Ops()-before < 10 {
				t.Fatal("the archive was made in fewer than ten operations: nothing was tried")
			}
			return
		}
		_ = l.Close()
		d.Restart()
		options.FS = d.FS()
		if c, err := txlog.StoredCheckpoint(d.FS(), "archive"); err != nil || c.Size < first.Entries {
			t.Fatalf("crash at %d: %+v, %v", at, c, err)
		}
		l = open(t, options)
		if done, err := l.Archive(d.FS(), "archive", l.Size()); err != nil || done.Entries <= first.Entries {
			t.Fatalf("crash at %d: %+v, %v", at, done, err)
		}
		archived, err := txlog.Open("archive", options)
		if err != nil {
			t.Fatalf("crash at %d: %v", at, err)
		}
		_ = archived.Close()
		_ = l.Close()
	}
}
