package telemetry_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/aqsha/aqsha/farm/telemetry"
	"github.com/aqsha/aqsha/farm/usage"
	"github.com/aqsha/aqsha/internal/sim/disk"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// acknowledged is what a store said it has.
type acknowledged struct {
	numbers []string // identities by number
	polls   []usage.Instant
}

// errPromise is an answer that the store must not give.
var errPromise = errors.New("a promise was broken")

// atOnce is how many machines a store is given at first.
const atOnce = 40

// pollOf makes a poll that does not pack to nothing.
func pollOf(at usage.Instant, machine, step int64) usage.Poll {
	noise := (machine*7919 + step*104729) % 99991
	return usage.Poll{At: at, Elapsed: step * 660, RateMHs: 100_000_000 + noise*100, TotalMH: noise * 7, AcceptedMH: step * noise, ChipTemp: 60 + noise%20, Watts: 3000 + noise%300}
}

// feed gives a store machines and polls, over the end of an hour and of a day, until something fails.
func feed(files vfs.FS, a *acknowledged) error {
	s, err := telemetry.OpenOn(files, "samples")
	if err != nil {
		return err
	}
	defer s.Close()
	if len(a.numbers) == 0 {
		var names []string
		for i := range atOnce {
			names = append(names, fmt.Sprintf("S19-%04d", i))
		}
		if _, err := s.Numbers(names); err != nil {
			return err
		}
		a.numbers = names
	}
	for step := range usage.Instant(24) {
		name := fmt.Sprintf("S19-%04d", len(a.numbers))
		number, err := s.Number(name)
		if err != nil {
			if again, err := s.Number(name); err == nil {
				return fmt.Errorf("%w: %s got number %d after a write had failed", errPromise, name, again)
			}
			return err
		}
		if int(number) != len(a.numbers) {
			return fmt.Errorf("%w: %s got number %d, want %d", errPromise, name, number, len(a.numbers))
		}
		a.numbers = append(a.numbers, name)
		at := midnight + usage.Day - 3*usage.Hour + step*11*usage.Minute
		var rows []telemetry.Row
		for machine := range a.numbers { // many, so that a group is many sectors long
			rows = append(rows, telemetry.Row{Machine: uint32(machine), Poll: pollOf(at, int64(machine), int64(step))})
		}
		late, err := s.Append(rows)
		if err != nil {
			return err
		}
		if late == 0 {
			a.polls = append(a.polls, at)
		}
	}
	return s.Close()
}

// check opens the store again, twice, and finds everything that was acknowledged where it was.
func (a *acknowledged) check(files vfs.FS) error {
	for range 2 {
		s, err := telemetry.OpenOn(files, "samples")
		if err != nil {
			return err
		}
		names := s.Machines()
		if len(names) < len(a.numbers) || len(names) > len(a.numbers)+atOnce || !slices.Equal(names[:len(a.numbers)], a.numbers) {
			return errors.Join(fmt.Errorf("machines %v, acknowledged %v", names, a.numbers), s.Close())
		}
		got := map[usage.Instant]bool{}
		if len(names) > 0 {
			list, err := s.Polls(0, midnight, midnight+2*usage.Day)
			if err != nil {
				return errors.Join(err, s.Close())
			}
			for _, p := range list {
				got[p.At] = true
			}
		}
		for _, at := range a.polls {
			if !got[at] {
				return errors.Join(fmt.Errorf("the poll at %v of %d is gone", at, len(a.polls)), s.Close())
			}
		}
		if err := s.Close(); err != nil {
			return err
		}
	}
	return nil
}

// SIM_SEED replays one crash, SIM_CRASHES says how many to make.
func campaign(t *testing.T) (seeds []uint64) {
	if text := os.Getenv("SIM_SEED"); text != "" {
		seed, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		return []uint64{seed}
	}
	crashes := uint64(250)
	if text := os.Getenv("SIM_CRASHES"); text != "" {
		crashes, _ = strconv.ParseUint(text, 10, 64)
	}
	for seed := range crashes {
		seeds = append(seeds, seed)
	}
	return seeds
}

