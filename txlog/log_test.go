package txlog_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aqsha/aqsha/internal/sim/disk"
	"github.com/aqsha/aqsha/txlog"
	"github.com/aqsha/aqsha/txlog/vfs"
)

func TestGrowReopenRead(t *testing.T) {
	for _, length := range []uint64{1, 7, 256, 1000} {
		d := disk.New(1)
		l := open(t, onDisk(t, d))
		const size = 1500
		grow(t, l, size, length)
		root := must(l.Root(size))
		for range 3 {
			expectEntries(t, l, size)
			for _, i := range []uint64{0, 1, 255, 256, 257, 511, 512, 1000, size - 1} {
				if got := must(l.Entry(i)); !bytes.Equal(got, entry(i)) {
					t.Fatalf("batches of %d: entry %d differs", length, i)
				}
				info := must(l.BatchOf(i))
				if info.FirstIndex > i || info.Size() <= i || info.Height != i/length || must(l.Batch(info.Height)) != info {
					t.Fatalf("batches of %d: entry %d is in %+v", length, i, info)
				}
				if info.Root != must(l.Root(info.Size())) {
					t.Fatalf("root of batch %d differs", info.Height)
				}
			}
			if must(l.Root(size)) != root {
				t.Fatal("root changed")
			}
			l = reopen(t, l, onDisk(t, d))
		}
		if r := l.Recovery(); r.TilesRebuilt || r.TornBytes != 0 || (length < 100 && r.ScannedEntries >= size) {
			t.Errorf("batches of %d: clean reopening did too much: %+v", length, r)
		}
	}
}

func TestGroupCommitIsOneWriteAndOneSync(t *testing.T) {
	d := disk.New(1)
	options := onDisk(t, d)
	options.SegmentBytes = 1 << 20
	l := open(t, options)
	var group []*txlog.Batch
	for i := uint64(0); i < 10; i++ {
		b := must(l.Stage(batchOf(i*5, i*5+5)))
		if b.Height() != i || b.FirstIndex() != i*5 || b.Len() != 5 {
			t.Fatalf("batch %d: %d %d %d", i, b.Height(), b.FirstIndex(), b.Len())
		}
		group = append(group, b)
	}
	if l.Size() != 0 {
		t.Fatal("staged entries count as durable")
	}
	before := d.Ops()
	ok(t, l.Commit(group...))
	if n := d.Ops() - before; n != 2 {
		t.Errorf("the group took %d operations", n)
	}
	if l.Heights() != 10 || must(l.Root(50)) != group[9].Root() {
		t.Error("the log does not stand where the group said")
	}
	expectEntries(t, l, 50)
}

func TestStageRefuses(t *testing.T) {
	l := open(t, onDisk(t, disk.New(1)))
	for name, c := range map[string]struct {
		entries [][]byte
		code    string
	}{
		"no entry":    {nil, "batch-empty"},
		"empty entry": {[][]byte{{1}, {}}, "entry-size"},
		"long entry":  {[][]byte{make([]byte, txlog.MaxEntryBytes+1)}, "entry-size"},
		"huge batch":  {bytes.SplitN(bytes.Repeat([]byte("x"), 1025), nil, 1025), ""},
	} {
		if name == "huge batch" {
			c.code = "batch-size"
			for i := range c.entries {
				c.entries[i] = make([]byte, txlog.MaxEntryBytes)
			}
		}
		_, err := l.Stage(c.entries)
		var input *txlog.InputError
		if !errors.As(err, &input) || input.Code != c.code {
			t.Errorf("%s: %v", name, err)
		}
	}
	// A refusal changed nothing.
	grow(t, l, 3, 3)
	expectEntries(t, l, 3)
}

func TestCommitWantsTheOrderOfStaging(t *testing.T) {
	l := open(t, onDisk(t, disk.New(1)))
	first, second := must(l.Stage(batchOf(0, 2))), must(l.Stage(batchOf(2, 4)))
	var input *txlog.InputError
	for _, group := range [][]*txlog.Batch{{second}, {second, first}, {first, first}} {
		if err := l.Commit(group...); !errors.As(err, &input) || input.Code != "batch-order" {
			t.Errorf("wrong order: %v", err)
		}
	}
	ok(t, l.Commit(first))
	if err := l.Commit(first); !errors.As(err, &input) {
		t.Errorf("committed twice: %v", err)
	}
	ok(t, l.Commit(second))
	expectEntries(t, l, 4)
}

func TestReadingBeyondTheEnd(t *testing.T) {
	l := open(t, onDisk(t, disk.New(1)))
	grow(t, l, 10, 10)
	var input *txlog.InputError
	_, entryErr := l.Entry(10)
	_, batchErr := l.Batch(1)
	_, batchOfErr := l.BatchOf(10)
	_, rootErr := l.Root(11)
	_, inclusionErr := l.InclusionProof(0, 11)
	_, indexErr := l.InclusionProof(5, 5)
	_, consistencyErr := l.ConsistencyProof(3, 11)
	_, orderErr := l.ConsistencyProof(4, 3)
	for i, err := range []error{entryErr, batchErr, batchOfErr, rootErr, inclusionErr, indexErr, consistencyErr, orderErr} {
		if !errors.As(err, &input) || input.Code != "log-range" {
			t.Errorf("%d: %v", i, err)
		}
	}
	for _, err := range l.Entries(5, 11) {
		if !errors.As(err, &input) {
			t.Errorf("entries: %v", err)
		}
	}
	for range l.Batches(1) {
		t.Error("a batch after the last")
	}
}

