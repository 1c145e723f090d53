package telemetry

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"sync"

	"github.com/aqsha/aqsha/farm/usage"
	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// Retention of a store.
const (
	RawDays    = 14
	RollupDays = 366
	// An hour is packed when polls of this much after its end have come: stragglers are still taken.
	grace       = 2 * usage.Minute
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
	packed   usage.Instant
	days     map[usage.Instant]*day
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
	Poll    usage.Poll
}

// Open opens a store to write to, or makes one. One process holds it at a time.
func Open(dir string) (*Store, error) { return OpenOn(vfs.OS, dir) }

// OpenOn opens a store on another file system. Days come before journals, since they tell which journals are leftovers.
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
	s := &Store{files: files, dir: dir, lock: lock, numbers: map[string]uint32{}, days: map[usage.Instant]*day{}}
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

// exists says whether a file can be opened. One that cannot be opened for another reason counts as missing.
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

// OpenReader opens a store to read what is there now, beside a process that may be writing to it. Polls that are
// written after that it does not see.
func OpenReader(dir string) (*Store, error) {
	if !exists(vfs.OS, filepath.Join(dir, machinesFile)) && !exists(vfs.OS, filepath.Join(dir, oldMachinesFile)) {
		return nil, fmt.Errorf("no samples in %s: %w", dir, fs.ErrNotExist)
	}
	s := &Store{files: vfs.OS, dir: dir, reader: true, numbers: map[string]uint32{}, days: map[usage.Instant]*day{}}
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

// path is a file's name in one of the folders of numbers.
func (s *Store) path(folder string, number usage.Instant) string {
	return filepath.Join(s.dir, folder, strconv.FormatInt(int64(number), 10))
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
		from := usage.Instant(number) * usage.Hour
		if from < s.packed && !s.reader {
			if err := s.files.Remove(s.path("journal", from/usage.Hour)); err != nil {
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

// Append stores polls; when it returns without an error they survive a crash. Polls that come too late are left out and
// counted. Those of one machine must come in order of time. On an error none of them may be taken for stored.
func (s *Store) Append(rows []Row) (late int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.writable(); err != nil {
		return 0, err
	}
	batches := map[*hour][]byte{}
	newest := usage.Instant(0)
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
	// One write and sync for each hour's batch. What comes late for an hour that is packed is left out and counted: a
	// group never changes.
	for _, h := range s.hours {
		if len(batches[h]) == 0 {
			continue
		}
		// After a failed write nobody knows what is on the disk: the store takes nothing more until it is opened
		// anew.
		if s.failed = h.journal.Append(batches[h]); s.failed != nil {
			return late, s.failed
		}
	}
	for len(s.hours) > 1 && s.hours[0].from+usage.Hour+grace <= newest {
		if s.failed = s.packOldest(); s.failed != nil {
			return late, s.failed
		}
	}
	return late, nil
}

// hourOf is the open hour of an instant; a later one than all is opened. Hours are opened in order of time only.
func (s *Store) hourOf(at usage.Instant) (*hour, error) {
	from := at.Floor(usage.Hour)
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
	dayFrom := h.from.Floor(usage.Day)
	d := s.days[dayFrom]
	if d == nil {
		var err error
		if d, err = s.openDay(dayFrom, nil); err != nil {
			return err
		}
		// The file's name is durable before anything in it: a crash would else lose a synced group with its file.
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
		blocks = append(blocks, block{machine, len(rows), packRows(rows, &p)})
	}
	encoded := encodeGroup(h.from, blocks)
	if _, err := d.file.WriteAt(encoded, d.size); err != nil {
		return err
	}
	// Group before journal: a crash between the two leaves both, and the journal of an hour that is packed is dropped
	// at the next start.
	if err := d.file.Sync(); err != nil {
		return err
	}
	// Read back as a later start will read it, before the only other copy goes.
	g, next, err := readGroup(d.file, d.size, d.size+int64(len(encoded)))
	if err != nil {
		return err
	}
	d.groups, d.size = append(d.groups, g), next
	s.packed = h.from + usage.Hour
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
