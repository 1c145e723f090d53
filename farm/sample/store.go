package sample

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"sync"

	"github.com/aqsha/aqsha/farm/use"
	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// Retention of a store.
const (
	RawDays    = 14
	RollupDays = 366
	// An hour is packed when polls of this much after its end have come: stragglers are still taken.
	grace       = 2 * use.Minute
	maxMachines = 1 << 20
)

// ErrLate is a poll that comes too late: not after the machine's last, or in an hour that is packed.
var ErrLate = errors.New("poll is not later than what is stored")

// Store keeps samples. Its methods may be called from several goroutines.
type Store struct {
	files  vfs.FS
	dir    string
	lock   io.Closer // nil: a reader
	reader bool

	mu       sync.Mutex // guards what follows
	machines *durable.Journal
	names    []string // by number
	numbers  map[string]uint32
	hours    []*hour // open, in order; at most two
	packed   use.Instant
	days     map[use.Instant]*day
	closed   bool
	failed   error // a write failed: nothing more is written
}

// day is a file of raw groups.
type day struct {
	path   string
	file   vfs.File
	size   int64
	groups []group
}

// Row is a machine's poll.
type Row struct {
	Machine uint32
	Poll    use.Poll
}

// Open opens a store to write to, or makes one. One process holds it at a time.
func Open(dir string) (*Store, error) { return OpenOn(vfs.OS, dir) }

