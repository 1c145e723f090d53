package index

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"path/filepath"
	"sort"

	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// table is what a list of records is about.
type table int

const (
	// The order is that of the file: every run has its pages of ids before those of wallets.
	ofIDs     table = iota // transactions and tokens: the entry that made them
	ofWallets              // the entries that touch a wallet
	tables
)

// run is an immutable part of the index: sorted records of a range of the log's entries. Those of the
// newest entries are in memory, the others in a file each.
type run struct {
	first, size uint64 // entries first to size−1
	memory      [tables][]record
	file        *runFile // nil when in memory
}

// A run's file is pages of 4,096 bytes: a header; 255 records a page, first of ids, then of wallets; and the
// prefixes that pages begin with, to find a page without reading. Each page ends with its number and a checksum.
const (
	pageBytes      = 4096
	pageContent    = pageBytes - 16
	recordsPerPage = pageContent / recordBytes
	fencesPerPage  = pageContent / 8

	runMagic  = "AQINDEX2"
	runBefore = "AQINDEX1" // of programs that did not note which entries name a key
	runSuffix = ".run"
)

// errRunBefore is of a file that an older program has written: what it lacks is in the log, so it is made again.
var errRunBefore = errors.New("an older program's index")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// runFile is an open file of a run.
type runFile struct {
	path   string
	f      vfs.File
	count  [tables]int      // records
	start  [tables]int      // page where each table begins
	fences [tables][]uint64 // first prefix of each of a table's pages
}

// DamageError says that a file of the index is not what was written. The log has everything: deleting the file, or the
// whole folder, has it indexed again.
type DamageError struct {
	Path   string
	Page   int
	Reason string
}

func (e *DamageError) Error() string {
	return fmt.Sprintf("the index is damaged: page %d of %s: %s; delete the file, and it is made again from the log",
		e.Page, e.Path, e.Reason)
}
func (e *DamageError) ErrorCode() string  { return "index-damaged" }
func (e *DamageError) ErrorField() string { return "" }

// runName sorts as the entries do.
func runName(first, size uint64) string { return fmt.Sprintf("%020d-%020d%s", first, size, runSuffix) }

// pagesOf is how many pages so many records take.
func pagesOf(records int) int { return (records + recordsPerPage - 1) / recordsPerPage }

// readPage reads a page and checks that it is the one that was written there.
func (r *runFile) readPage(number int, page []byte) error {
	if _, err := r.f.ReadAt(page, int64(number)*pageBytes); err != nil {
		return fmt.Errorf("page %d of %s: %w", number, r.path, err)
	}
	if binary.BigEndian.Uint32(page[pageContent:]) != uint32(number) {
		return &DamageError{r.path, number, "another page stands there"}
	}
	if binary.BigEndian.Uint32(page[pageBytes-4:]) != crc32.Checksum(page[:pageBytes-4], castagnoli) {
		return &DamageError{r.path, number, "its checksum does not fit"}
	}
	return nil
}

// openRun opens a run's file and reads where its pages begin.
func openRun(fs vfs.FS, dir, name string, network token.NetworkID) (*run, error) {
	file := &runFile{path: filepath.Join(dir, name)}
	var err error
	if file.f, err = fs.Open(file.path); err != nil {
		return nil, err
	}
	r := &run{file: file}
	if err := file.readHeader(r, network); err != nil {
		_ = file.f.Close()
		return nil, err
	}
	return r, nil
}

// readHeader reads a run's first page and holds what it states against the file's size before anything is reckoned from
// it. An index of another network is no damage: it is a person's slip, who is told what to do.
func (r *runFile) readHeader(into *run, network token.NetworkID) error {
	page := make([]byte, pageBytes)
	if err := r.readPage(0, page); err != nil {
		return err
	}
	switch string(page[:8]) {
	case runMagic:
	case runBefore:
		return errRunBefore
	default:
		return &DamageError{r.path, 0, "no index begins like this"}
	}
	if token.NetworkID(page[8:40]) != network {
		return fmt.Errorf("the index in %s is of another network; delete it to rebuild", filepath.Dir(r.path))
	}
	into.first, into.size = binary.BigEndian.Uint64(page[40:]), binary.BigEndian.Uint64(page[48:])
	at := 1
	for t := range tables {
		count := binary.BigEndian.Uint64(page[56+8*t:])
		// So that the sums of pages below cannot overflow; the file's size then says whether the counts are true.
		if count >= 1<<48 {
			return &DamageError{r.path, 0, fmt.Sprintf("it states %d records", count)}
		}
		r.count[t] = int(count)
		r.start[t] = at
		at += pagesOf(r.count[t])
	}
	size, err := r.f.Size()
	if err != nil {
		return err
	}
	if into.first >= into.size || size != int64(at+(at-1+fencesPerPage-1)/fencesPerPage)*pageBytes {
		return &DamageError{r.path, 0, fmt.Sprintf("its %d bytes are not what its header states", size)}
	}
	fences := make([]uint64, 0, at-1)
	for left := at - 1; left > 0; left -= fencesPerPage {
		if err := r.readPage(at, page); err != nil {
			return err
		}
		for i := range min(left, fencesPerPage) {
			fences = append(fences, binary.BigEndian.Uint64(page[8*i:]))
		}
		at++
	}
	for t := range tables {
		r.fences[t] = fences[:pagesOf(r.count[t])]
		fences = fences[pagesOf(r.count[t]):]
	}
	return nil
}

// cursor reads a run's records of one table by number.
type cursor struct {
	run   *run
	table table
	page  int // number of the page held; 0 for none
	held  []byte
	err   error // the first; records read after it are zero
}

// cursor reads one of the run's tables; each goroutine needs its own.
func (r *run) cursor(t table) *cursor { return &cursor{run: r, table: t} }

// len is how many records there are.
func (c *cursor) len() int {
	if c.run.file == nil {
		return len(c.run.memory[c.table])
	}
	return c.run.file.count[c.table]
}

// at reads a record, and its page where that is not held.
func (c *cursor) at(i int) record {
	file := c.run.file
	if file == nil {
		return c.run.memory[c.table][i]
	}
	if page := file.start[c.table] + i/recordsPerPage; page != c.page && c.err == nil {
		if c.held == nil {
			c.held = make([]byte, pageBytes)
		}
		c.page = page
		c.err = file.readPage(page, c.held)
	}
	if c.err != nil {
		return record{}
	}
	held := c.held[i%recordsPerPage*recordBytes:]
	return record{binary.BigEndian.Uint64(held), binary.BigEndian.Uint64(held[8:])}
}

// before is how many records stand before a place, whether or not a record is there. The fences leave two pages or so
// to search, more only where one prefix fills them.
func (c *cursor) before(place record) int {
	from, to := 0, c.len()
	if file := c.run.file; file != nil {
		// A page whose first prefix is less may hold the place near its end; one whose first prefix is greater cannot.
		fences := file.fences[c.table]
		from = max(0, sort.Search(len(fences),
			func(i int) bool { return fences[i] >= place.prefix })-1) * recordsPerPage
		to = min(to, sort.Search(len(fences), func(i int) bool { return fences[i] > place.prefix })*recordsPerPage)
	}
	return from + sort.Search(to-from, func(i int) bool { return c.at(from+i).compare(place) >= 0 })
}