// The store crashes at every operation in turn, loses syncs and writes, fills its disk and is killed: no machine ever gets
// another's number, and no poll that was acknowledged is gone.
func TestCrashAtEveryOperationOfTheStore(t *testing.T) {
	clean := disk.New(0)
	if err := feed(clean.FS(), &acknowledged{}); err != nil {
		t.Fatal(err)
	}
	operations, failures := clean.Ops(), 0
	for _, seed := range campaign(t) {
		d := disk.New(seed)
		n := int(seed)%operations + 1
		switch seed / uint64(operations) % 4 {
		case 0, 1:
			d.CrashAt(n)
		case 2:
			d.FailSyncAt(n%40 + 1)
		case 3:
			if n%2 == 0 {
				d.FailWriteAt(n%40 + 1)
			} else {
				d.SetCapacity(int64(n * 20))
			}
		}
		a := &acknowledged{}
		for run := range 3 { // the rest of the story after the first fault, with the next
			err := feed(d.FS(), a)
			if errors.Is(err, errPromise) {
				t.Fatalf("SIM_SEED=%d, run %d: %v", seed, run, err)
			}
			if err != nil {
				failures++
			}
			d.SetCapacity(0)
			if seed%3 == 0 && !errors.Is(err, disk.ErrCrashed) {
				d.Kill()
			} else {
				d.Restart()
			}
			if err := a.check(d.FS()); err != nil {
				t.Fatalf("SIM_SEED=%d, run %d: %v", seed, run, err)
			}
			a.forget(t, d.FS())
			d.Restart()
			if err := a.check(d.FS()); err != nil {
				t.Fatalf("SIM_SEED=%d, after a crash, run %d: %v", seed, run, err)
			}
			d.CrashAt(n/2 + 1)
		}
	}
	if failures == 0 {
		t.Error("nothing ever failed")
	}
}

// forget takes over the one machine that was perhaps numbered without an answer.
func (a *acknowledged) forget(t *testing.T, files vfs.FS) {
	s, err := telemetry.OpenOn(files, "samples")
	if err != nil {
		t.Fatal(err)
	}
	a.numbers = s.Machines()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// The file of lines of earlier stores is taken over, without the line that a crash tore: the two machines after it get
// numbers of their own.
func TestTornMachineNumbersAreNotShifted(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "machines"), []byte("S19-0001\nS19-00"), 0o600); err != nil {
		t.Fatal(err)
	}
	reader, err := telemetry.OpenReader(makeFolders(t, dir))
	if err != nil || !slices.Equal(reader.Machines(), []string{"S19-0001"}) {
		t.Fatalf("a reader sees %v, %v", reader.Machines(), err)
	}
	_ = reader.Close()
	for range 2 {
		s := open(t, dir)
		got, err := s.Numbers([]string{"S19-0002", "S19-0003", "S19-0001"})
		if err != nil || !slices.Equal(got, []uint32{1, 2, 0}) {
			t.Errorf("numbers %v, %v", got, err)
		}
		if want := []string{"S19-0001", "S19-0002", "S19-0003"}; !slices.Equal(s.Machines(), want) {
			t.Errorf("machines %v", s.Machines())
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	// The journal's own end is torn likewise.
	journal := filepath.Join(dir, "machines.journal")
	info, err := os.Stat(journal)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(journal, info.Size()-5); err != nil {
		t.Fatal(err)
	}
	s := open(t, dir)
	defer s.Close()
	if got, err := s.Numbers([]string{"S19-0003", "S19-0004"}); err != nil || !slices.Equal(got, []uint32{1, 2}) || s.Machines()[1] != "S19-0003" {
		t.Errorf("numbers %v of %v, %v", got, s.Machines(), err)
	}
}

func makeFolders(t *testing.T, dir string) string {
	t.Helper()
	for _, name := range []string{"journal", "raw", "rollup"} {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
