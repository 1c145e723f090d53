package telemetry

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/aqsha/aqsha/farm/usage"
	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// Polls are a machine's polls in [from, to), in order. Only the machine's own blocks are read, an hour each. The store
// is locked meanwhile.
func (s *Store) Polls(machine uint32, from, to usage.Instant) ([]usage.Poll, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []usage.Poll
	// Packed groups first, then open hours: in the order of time, for an hour is packed only when all before it are.
	take := func(rows []row) {
		for i := range rows {
			if at := usage.Instant(rows[i][0]); at >= from && at < to {
				out = append(out, rows[i].poll())
			}
		}
	}
	for at := from.Floor(usage.Day); at < to; at += usage.Day {
		d := s.days[at]
		if d == nil {
			continue
		}
		for _, g := range d.groups {
			e, ok := g.find(machine)
			if !ok || g.from >= to || g.from+usage.Hour <= from {
				continue
			}
			packed, err := readBlock(d.file, d.path, e)
			if err != nil {
				return nil, err
			}
			rows, err := unpackRows(packed, int(e.count))
			if err != nil {
				return nil, fmt.Errorf("%s: machine %d at byte %d: %w", d.path, machine, e.offset, err)
			}
			take(rows)
		}
	}
	for _, h := range s.hours {
		if t := h.open[machine]; t != nil && h.from < to && h.from+usage.Hour > from {
			rows, err := t.rowsOf()
			if err != nil {
				return nil, err
			}
			take(rows)
		}
	}
	return out, nil
}

// Around are a machine's polls in [from, to) with the last before and the first after, as far as reach goes. A
// counter's gain over [from, to) needs these two.
func (s *Store) Around(machine uint32, from, to, reach usage.Instant) ([]usage.Poll, error) {
	polls, err := s.Polls(machine, from, to)
	if err != nil {
		return nil, err
	}
	// Neighbours are mostly in the next hour: look an hour, then a day at a time.
	for end, step := from, usage.Hour; end > from-reach; step = usage.Day {
		begin := max(end-step, from-reach)
		before, err := s.Polls(machine, begin, end)
		if err != nil {
			return nil, err
		}
		if len(before) > 0 {
			polls = append([]usage.Poll{before[len(before)-1]}, polls...)
			break
		}
		end = begin
	}
	for begin, step := to, usage.Hour; begin < to+reach; step = usage.Day {
		end := min(begin+step, to+reach)
		after, err := s.Polls(machine, begin, end)
		if err != nil {
			return nil, err
		}
		if len(after) > 0 {
			return append(polls, after[0]), nil
		}
		begin = end
	}
	return polls, nil
}

// Newest is the instant of the last poll of any machine, 0 when there is none. Where no open hour has a poll it is the
// end of the last packed hour.
func (s *Store) Newest() (newest usage.Instant) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, h := range s.hours {
		for _, t := range h.open {
			newest = max(newest, usage.Instant(t.last[0]))
		}
	}
	if newest == 0 {
		newest = s.packed
	}
	return newest
}

// Days are the days of which polls are there, in order.
func (s *Store) Days() []usage.Instant {
	s.mu.Lock()
	defer s.mu.Unlock()
	var days []usage.Instant
	for at := range s.days {
		days = append(days, at)
	}
	for _, h := range s.hours {
		days = append(days, h.from.Floor(usage.Day))
	}
	slices.Sort(days)
	return slices.Compact(days)
}

// rollupPath is the file of a day's sums.
func (s *Store) rollupPath(day usage.Instant) string {
	return filepath.Join(s.dir, "rollup", strconv.FormatInt(int64(day/usage.Day), 10))
}

// HasRollup says whether a day is summed up.
func (s *Store) HasRollup(day usage.Instant) bool {
	return exists(s.files, s.rollupPath(day))
}

// RollupDays are the days that are summed up, in order.
func (s *Store) RollupDays() ([]usage.Instant, error) {
	numbers, err := s.numbered("rollup")
	days := make([]usage.Instant, 0, len(numbers))
	for _, number := range numbers {
		days = append(days, usage.Instant(number)*usage.Day)
	}
	return days, err
}

