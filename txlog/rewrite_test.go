package txlog_test

import (
	"errors"
	"testing"

	"github.com/aqsha/aqsha/internal/sim/disk"
	"github.com/aqsha/aqsha/txlog"
)

// After a sync that failed, what was written may lie in the page cache alone, and a later sync says nothing of it. A process that
// opens the log then, and signs what it reads, finds all of it again after a power cut, whichever sync failed.
func TestWhatIsRecoveredIsWrittenBeforeItIsSigned(t *testing.T) {
	rewritten := 0
	for seed := range uint64(8) {
		for at := 1; ; at++ {
			d := disk.New(seed<<32 | uint64(at))
			m := &model{roots: map[uint64]txlog.Hash{}}
			d.FailSyncAt(at)
			err := m.work(t, d, 9)
			if err == nil {
				break
			}
			if !errors.Is(err, disk.ErrIO) {
				t.Fatalf("seed %d, sync %d: %v", seed, at, err)
			}
			d.Kill()
			l, err := txlog.Open("log", onDisk(t, d))
			if errors.Is(err, disk.ErrIO) {
				continue
			}
			if err != nil {
				t.Fatalf("seed %d, sync %d: %v", seed, at, err)
			}
			if l.Recovery().Rewritten > 0 {
				rewritten++
			}
			if _, err := l.Publish(); err != nil {
				t.Fatal(err)
			}
			m.acknowledged, m.published = l.Size(), l.Size()
			d.Restart()
			m.check(t, d)
		}
	}
	if rewritten == 0 {
		t.Error("nothing was ever written again: the campaign shows nothing")
	}
}
