package txlog_test

import (
	"bytes"
	"errors"
	"os"
	"strconv"
	"testing"

	"github.com/aqsha/aqsha/internal/sim/disk"
	"github.com/aqsha/aqsha/txlog"
)

// model is what a client of the log was told.
type model struct {
	acknowledged uint64 // entries
	published    uint64
	roots        map[uint64]txlog.Hash // of every size that was staged
}

// work appends, publishes and reopens until the disk crashes or all is done. It
// returns the first error, and the log if it is open.
func (m *model) work(t *testing.T, d *disk.Disk, rounds int) error {
	l, err := txlog.Open("log", onDisk(t, d))
	if err != nil {
		return err
	}
	for round := range rounds {
		var group []*txlog.Batch
		next := l.Size()
		for i := range 1 + round%3 {
			length := uint64(1 + (round*7+i*5)%40)
			b, err := l.Stage(batchOf(next, next+length))
			if err != nil {
				return err
			}
			next = b.Size()
			m.roots[next] = b.Root()
			group = append(group, b)
		}
		if err := l.Commit(group...); err != nil {
			return err
		}
		m.acknowledged = next
		if round%2 == 1 {
			if _, err := l.Publish(); err != nil {
				return err
			}
			m.published = next
		}
		if round%5 == 4 {
			if err := l.Close(); err != nil {
				return err
			}
			if l, err = txlog.Open("log", onDisk(t, d)); err != nil {
				return err
			}
		}
	}
	return l.Close()
}

// check opens what the crash left and holds it against the model.
func (m *model) check(t *testing.T, d *disk.Disk) {
	t.Helper()
	l, err := txlog.Open("log", onDisk(t, d))
	if err != nil {
		t.Fatal("opening after the crash:", err)
	}
	defer l.Close()
	size := l.Size()
	if size < m.acknowledged {
		t.Fatalf("%d entries were acknowledged, %d are there", m.acknowledged, size)
	}
	if want, staged := m.roots[size]; size > 0 && (!staged || must(l.Root(size)) != want) {
		t.Fatalf("the log ends at %d, in the middle of a batch or with another root", size)
	}
	if _, c := l.Checkpoint(); c.Size < m.published {
		t.Fatalf("published %d, remembers %d", m.published, c.Size)
	}
	expectEntries(t, l, size)
	for at, root := range m.roots {
		if at <= size && must(l.Root(at)) != root {
			t.Fatalf("root at %d changed", at)
		}
	}
	if size > 0 {
		if got := must(l.Entry(size / 2)); !bytes.Equal(got, entry(size/2)) {
			t.Fatal("entry differs")
		}
	}
	_, c := l.Checkpoint()
	m.acknowledged, m.published = size, c.Size
	for at := range m.roots {
		if at > size {
			delete(m.roots, at)
		}
	}
}

// campaign crashes a workload at each of its operations, then the recovery or the
// work after it once more, for a number of seeds. It returns how many crashes ran.
func campaign(t *testing.T, seeds uint64) (crashes int) {
	const rounds = 16
	for seed := range seeds {
		for at := 1; ; at++ {
			d := disk.New(seed<<32 | uint64(at))
			m := &model{roots: map[uint64]txlog.Hash{}}
			d.CrashAt(at)
			err := m.work(t, d, rounds)
			if err == nil {
				break
			}
			if !errors.Is(err, disk.ErrCrashed) {
				t.Fatalf("seed %d, operation %d: %v", seed, at, err)
			}
			crashes++
			if at%2 == 0 {
				// What only the cache holds must be made durable before it counts.
				d.Kill()
				m.check(t, d)
			}
			d.Restart()
			d.CrashAt(1 + (at*13+int(seed))%50)
			if err := m.work(t, d, 3); err != nil {
				if !errors.Is(err, disk.ErrCrashed) {
					t.Fatalf("seed %d, operation %d, second run: %v", seed, at, err)
				}
				crashes++
			}
			d.Restart()
			m.check(t, d)
			if err := m.work(t, d, 3); err != nil {
				t.Fatalf("seed %d, operation %d, work after recovery: %v", seed, at, err)
			}
			m.check(t, d)
			if t.Failed() {
				t.Fatalf("seed %d, operation %d", seed, at)
			}
		}
	}
	return crashes
}

// TestCrashAtEveryOperation runs few seeds; TXLOG_CRASH_SEEDS asks for more.
func TestCrashAtEveryOperation(t *testing.T) {
	seeds := uint64(2)
	if more, err := strconv.ParseUint(os.Getenv("TXLOG_CRASH_SEEDS"), 10, 32); err == nil {
		seeds = more
	}
	t.Logf("%d crashes", campaign(t, seeds))
}

// After a sync that failed the page cache has records that the disk has not. Whoever opens the log then and goes on must not lose
// them to a later crash of the machine: they stand before what was synced since.
func TestAFailedSyncIsWrittenAgain(t *testing.T) {
	for published := range 2 {
		d := disk.New(uint64(published))
		l, err := txlog.Open("log", onDisk(t, d))
		if err != nil {
			t.Fatal(err)
		}
		commit := func(n uint64) error {
			b, err := l.Stage(batchOf(l.Size(), l.Size()+n))
			if err != nil {
				return err
			}
			return l.Commit(b)
		}
		if published == 1 {
			if err := commit(5); err != nil {
				t.Fatal(err)
			}
			if _, err := l.Publish(); err != nil {
				t.Fatal(err)
			}
		}
		d.FailSyncAt(1)
		if err := commit(7); err == nil {
			t.Fatal("the sync did not fail")
		}
		l.Close()
		if l, err = txlog.Open("log", onDisk(t, d)); err != nil { // the process begins anew, the machine goes on
			t.Fatal(err)
		}
		if err := commit(3); err != nil {
			t.Fatal(err)
		}
		size, root, _ := l.State()
		l.Close()
		d.Restart()
		if l, err = txlog.Open("log", onDisk(t, d)); err != nil {
			t.Fatal(err)
		}
		if got, gotRoot, _ := l.State(); got != size || gotRoot != root {
			t.Errorf("%d entries, had %d", got, size)
		}
		l.Close()
	}
}