// OpenOn opens a store on another file system.
func OpenOn(files vfs.FS, dir string) (*Store, error) {
	for _, sub := range []string{"journal", "raw", "rollup"} {
		if err := files.MkdirAll(filepath.Join(dir, sub)); err != nil {
			return nil, err
		}
	}
	lock, err := files.Lock(dir)
	if err != nil {
		return nil, err
	}
	s := &Store{files: files, dir: dir, lock: lock, numbers: map[string]uint32{}, days: map[use.Instant]*day{}}
	err = s.readNames()
	if err == nil {
		err = s.readDays()
	}
	if err == nil {
		err = s.readJournals()
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// exists says whether a file can be opened.
func exists(files vfs.FS, path string) bool {
	f, err := files.Open(path)
	return err == nil && f.Close() == nil
}

// writable says why nothing may be written; the caller holds mu.
func (s *Store) writable() error {
	if s.closed || s.reader || s.failed != nil {
		return errors.Join(errors.New("the store is not open for writing"), s.failed)
	}
	return nil
}

// OpenReader opens a store to read what is there now, beside a process that may be writing to it.
func OpenReader(dir string) (*Store, error) {
	if !exists(vfs.OS, filepath.Join(dir, machinesFile)) && !exists(vfs.OS, filepath.Join(dir, oldMachinesFile)) {
		return nil, fmt.Errorf("no samples in %s: %w", dir, fs.ErrNotExist)
	}
	s := &Store{files: vfs.OS, dir: dir, reader: true, numbers: map[string]uint32{}, days: map[use.Instant]*day{}}
	// An hour moves from its journal to its day: read in this order it is seen at least once, and
	// what is packed goes before its journal.
	err := errors.Join(s.readNames(), s.readJournals(), s.readDays())
	for len(s.hours) > 0 && s.hours[0].from < s.packed {
		err = errors.Join(err, s.hours[0].journal.Close())
		s.hours = s.hours[1:]
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// numbered lists the files of a folder whose names are numbers, in order.
func (s *Store) numbered(folder string) ([]int64, error) {
	names, err := s.files.List(filepath.Join(s.dir, folder))
	if err != nil {
		return nil, err
	}
	var numbers []int64
	for _, name := range names {
		if number, err := strconv.ParseInt(name, 10, 64); err == nil {
			numbers = append(numbers, number)
		}
	}
	slices.Sort(numbers)
	return numbers, nil
}

func (s *Store) path(folder string, number use.Instant) string {
	return filepath.Join(s.dir, folder, strconv.FormatInt(int64(number), 10))
}

// readDays reads the directories of raw files and cuts what a crash has torn.
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
		from := use.Instant(number) * use.Day
		d, err := s.openDay(from, hours)
		if err != nil {
			return err
		}
		s.days[from] = d
		for _, g := range d.groups {
			s.packed = max(s.packed, g.from+use.Hour)
		}
	}
	return nil
}

// openDay opens a day's file, or makes it. journals are the hours whose journals are there: a group that is not whole, of
// an hour whose journal is, was being written when a crash came, and is made again from it.
func (s *Store) openDay(from use.Instant, journals []int64) (*day, error) {
	d := &day{path: s.path("raw", from/use.Day)}
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

func (s *Store) readGroups(d *day, from use.Instant, journals []int64) error {
	end, err := d.file.Size()
	if err != nil {
		return err
	}
	for {
		g, next, err := readGroup(d.file, d.size, end)
		if err == nil && next == end && journalled(journals, g.from, g.from+use.Hour) {
			err = s.checkLast(d, g, next)
		}
		switch {
		case err == io.EOF:
			return nil
		case err == nil:
			d.groups, d.size = append(d.groups, g), next
			continue
		case err != errTorn && !(journalled(journals, d.next(from), from+use.Day) && beingWritten(d.file, d.size, end, journals)):
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

// beingWritten says whether a group that is not whole can be what a crash left of one that was being written: its header
// has a hole, or names an hour whose journal is there. Anything else is damage.
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
	from := use.Instant(binary.LittleEndian.Uint64(head[8:]))
	return from >= 0 && journalled(journals, from, from+use.Hour)
}

// next is the first hour that the day's groups do not have.
func (d *day) next(from use.Instant) use.Instant {
	if len(d.groups) == 0 {
		return from
	}
	return d.groups[len(d.groups)-1].from + use.Hour
}

// journalled says whether the journal of an hour in [from, to) is there.
func journalled(hours []int64, from, to use.Instant) bool {
	i, _ := slices.BinarySearch(hours, int64(from/use.Hour))
	return i < len(hours) && use.Instant(hours[i])*use.Hour < to
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

// readJournals loads the hours that are not packed; of one that is, the journal is a leftover.
func (s *Store) readJournals() error {
	numbers, err := s.numbered("journal")
	if err != nil {
		return err
	}
	if !s.reader { // a name that is not durable yet must not go after its journal
		if err := s.files.SyncDir(filepath.Join(s.dir, "raw")); err != nil {
			return err
		}
	}
	for _, number := range numbers {
		from := use.Instant(number) * use.Hour
		if from < s.packed && !s.reader {
			if err := s.files.Remove(s.path("journal", from/use.Hour)); err != nil {
				return err
			}
			continue
		}
		h, err := s.openHour(from)
		if s.reader && errors.Is(err, fs.ErrNotExist) {
			continue // packed since
		}
		if err != nil {
			return err
		}
		s.hours = append(s.hours, h)
	}
	return nil
}

// Append stores polls; when it returns without an error they survive a crash. Polls that come too
// late are left out and counted.
func (s *Store) Append(rows []Row) (late int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.writable(); err != nil {
		return 0, err
	}
	batches := map[*hour][]byte{}
	newest := use.Instant(0)
	for _, r := range rows {
		if int(r.Machine) >= len(s.names) {
			return late, fmt.Errorf("machine %d has no identity", r.Machine)
		}
		h, err := s.hourOf(r.Poll.At)
		if err == nil {
			batches[h], err = h.record(batches[h], r.Machine, Quantise(r.Poll))
		}
		if errors.Is(err, ErrLate) {
			late++
			continue
		}
		if err != nil {
			return late, err
		}
		newest = max(newest, r.Poll.At)
	}
	for _, h := range s.hours {
		if len(batches[h]) == 0 {
			continue
		}
		if s.failed = h.journal.Append(batches[h]); s.failed != nil {
			return late, s.failed
		}
	}
	for len(s.hours) > 1 && s.hours[0].from+use.Hour+grace <= newest {
		if s.failed = s.packOldest(); s.failed != nil {
			return late, s.failed
		}
	}
	return late, nil
}

// hourOf is the open hour of an instant; a later one than all is opened.
func (s *Store) hourOf(at use.Instant) (*hour, error) {
	from := at.Floor(use.Hour)
	for _, h := range s.hours {
		if h.from == from {
			return h, nil
		}
	}
	if from < s.packed || at < 0 || (len(s.hours) > 0 && from < s.hours[len(s.hours)-1].from) {
		return nil, ErrLate
	}
	h, err := s.openHour(from)
	if err != nil {
		return nil, err
	}
	s.hours = append(s.hours, h)
	return h, nil
}

// packOldest writes the oldest open hour as a group, then drops its journal.
func (s *Store) packOldest() error {
	h := s.hours[0]
	dayFrom := h.from.Floor(use.Day)
	d := s.days[dayFrom]
	if d == nil {
		var err error
		if d, err = s.openDay(dayFrom, nil); err != nil {
			return err
		}
		if err := s.files.SyncDir(filepath.Join(s.dir, "raw")); err != nil {
			return err
		}
		s.days[dayFrom] = d
	}
	machines := make([]uint32, 0, len(h.open))
	for machine := range h.open {
		machines = append(machines, machine)
	}
	slices.Sort(machines)
	var p packer
	blocks := make([]block, 0, len(machines))
	for _, machine := range machines {
		rows, err := h.open[machine].rowsOf()
		if err != nil {
			return err
		}
		blocks = append(blocks, block{machine, len(rows), packRows(nil, rows, &p)})
	}
	encoded := encodeGroup(h.from, blocks)
	if _, err := d.file.WriteAt(encoded, d.size); err != nil {
		return err
	}
	if err := d.file.Sync(); err != nil {
		return err
	}
	g, next, err := readGroup(d.file, d.size, d.size+int64(len(encoded)))
	if err != nil {
		return err
	}
	d.groups, d.size = append(d.groups, g), next
	s.packed = h.from + use.Hour
	s.hours = s.hours[1:]
	return errors.Join(h.journal.Close(), s.files.Remove(h.journal.Path()))
}

// Close lets go of the files. Open hours stay in their journals.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	var errs []error
	for _, h := range s.hours {
		errs = append(errs, h.journal.Close())
	}
	for _, d := range s.days {
		errs = append(errs, d.file.Close())
	}
	if s.machines != nil {
		errs = append(errs, s.machines.Close())
	}
	if s.lock != nil {
		errs = append(errs, s.lock.Close())
	}
	return errors.Join(errs...)
}
