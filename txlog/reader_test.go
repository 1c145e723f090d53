package txlog_test

import (
	"bytes"
	"math/rand/v2"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/aqsha/aqsha/internal/sim/disk"
	"github.com/aqsha/aqsha/txlog"
)

// expectRead holds what a reader sees against the entries that were written.
func expectRead(t interface{ Fatalf(string, ...any) }, r *txlog.Reader, from uint64) {
	index := from
	for got, err := range r.Entries(from, r.Size()) {
		if err != nil {
			t.Fatalf("entry %d of %d: %v", index, r.Size(), err)
		}
		if !bytes.Equal(got, entry(index)) {
			t.Fatalf("entry %d is another", index)
		}
		index++
	}
	if index != r.Size() {
		t.Fatalf("%d entries of %d", index, r.Size())
	}
}

// A reader beside the writer sees all that is durable, whatever segments, indexes and tiles there are, and changes
// nothing. What it has read of the last segment, Open does not read again, unless the segment is full by then.
func TestAReaderPreparesAnOpen(tb *testing.T) {
	rapid.Check(tb, func(t *rapid.T) {
		d := disk.New(1)
		options := onDisk(tb, d)
		idle := rapid.Bool().Draw(t, "work behind the commits waits")
		var waiting []func()
		if idle {
			options.Background = func(work func()) { waiting = append(waiting, work) }
		}
		l, err := txlog.Open("log", options)
		if err != nil {
			t.Fatal(err)
		}
		before := rapid.Uint64Range(1, 400).Draw(t, "entries")
		more := rapid.Uint64Range(0, 120).Draw(t, "more")
		length := rapid.Uint64Range(1, 20).Draw(t, "a batch")
		grow(tb, l, before, length)
		ops := d.Ops()
		r, err := txlog.OpenReader("log", options)
		if err != nil {
			t.Fatal(err)
		}
		expectRead(t, r, 0)
		if d.Ops() != ops {
			t.Fatalf("a reader made %d operations that change something", d.Ops()-ops)
		}
		if r.Size() != before || r.Root() != must(l.Root(before)) {
			t.Fatalf("read %d entries with root %v of %d", r.Size(), r.Root(), before)
		}
		last := must(l.BatchOf(before - 1))
		grow(tb, l, before+more, length)
		for _, work := range waiting {
			work()
		}
		root := must(l.Root(before + more))
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		options.Background, options.Scanned = func(work func()) { work() }, r
		l, err = txlog.Open("log", options)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		if l.Size() != before+more || must(l.Root(l.Size())) != root || must(l.Root(before)) != r.Root() {
			t.Fatalf("opened with %d entries of %d", l.Size(), before+more)
		}
		if scanned := l.Recovery().ScannedEntries; scanned > more {
			t.Fatalf("%d entries were read again, %d are new; the reader's last batch is %+v", scanned, more, last)
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		grow(tb, l, before+more+50, length)
		expectEntries(tb, l, before+more+50)
	})
}

// What a reader has scanned is of no use for a log that has been put back from a backup since, or for another's: Open
// reads the whole last segment then.
func TestAReaderOfAnotherLogIsOfNoUse(t *testing.T) {
	write := func(seed byte, size uint64) (*disk.Disk, txlog.Options) {
		d := disk.New(1)
		options := onDisk(t, d)
		options.SegmentBytes, options.Random = 1<<20, rand.NewChaCha8([32]byte{seed})
		l := must(txlog.Open("log", options))
		grow(t, l, size, 7)
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		return d, options
	}
	_, longer := write(1, 500)
	r := must(txlog.OpenReader("log", longer))
	for name, seed := range map[string]byte{"an older copy": 1, "another log": 2} {
		_, options := write(seed, 300)
		options.Scanned = r
		l := must(txlog.Open("log", options))
		if l.Size() != 300 || l.Recovery().ScannedEntries != 300 {
			t.Errorf("%s: %d entries, %d of them read", name, l.Size(), l.Recovery().ScannedEntries)
		}
		expectEntries(t, l, 300)
		_ = l.Close()
	}
	if _, err := txlog.OpenReader("nothing", longer); err == nil {
		t.Error("a log that is not there is read")
	}
}

// Readers come and go while a writer commits, seals and publishes, on a real file system.
func TestReadersBesideAWriter(t *testing.T) {
	signer, _ := newKey(t)
	dir := t.TempDir()
	options := txlog.Options{Origin: origin, SegmentBytes: 4096}
	options.Signers = append(options.Signers, signer)
	l := must(txlog.Open(dir, options))
	defer l.Close()
	grow(t, l, 1, 1)
	var wait sync.WaitGroup
	done := make(chan struct{})
	wait.Go(func() {
		defer close(done)
		for size := uint64(20); size <= 3000; size += 20 {
			grow(t, l, size, 3)
			if size%100 == 0 {
				must(l.Publish())
			}
		}
	})
	readers, newest := 0, uint64(0)
	for stop := false; !stop; readers++ {
		select {
		case <-done:
			stop = true
		default:
		}
		least := l.Size()
		r, err := txlog.OpenReader(dir, options)
		if err != nil {
			t.Fatalf("reader %d: %v", readers, err)
		}
		if r.Size() < least {
			t.Fatalf("reader %d sees %d entries of %d", readers, r.Size(), least)
		}
		expectRead(t, r, newest)
		if l.Size() >= r.Size() && r.Root() != must(l.Root(r.Size())) {
			t.Fatalf("reader %d sees another root at %d", readers, r.Size())
		}
		newest = r.Size()
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
	wait.Wait()
	if newest != l.Size() {
		t.Errorf("the last reader sees %d of %d", newest, l.Size())
	}
	t.Logf("%d readers", readers)
}
