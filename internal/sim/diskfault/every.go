// Package diskfault runs a piece of work on a simulated disk that fails at every chance in turn: crashes, failed syncs,
// short writes, full disks. It is for tests of everything that keeps files.
package diskfault

import (
	"errors"
	"os"
	"strconv"
	"testing"

	"github.com/aqsha/aqsha/internal/sim/disk"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// faults are what goes wrong at the n-th chance, and how many chances are tried.
var faults = []struct {
	name    string
	plan    func(d *disk.Disk, n int)
	chances int
}{
	{"crash", (*disk.Disk).CrashAt, 24},
	{"failed sync", (*disk.Disk).FailSyncAt, 8},
	{"short write", (*disk.Disk).FailWriteAt, 8},
	{"full disk", func(d *disk.Disk, n int) { d.SetCapacity(int64(n * 97)) }, 24},
}

// seeds are how many times each chance is tried, as what of the cache survives is drawn: 4, or SIM_SEEDS ("make sim"
// tries 24).
func seeds() uint64 {
	if n, err := strconv.ParseUint(os.Getenv("SIM_SEEDS"), 10, 64); err == nil {
		return n
	}
	return 4
}

// Every prepares a disk, runs the work while one thing fails, and has what is left checked: as the next process finds
// it when this one alone has died, and as it is after the machine has. Work returns how much of it was acknowledged.
func Every(t testing.TB, prepare func(files vfs.FS) error, work func(files vfs.FS) (done int, err error),
	check func(files vfs.FS, done int) error) {
	t.Helper()
	failures := map[string]int{}
	for _, f := range faults {
		for n := 1; n <= f.chances; n++ {
			for seed := range seeds() {
				d := disk.New(seed*1000 + uint64(n))
				if err := prepare(d.FS()); err != nil {
					t.Fatal(err)
				}
				f.plan(d, n)
				done, err := work(d.FS())
				if err != nil {
					failures[f.name]++
				}
				d.SetCapacity(0)
				if seed%2 == 0 && !errors.Is(err, disk.ErrCrashed) {
					d.Kill() // the process alone dies; the next one sees the cache
					if err := check(d.FS(), done); err != nil {
						t.Fatalf("%s at %d, seed %d, killed: %v", f.name, n, seed, err)
					}
				}
				d.Restart()
				if err := check(d.FS(), done); err != nil {
					t.Fatalf("%s at %d, seed %d: %v", f.name, n, seed, err)
				}
			}
		}
		if failures[f.name] == 0 {
			t.Errorf("%s never made the work fail", f.name)
		}
	}
}
