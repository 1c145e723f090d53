package sample

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/aqsha/aqsha/farm/use"
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
	dir    string
	lock   io.Closer // nil: a reader
	reader bool

	mu      sync.Mutex
	names   []string // by number
	numbers map[string]uint32
	hours   []*hour // open, in order; at most two
	packed  use.Instant
	days    map[use.Instant]*day
	closed  bool
	failed  error // a write failed: nothing more is written
}

// day is a file of raw groups.
type day struct {
	file   *os.File
	size   int64
	groups []group
}

// Row is a machine's poll.
type Row struct {
	Machine uint32
	Poll    use.Poll
}

// Open opens a store to write to, or makes one. One process holds it at a time.
func Open(dir string) (*Store, error) {
	for _, sub := range []string{"journal", "raw", "rollup"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o755); err != nil {
			return nil, err
		}
	}
	lock, err := vfs.OS.Lock(dir)
	if err != nil {
		return nil, err
	}
	s := &Store{dir: dir, lock: lock, numbers: map[string]uint32{}, days: map[use.Instant]*day{}}
	if err := errors.Join(s.readNames(), s.readDays(), s.readJournals()); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// OpenReader opens a store to read what is there now, beside a process that may be writing to it.
func OpenReader(dir string) (*Store, error) {
	if _, err := os.Stat(filepath.Join(dir, "machines")); err != nil {
		return nil, fmt.Errorf("no samples: %w", err)
	}
	s := &Store{dir: dir, reader: true, numbers: map[string]uint32{}, days: map[use.Instant]*day{}}
	// An hour moves from its journal to its day: read in this order it is seen at least once, and
	// what is packed goes before its journal.
	err := errors.Join(s.readNames(), s.readJournals(), s.readDays())
	for len(s.hours) > 0 && s.hours[0].from < s.packed {
		err = errors.Join(err, s.hours[0].file.Close())
		s.hours = s.hours[1:]
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Store) readNames() error {
	mode := os.O_RDONLY | os.O_CREATE
	if s.reader {
		mode = os.O_RDONLY
	}
	f, err := os.OpenFile(filepath.Join(s.dir, "machines"), mode, 0o644)
	if err != nil {
		return err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		s.numbers[lines.Text()] = uint32(len(s.names))
		s.names = append(s.names, lines.Text())
	}
	return lines.Err()
}

// Number is a machine's number; it gets one, durably, when it has none.
func (s *Store) Number(identity string) (uint32, error) {
	numbers, err := s.Numbers([]string{identity})
	if err != nil {
		return 0, err
	}
	return numbers[0], nil
}

// Numbers are the numbers of many machines.
func (s *Store) Numbers(identities []string) ([]uint32, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var added strings.Builder
	out := make([]uint32, len(identities))
	for i, identity := range identities {
		n, ok := s.numbers[identity]
		if !ok {
			if identity == "" || strings.ContainsAny(identity, "\r\n") || len(identity) > 200 || len(s.names) >= maxMachines {
				return nil, fmt.Errorf("identity %q: want 1 to 200 characters in one line, and at most %d machines", identity, maxMachines)
			}
			n = uint32(len(s.names))
			s.numbers[identity] = n
			s.names = append(s.names, identity)
			added.WriteString(identity + "\n")
		}
		out[i] = n
	}
	if added.Len() == 0 {
		return out, nil
	}
	f, err := os.OpenFile(filepath.Join(s.dir, "machines"), os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, err
	}
	_, err = f.WriteString(added.String())
	return out, errors.Join(err, f.Sync(), f.Close())
}

// Machines are the identities in the order of their numbers.
func (s *Store) Machines() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.names)
}

// readDays reads the directories of raw files and cuts what a crash has torn.
func (s *Store) readDays() error {
	files, err := os.ReadDir(filepath.Join(s.dir, "raw"))
	if err != nil {
		return err
	}
	for _, entry := range files {
		number, err := strconv.ParseInt(entry.Name(), 10, 64)
		if err != nil {
			continue
		}
		d, err := openDay(filepath.Join(s.dir, "raw", entry.Name()), s.reader)
		if err != nil {
			return err
		}
		s.days[use.Instant(number)*use.Day] = d
		for _, g := range d.groups {
			s.packed = max(s.packed, g.from+use.Hour)
		}
	}
	return nil
}

func openDay(path string, reader bool) (*day, error) {
	mode := os.O_RDWR | os.O_CREATE
	if reader {
		mode = os.O_RDONLY
	}
	f, err := os.OpenFile(path, mode, 0o644)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	d := &day{file: f}
	for {
		g, next, err := readGroup(f, d.size, info.Size())
		if err == io.EOF || (err == errTorn && reader) {
			return d, nil
		}
		if err == errTorn { // the journal still has it
			return d, f.Truncate(d.size)
		}
		if err != nil {
			return nil, errors.Join(fmt.Errorf("%s: %w", path, err), f.Close())
		}
		d.groups, d.size = append(d.groups, g), next
	}
}

// readJournals loads the hours that are not packed; of one that is, the journal is a leftover.
func (s *Store) readJournals() error {
	files, err := os.ReadDir(filepath.Join(s.dir, "journal"))
	if err != nil {
		return err
	}
	var open []use.Instant
	for _, entry := range files {
		number, err := strconv.ParseInt(entry.Name(), 10, 64)
		if err != nil {
			continue
		}
		if from := use.Instant(number) * use.Hour; from < s.packed && !s.reader {
			if err := os.Remove(filepath.Join(s.dir, "journal", entry.Name())); err != nil {
				return err
			}
		} else {
			open = append(open, from)
		}
	}
	slices.Sort(open)
	for _, from := range open {
		h, err := openHour(filepath.Join(s.dir, "journal"), from, s.reader)
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
	if s.closed || s.reader || s.failed != nil {
		return 0, errors.Join(errors.New("the store is not open for writing"), s.failed)
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
		if s.failed = h.write(batches[h]); s.failed != nil {
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
	h, err := openHour(filepath.Join(s.dir, "journal"), from, false)
	if err != nil {
		return nil, err
	}
	if err := syncDir(filepath.Join(s.dir, "journal")); err != nil {
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
		if d, err = openDay(filepath.Join(s.dir, "raw", strconv.FormatInt(int64(dayFrom/use.Day), 10)), false); err != nil {
			return err
		}
		if err := syncDir(filepath.Join(s.dir, "raw")); err != nil {
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
	return errors.Join(h.file.Close(), os.Remove(h.file.Name()))
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
		errs = append(errs, h.file.Close())
	}
	for _, d := range s.days {
		errs = append(errs, d.file.Close())
	}
	if s.lock != nil {
		errs = append(errs, s.lock.Close())
	}
	return errors.Join(errs...)
}

// syncDir makes the names in a directory durable.
func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