func TestWaitSize(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := open(t, onDisk(t, disk.New(1)))
		seen := make(chan uint64)
		go func() {
			size, err := l.WaitSize(context.Background(), 5)
			if err != nil {
				t.Error(err)
			}
			seen <- size
		}()
		grow(t, l, 3, 3)
		synctest.Wait()
		select {
		case <-seen:
			t.Fatal("woke too early")
		default:
		}
		grow(t, l, 6, 3)
		if got := <-seen; got != 6 {
			t.Errorf("woke at %d", got)
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if _, err := l.WaitSize(ctx, 7); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("waiting in vain: %v", err)
		}
		ok(t, l.Close())
		if _, err := l.WaitSize(context.Background(), 7); !errors.Is(err, txlog.ErrClosed) {
			t.Errorf("waiting on a closed log: %v", err)
		}
	})
}

func TestSecondOpenNamesTheHolder(t *testing.T) {
	d := disk.New(1)
	open(t, onDisk(t, d))
	var locked *vfs.LockedError
	if _, err := txlog.Open("log", onDisk(t, d)); !errors.As(err, &locked) || !strings.Contains(err.Error(), locked.Holder) {
		t.Errorf("second open: %v", err)
	}
}

func TestOptionsAreChecked(t *testing.T) {
	d := disk.New(1)
	good := onDisk(t, d)
	open(t, good)
	for name, change := range map[string]func(*txlog.Options){
		"no origin":        func(o *txlog.Options) { o.Origin = "" },
		"two lines":        func(o *txlog.Options) { o.Origin = "a\nb" },
		"long origin":      func(o *txlog.Options) { o.Origin = strings.Repeat("x", 300) },
		"another signer":   func(o *txlog.Options) { o.Origin = "other" },
		"tiny segments":    func(o *txlog.Options) { o.SegmentBytes = 100 },
		"another's origin": func(o *txlog.Options) { o.Origin, o.Signers = "other", nil },
	} {
		d.Restart()
		options := good
		options.FS = d.FS()
		change(&options)
		var input *txlog.InputError
		if _, err := txlog.Open("log", options); !errors.As(err, &input) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPoisonedAfterAFailedWriteOrSync(t *testing.T) {
	for name, plan := range map[string]func(*disk.Disk){
		"write": func(d *disk.Disk) { d.FailWriteAt(1) },
		"sync":  func(d *disk.Disk) { d.FailSyncAt(1) },
	} {
		d := disk.New(5)
		l := open(t, onDisk(t, d))
		grow(t, l, 20, 4)
		must(l.Publish())
		plan(d)
		// Enough to need a new segment.
		b := must(l.Stage(batchOf(20, 80)))
		var poisoned *txlog.PoisonedError
		if err := l.Commit(b); !errors.As(err, &poisoned) {
			t.Fatalf("%s: %v", name, err)
		}
		d.SetCapacity(0)
		if err := l.Commit(b); !errors.As(err, &poisoned) {
			t.Errorf("%s: a second try: %v", name, err)
		}
		if _, err := l.Publish(); !errors.As(err, &poisoned) {
			t.Errorf("%s: publishing: %v", name, err)
		}
		if _, err := l.WaitSize(context.Background(), 21); !errors.As(err, &poisoned) {
			t.Errorf("%s: waiting: %v", name, err)
		}
		expectEntries(t, l, 20)
		d.Restart()
		l = open(t, onDisk(t, d))
		if l.Size() != 20 && l.Size() != 80 {
			t.Errorf("%s: half a batch after restart: %d", name, l.Size())
		}
		expectEntries(t, l, l.Size())
		grow(t, l, 100, 10)
	}
}

// A copy of a log takes the original's checkpoints, of what it holds and in order, and no others; it goes on with them.
func TestAdoptedCheckpoints(t *testing.T) {
	original, d := open(t, onDisk(t, disk.New(1))), disk.New(2)
	options := onDisk(t, d)
	options.Signers = nil // a copy has no key
	copied := open(t, options)
	var notes [][]byte
	for size := uint64(10); size <= 30; size += 10 {
		grow(t, original, size, 5)
		notes = append(notes, must(original.Publish()))
	}
	grow(t, copied, 20, 4)
	if err := copied.Adopt(notes[2]); err == nil {
		t.Error("adopted a checkpoint of more than it holds")
	}
	ok(t, copied.Adopt(notes[1]))
	if err := copied.Adopt(notes[0]); err == nil {
		t.Error("went back to an older checkpoint")
	}
	forked := open(t, onDisk(t, disk.New(3)))
	other := must(forked.Stage(batchOf(500, 525)))
	ok(t, forked.Commit(other))
	var history *txlog.HistoryError
	grow(t, copied, 25, 5)
	if err := copied.Adopt(must(forked.Publish())); !errors.As(err, &history) {
		t.Errorf("adopted another history: %v", err)
	}
	copied = reopen(t, copied, options)
	if signed, c := copied.Checkpoint(); c.Size != 20 || !bytes.Equal(signed, notes[1]) {
		t.Errorf("after reopening the checkpoint is of %d entries", c.Size)
	}
	ok(t, copied.Close())
	if c, err := txlog.StoredCheckpoint(d.FS(), "log"); err != nil || c.Size != 20 {
		t.Errorf("stored: %+v, %v", c, err)
	}
	if _, err := txlog.StoredCheckpoint(disk.New(4).FS(), "log"); err == nil {
		t.Error("read a checkpoint where there is none")
	}
}