// WriteRollup stores a day's cells of each machine, whole or not at all. A day is written once. A machine of which
// cells returns nil is left out. The store is not locked meanwhile: cells may read it.
func (s *Store) WriteRollup(day usage.Instant, cells func(machine uint32) ([]usage.Cell, error)) error {
	if s.HasRollup(day) {
		return fmt.Errorf("day %s is summed up already", day.Time().Format("2006-01-02"))
	}
	var p packer
	var blocks []block
	for machine := range s.Machines() {
		c, err := cells(uint32(machine))
		if err != nil {
			return err
		}
		if c == nil {
			continue
		}
		if len(c) != cellsADay {
			return fmt.Errorf("%d cells, want %d", len(c), cellsADay)
		}
		blocks = append(blocks, block{uint32(machine), len(c), packCells(nil, c, &p)})
	}
	return durable.Replace(s.files, s.rollupPath(day), encodeGroup(day, blocks))
}

// Rollup reads a day's cells by machine. It holds the file open until Close.
type Rollup struct {
	path string
	file vfs.File
	group
}

// OpenRollup opens a day's sums; fs.ErrNotExist when the day has none.
func (s *Store) OpenRollup(day usage.Instant) (*Rollup, error) {
	path := s.rollupPath(day)
	f, err := s.files.Open(path)
	if err != nil {
		return nil, err
	}
	size, err := f.Size()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	g, _, err := readGroup(f, 0, size)
	if err == nil && g.from != day {
		err = errors.New("is of another day")
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), f.Close())
	}
	return &Rollup{path, f, g}, nil
}

// Cells of a machine; nil when the day does not know it. The day's sums do not name it when it was not there that day.
func (r *Rollup) Cells(machine uint32) ([]usage.Cell, error) {
	e, ok := r.find(machine)
	if !ok {
		return nil, nil
	}
	packed, err := readBlock(r.file, r.path, e)
	if err != nil {
		return nil, err
	}
	cells, err := unpackCells(packed, r.from)
	if err != nil {
		return nil, fmt.Errorf("%s: machine %d: %w", r.path, machine, err)
	}
	return cells, nil
}

// Close lets go of the file.
func (r *Rollup) Close() error { return r.file.Close() }

// Retain removes raw days that are summed up and older than 14 days before now, and sums older than a year. A day that
// is not summed up stays, however old it is.
func (s *Store) Retain(now usage.Instant) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	today := now.Floor(usage.Day)
	for at, d := range s.days {
		if at >= today-RawDays*usage.Day || !s.HasRollup(at) {
			continue
		}
		if err := errors.Join(d.file.Close(), s.files.Remove(d.path)); err != nil {
			return err
		}
		delete(s.days, at)
	}
	days, err := s.RollupDays()
	if err != nil {
		return err
	}
	for _, at := range days {
		if at < today-RollupDays*usage.Day {
			if err := s.files.Remove(s.rollupPath(at)); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	return nil
}

// Size is what the store takes on the disk.
type Size struct {
	RawBytes, RawPolls       int64
	RollupBytes, RollupCells int64
}

// Size measures the packed files. Open hours are not counted.
func (s *Store) Size() (size Size, err error) {
	s.mu.Lock()
	for _, d := range s.days {
		size.RawBytes += d.size
		for _, g := range d.groups {
			for _, e := range g.entries {
				size.RawPolls += int64(e.count)
			}
		}
	}
	// Sums of days never change and are read without the lock.
	s.mu.Unlock()
	days, err := s.RollupDays()
	if err != nil {
		return size, err
	}
	for _, at := range days {
		r, err := s.OpenRollup(at)
		if err != nil {
			return size, err
		}
		bytes, err := r.file.Size()
		if err != nil {
			return size, errors.Join(err, r.Close())
		}
		size.RollupBytes += bytes
		for _, e := range r.entries {
			size.RollupCells += int64(e.count)
		}
		if err := r.Close(); err != nil {
			return size, err
		}
	}
	return size, nil
}
