package telemetry

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"

	"github.com/aqsha/aqsha/farm/usage"
)

// readDays reads the directories of raw files and cuts what a crash has torn. From the last group it learns up to when
// hours are packed.
func (s *Store) readDays() error {
	numbers, err := s.numbered("raw")
	if err != nil {
		return err
	}
	hours, err := s.numbered("journal")
	if err != nil {
		return err
	}
	for _, number := range numbers {
		from := usage.Instant(number) * usage.Day
		d, err := s.openDay(from, hours)
		if err != nil {
			return err
		}
		s.days[from] = d
		for _, g := range d.groups {
			s.packed = max(s.packed, g.from+usage.Hour)
		}
	}
	return nil
}

// openDay opens a day's file, or makes it. journals are the hours whose journals are there: a group that is not whole,
// of an hour whose journal is, was being written when a crash came, and is made again from it.
func (s *Store) openDay(from usage.Instant, journals []int64) (*day, error) {
	d := &day{path: s.path("raw", from/usage.Day)}
	var err error
	if s.reader {
		d.file, err = s.files.Open(d.path)
	} else if d.file, err = s.files.OpenReadWrite(d.path); errors.Is(err, fs.ErrNotExist) {
		d.file, err = s.files.Create(d.path)
	}
	if err != nil {
		return nil, err
	}
	if err := s.readGroups(d, from, journals); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", d.path, err), d.file.Close())
	}
	return d, nil
}

// readGroups reads the groups of a day's file one after the other. What follows the last whole one is cut off by a
// writer and passed over by a reader, if it can be what a crash left; otherwise the day is damaged, and the store does
// not open.
func (s *Store) readGroups(d *day, from usage.Instant, journals []int64) error {
	end, err := d.file.Size()
	if err != nil {
		return err
	}
	for {
		g, next, err := readGroup(d.file, d.size, end)
		if err == nil && next == end && journalled(journals, g.from, g.from+usage.Hour) {
			err = s.checkLast(d, g, next)
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err == nil:
			d.groups, d.size = append(d.groups, g), next
			continue
		case !errors.Is(err, errTorn) && !(journalled(journals, d.next(from), from+usage.Day) &&
			beingWritten(d.file, d.size, end, journals)):
			return err
		case s.reader:
			return nil
		}
		if err := d.file.Truncate(d.size); err != nil {
			return err
		}
		return d.file.Sync()
	}
}

// sector is what a disk writes whole or not at all; what of a file's end it did not write reads as zeros.
const sector = 512

// beingWritten says whether a group that is not whole can be what a crash left of one that was being written: its
// header has a hole, or names an hour whose journal is there. Anything else is damage.
func beingWritten(f io.ReaderAt, at, end int64, journals []int64) bool {
	head := make([]byte, min(groupHeader, end-at))
	if _, err := f.ReadAt(head, at); err != nil && !errors.Is(err, io.EOF) {
		return false
	}
	split := min(int(sector-at%sector), len(head))
	for _, part := range [][]byte{head[:split], head[split:]} {
		if len(part) > 0 && len(bytes.Trim(part, "\x00")) == 0 {
			return true
		}
	}
	if len(head) < groupHeader || string(head[:8]) != groupMagic {
		return false
	}
	from := usage.Instant(binary.LittleEndian.Uint64(head[8:]))
	return from >= 0 && journalled(journals, from, from+usage.Hour)
}

// next is the first hour that the day's groups do not have.
func (d *day) next(from usage.Instant) usage.Instant {
	if len(d.groups) == 0 {
		return from
	}
	return d.groups[len(d.groups)-1].from + usage.Hour
}

// journalled says whether the journal of an hour in [from, to) is there. The hours are in order.
func journalled(hours []int64, from, to usage.Instant) bool {
	i, _ := slices.BinarySearch(hours, int64(from/usage.Hour))
	return i < len(hours) && usage.Instant(hours[i])*usage.Hour < to
}

// checkLast reads the last group whole while its hour's journal is there, and has a writer write it again: if the sync
// after it failed it may be in the cache only, and must not be lost once the journal goes.
func (s *Store) checkLast(d *day, g group, next int64) error {
	for _, e := range g.entries {
		if _, err := readBlock(d.file, d.path, e); err != nil {
			return err
		}
	}
	if s.reader {
		return nil
	}
	whole := make([]byte, next-d.size)
	if _, err := d.file.ReadAt(whole, d.size); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if _, err := d.file.WriteAt(whole, d.size); err != nil {
		return err
	}
	return d.file.Sync()
}
