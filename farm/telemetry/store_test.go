package telemetry_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/farm/telemetry"
	"github.com/aqsha/aqsha/farm/usage"
)

const midnight = usage.Instant(20_500) * usage.Day

func open(t *testing.T, dir string) *telemetry.Store {
	t.Helper()
	s, err := telemetry.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func poll(at usage.Instant) usage.Poll {
	return telemetry.Quantise(usage.Poll{At: at, Elapsed: int64(at-midnight) / 10, RateMHs: 95e6, NameplateMHs: 95e6, TotalMH: int64(at-midnight) * 95e5, CapPermille: 1000, PoolAlive: true})
}

// fill stores polls of two machines every half minute and returns those of the first.
func fill(t *testing.T, s *telemetry.Store, from, to usage.Instant) (first []usage.Poll) {
	t.Helper()
	numbers, err := s.Numbers([]string{"a", "b"})
	if err != nil {
		t.Fatal(err)
	}
	for at := from; at < to; at += 30 * usage.Second {
		rows := []telemetry.Row{{Machine: numbers[0], Poll: poll(at)}, {Machine: numbers[1], Poll: poll(at + 3)}}
		if late, err := s.Append(rows); late != 0 || err != nil {
			t.Fatal(late, err)
		}
		first = append(first, poll(at))
	}
	return first
}

func polls(t *testing.T, s *telemetry.Store, from, to usage.Instant) []usage.Poll {
	t.Helper()
	n, err := s.Number("a")
	if err != nil {
		t.Fatal(err)
	}
	got, err := s.Polls(n, from, to)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestPollsSurviveClosing(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	want := fill(t, s, midnight+22*usage.Hour, midnight+26*usage.Hour+5*usage.Minute)
	check := func(s *telemetry.Store) {
		t.Helper()
		if got := polls(t, s, midnight, midnight+2*usage.Day); !slices.Equal(got, want) {
			t.Fatalf("%d polls, want %d", len(got), len(want))
		}
		if got := polls(t, s, midnight+23*usage.Hour, midnight+25*usage.Hour); !slices.Equal(got, want[120:360]) {
			t.Fatalf("%d polls of two hours, want 240", len(got))
		}
	}
	check(s)
	reader, err := telemetry.OpenReader(dir)
	if err != nil {
		t.Fatal(err)
	}
	check(reader)
	if _, err := reader.Append(nil); err == nil {
		t.Error("a reader writes")
	}
	if err := reader.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := telemetry.Open(dir); err == nil {
		t.Error("two writers")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir)
	check(s)
	if got := s.Days(); !slices.Equal(got, []usage.Instant{midnight, midnight + usage.Day}) {
		t.Errorf("days %v", got)
	}
	want = append(want, fill(t, s, midnight+26*usage.Hour+5*usage.Minute, midnight+27*usage.Hour+5*usage.Minute)...)
	check(s)
}

func TestAround(t *testing.T) {
	s := open(t, t.TempDir())
	fill(t, s, midnight, midnight+10*usage.Minute)
	want := fill(t, s, midnight+30*usage.Hour, midnight+30*usage.Hour+5*usage.Minute)
	fill(t, s, midnight+60*usage.Hour, midnight+61*usage.Hour)
	n, err := s.Number("a")
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		reach usage.Instant
		polls int
		first usage.Instant
	}{{2 * usage.Day, 12, midnight + 570*usage.Second}, {usage.Hour, 10, want[0].At}, {30 * usage.Hour, 12, midnight + 570*usage.Second}} {
		got, err := s.Around(n, midnight+30*usage.Hour, midnight+31*usage.Hour, tc.reach)
		if err != nil || len(got) != tc.polls || got[0].At != tc.first {
			t.Errorf("reach %d: %d polls from %v, %v", tc.reach/usage.Hour, len(got), got[0].At-midnight, err)
		}
	}
}

func TestLatePollsAreLeftOut(t *testing.T) {
	s := open(t, t.TempDir())
	fill(t, s, midnight, midnight+90*usage.Minute)
	n, err := s.Number("a")
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []usage.Instant{midnight, midnight + 30*usage.Minute, midnight + 89*usage.Minute, -1} {
		if late, err := s.Append([]telemetry.Row{{Machine: n, Poll: poll(at)}}); late != 1 || err != nil {
			t.Errorf("%v: %d late, %v", at, late, err)
		}
	}
	// Within the grace an hour takes stragglers of machines that have nothing later.
	c, err := s.Number("c")
	if err != nil {
		t.Fatal(err)
	}
	s2 := open(t, t.TempDir())
	fill(t, s2, midnight, midnight+61*usage.Minute)
	if _, err := s2.Number("c"); err != nil {
		t.Fatal(err)
	}
	if late, err := s2.Append([]telemetry.Row{{Machine: c, Poll: poll(midnight + 59*usage.Minute)}}); late != 0 || err != nil {
		t.Errorf("a straggler within the grace: %d late, %v", late, err)
	}
	if _, err := s.Append([]telemetry.Row{{Machine: 99, Poll: poll(midnight)}}); err == nil {
		t.Error("a machine without identity")
	}
}

// A crash may tear the journal or the group that is being written anywhere: what was acknowledged before is there.
func TestTornEnds(t *testing.T) {
	base := t.TempDir()
	s := open(t, base)
	want := fill(t, s, midnight, midnight+65*usage.Minute)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	day, journal := filepath.Join("raw", "20500"), filepath.Join("journal", "492001")
	for _, name := range []string{day, journal} {
		info, err := os.Stat(filepath.Join(base, name))
		if err != nil {
			t.Fatal(err)
		}
		for _, cut := range []int64{1, 7, info.Size() / 2, info.Size() - 1} {
			dir := t.TempDir()
			if err := os.CopyFS(dir, os.DirFS(base)); err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(dir, name)
			if err := os.Truncate(file, info.Size()-cut); err != nil {
				t.Fatal(err)
			}
			s, err := telemetry.Open(dir)
			if err != nil {
				t.Fatalf("%s cut by %d: %v", name, cut, err)
			}
			got := polls(t, s, midnight, midnight+usage.Day)
			// A torn group comes with its journal in life; here the journal is gone, so only the other hour is left.
			if name == day && !slices.Equal(got, want[120:]) {
				t.Errorf("%s cut by %d: %d polls", name, cut, len(got))
			}
			if name == journal && (len(got) < 120 || !slices.Equal(got, want[:len(got)])) {
				t.Errorf("%s cut by %d: %d polls", name, cut, len(got))
			}
			_ = s.Close()
		}
	}
}

// A crash after an hour was packed and before its journal was dropped: the journal is a leftover.
func TestPackedHourWithItsJournal(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	want := fill(t, s, midnight, midnight+usage.Hour)
	journal := filepath.Join(dir, "journal", "492000")
	content, err := os.ReadFile(journal)
	if err != nil {
		t.Fatal(err)
	}
	want = append(want, fill(t, s, midnight+usage.Hour, midnight+65*usage.Minute)...)
	_ = s.Close()
	if err := os.WriteFile(journal, content, 0o644); err != nil {
		t.Fatal(err)
	}
	reader, err := telemetry.OpenReader(dir)
	if err != nil {
		t.Fatal(err)
	}
	if got := polls(t, reader, midnight, midnight+usage.Day); !slices.Equal(got, want) {
		t.Errorf("a reader sees %d polls, want %d", len(got), len(want))
	}
	_ = reader.Close()
	if got := polls(t, open(t, dir), midnight, midnight+usage.Day); !slices.Equal(got, want) {
		t.Errorf("%d polls, want %d", len(got), len(want))
	}
	if _, err := os.Stat(journal); err == nil {
		t.Error("the leftover is still there")
	}
}

func TestDamageIsNamed(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	fill(t, s, midnight, midnight+3*usage.Hour)
	_ = s.Close()
	file := filepath.Join(dir, "raw", "20500")
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []int{0, 20, 40, len(content) / 2, len(content) - 1} {
		damaged := slices.Clone(content)
		damaged[at] ^= 0x10
		if err := os.WriteFile(file, damaged, 0o644); err != nil {
			t.Fatal(err)
		}
		s, err := telemetry.Open(dir)
		if err == nil {
			for n := range s.Machines() {
				if _, err2 := s.Polls(uint32(n), midnight, midnight+usage.Day); err2 != nil {
					err = err2
				}
			}
			_ = s.Close()
		}
		if err == nil {
			t.Errorf("a flipped bit at %d is not seen", at)
		}
	}
}

func TestRollups(t *testing.T) {
	s := open(t, t.TempDir())
	fill(t, s, midnight, midnight+usage.Hour)
	if _, err := s.OpenRollup(midnight); !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	cells := usage.NewCells(midnight, midnight+usage.Day, usage.Grid).Cells
	cells[3].Work[usage.Accepted] = farm.Hashes(28_500_000_000_000_000)
	write := func() error {
		return s.WriteRollup(midnight, func(machine uint32) ([]usage.Cell, error) {
			if machine == 1 {
				return nil, nil
			}
			return cells, nil
		})
	}
	if err := write(); err != nil {
		t.Fatal(err)
	}
	if err := write(); err == nil {
		t.Error("a day is summed up twice")
	}
	r, err := s.OpenRollup(midnight)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if got, err := r.Cells(0); err != nil || !slices.Equal(got, cells) {
		t.Errorf("%v", err)
	}
	if got, err := r.Cells(1); err != nil || got != nil {
		t.Errorf("a machine that was not there: %v, %v", got, err)
	}
}

func TestRetention(t *testing.T) {
	s := open(t, t.TempDir())
	for day := range usage.Instant(3) {
		fill(t, s, midnight+day*usage.Day, midnight+day*usage.Day+30*usage.Minute)
	}
	empty := func(uint32) ([]usage.Cell, error) { return nil, nil }
	if err := s.WriteRollup(midnight, empty); err != nil {
		t.Fatal(err)
	}
	if err := s.Retain(midnight + 40*usage.Day); err != nil {
		t.Fatal(err)
	}
	// Only what is summed up goes.
	if got := s.Days(); !slices.Equal(got, []usage.Instant{midnight + usage.Day, midnight + 2*usage.Day}) {
		t.Errorf("days left: %v", got)
	}
	if !s.HasRollup(midnight) {
		t.Error("the sums went too")
	}
	if err := s.Retain(midnight + 400*usage.Day); err != nil || s.HasRollup(midnight) {
		t.Errorf("sums older than a year are kept, %v", err)
	}
}

// An error amid rows stores none of them: what is read after a restart is what was read before it, and what was
// acknowledged.
func TestErrorAmidRowsStoresNone(t *testing.T) {
	full := make([]telemetry.Row, 0, 4097)
	for i := range 4097 {
		full = append(full, telemetry.Row{Poll: poll(midnight + 20*usage.Minute + usage.Instant(i))})
	}
	for name, refused := range map[string][]telemetry.Row{
		"no identity": {{Poll: poll(midnight + 11*usage.Minute)}, {Poll: poll(midnight + 12*usage.Minute)}, {Machine: 7, Poll: poll(midnight)}},
		"new machine": {{Machine: 1, Poll: poll(midnight + 11*usage.Minute)}, {Machine: 7, Poll: poll(midnight)}},
		"new hours":   {{Poll: poll(midnight + 61*usage.Minute)}, {Poll: poll(midnight + 181*usage.Minute)}, {Machine: 7, Poll: poll(midnight)}},
		"full hour":   full,
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s := open(t, dir)
			if _, err := s.Numbers([]string{"a", "b"}); err != nil {
				t.Fatal(err)
			}
			var want []usage.Poll
			for _, at := range []usage.Instant{midnight + 10*usage.Minute, midnight + 30*usage.Minute, midnight + 70*usage.Minute, midnight + 130*usage.Minute} {
				if late, err := s.Append([]telemetry.Row{{Poll: poll(at)}}); late != 0 || err != nil {
					t.Fatal(late, err)
				}
				want = append(want, poll(at))
				if at > midnight+10*usage.Minute {
					continue
				}
				if _, err := s.Append(refused); err == nil {
					t.Fatal("stored")
				}
				if got := polls(t, s, midnight, midnight+usage.Day); !slices.Equal(got, want) {
					t.Fatalf("after the error %d polls are read, %d are stored", len(got), len(want))
				}
			}
			for range 2 { // what is packed, what is open, and both after a restart
				if got := polls(t, s, midnight, midnight+usage.Day); !slices.Equal(got, want) {
					t.Fatalf("%v\nare read of\n%v", got, want)
				}
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
				s = open(t, dir)
			}
		})
	}
}
