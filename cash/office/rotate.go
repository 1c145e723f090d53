package office

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fxamacker/cbor/v2"

	"github.com/aqsha/aqsha/cash"
	"github.com/aqsha/aqsha/internal/durable"
)

// The journal is a row of files, journal-NUMBER-SECONDS, begun at that time. The file "books" has the state before
// the first record of one of them. Files whose successor is older than the retry window are removed: then nobody
// knows any more which notes came in one request.
const (
	booksName     = "books"
	journalPrefix = "journal-"
	maxBooks      = 8 << 30
)

// stored is the file of the books.
type stored struct {
	Journal  uint64         `cbor:"1,keyasint"` // the first file to be applied
	Keysets  int            `cbor:"2,keyasint"` // that blocks have announced
	Snapshot *cash.Snapshot `cbor:"3,keyasint"`
	Returned returns        `cbor:"4,keyasint,omitempty"`
}

// booksMode reads the books.
var booksMode, _ = cbor.DecOptions{DupMapKey: cbor.DupMapKeyEnforcedAPF, MaxArrayElements: 1 << 27, MaxMapPairs: 64,
	MaxNestedLevels: 12,
	IndefLength:     cbor.IndefLengthForbidden}.DecMode()

// journalFile is one file of the row.
type journalFile struct {
	name   string
	number uint64
	begun  uint64 // Unix seconds
}

// journalName is a file's name; its number has no bound, the zeros are for people.
func journalName(number, begun uint64) string {
	return fmt.Sprintf("%s%06d-%d", journalPrefix, number, begun)
}

// journals are the files of the row, in order.
func (o *Office) journals() (list []journalFile, err error) {
	entries, err := o.files.List(o.config.Dir)
	if err != nil {
		return nil, err
	}
	for _, name := range entries {
		rest, is := strings.CutPrefix(name, journalPrefix)
		number, begun, two := strings.Cut(rest, "-")
		if !is || !two {
			continue
		}
		f := journalFile{name: name}
		var err1, err2 error
		f.number, err1 = strconv.ParseUint(number, 10, 64)
		f.begun, err2 = strconv.ParseUint(begun, 10, 64)
		if err := errors.Join(err1, err2); err != nil {
			continue // a lock, or somebody else's file
		}
		list = append(list, f)
	}
	slices.SortFunc(list, func(a, b journalFile) int { return compare(a.number, b.number) })
	return list, nil
}

// compare orders numbers.
func compare(a, b uint64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// openRecords loads the books and applies the journal, whose last file stays open. Files before the one that the books
// name are read for the requests in them alone. A file that is missing in the row is an error: what it had is in
// nothing else.
func (o *Office) openRecords() error {
	first := stored{}
	raw, err := durable.Read(o.files, filepath.Join(o.config.Dir, booksName), maxBooks)
	if err == nil {
		if err = booksMode.Unmarshal(raw, &first); err == nil && first.Snapshot != nil {
			err = o.books.Load(first.Snapshot)
		}
	} else if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	if err != nil {
		return fmt.Errorf("%s: %w", booksName, err)
	}
	if o.booked < o.books.Blocks {
		return fmt.Errorf("the public log has %d blocks and the books %d: put back the whole folder, or none of it",
			o.booked, o.books.Blocks)
	}
	o.shown, o.returned = first.Keysets, first.Returned
	list, err := o.journals()
	if err != nil {
		return err
	}
	if len(list) == 0 || list[len(list)-1].number < first.Journal {
		list = append(list, journalFile{journalName(first.Journal, o.now()), first.Journal, o.now()})
	}
	for i, f := range list {
		if f.number > first.Journal && (i == 0 || f.number != list[i-1].number+1) {
			return fmt.Errorf("the journal's file before %s is missing", f.name)
		}
		// begun with the office, or when a block was closed: the next is due an interval later
		if f.number == first.Journal {
			o.closedAt = f.begun
		}
		each := o.replay
		if f.number < first.Journal { // in the books already: only that its requests were executed
			each = func(e *cash.Event) error { o.remember(e); return nil }
		}
		journal, err := o.openJournal(f.name, each)
		if err != nil {
			return err
		}
		if journal.Cut() > 0 {
			o.config.Logger.Warn("the journal's torn end was cut: nobody was answered for it", "file", f.name, "bytes",
				journal.Cut())
		}
		if i < len(list)-1 {
			if err := journal.Close(); err != nil {
				return err
			}
			continue
		}
		o.writer, o.file = newWriter(journal), f
	}
	return nil
}

// openJournal opens a file of the journal, or begins it, and hands its events over.
func (o *Office) openJournal(name string, each func(e *cash.Event) error) (*durable.Journal, error) {
	return durable.OpenJournal(o.files, filepath.Join(o.config.Dir, name),
		durable.Options{Header: journalHeader, Max: maxRecord},
		func(body []byte) error { return readEvents(body, each) })
}

// rotation is a new journal's file and what stood in the books when it began.
type rotation struct {
	file  journalFile
	books stored
}

// due says whether the journal's file is to be followed by another.
func (o *Office) due() bool { return o.now() >= o.file.begun+uint64(o.config.Retry/time.Second)/4 }

// rotate begins the next file of the journal. It is called with the lock held, right after a block was closed, so that
// the files from the new one on have all that is not in a block. What it returns is stored once that block is in the
// log. Requests wait meanwhile for the last record of the file before.
func (o *Office) rotate() (*rotation, error) {
	now := o.now()
	next := journalFile{journalName(o.file.number+1, now), o.file.number + 1, now}
	journal, err := o.openJournal(next.name, func(*cash.Event) error {
		return fmt.Errorf("%s is there already", next.name)
	})
	if err != nil {
		return nil, err
	}
	if err := o.writer.follow(journal); err != nil {
		return nil, errors.Join(err, journal.Close())
	}
	o.file = next
	forget := now - min(now, uint64(o.config.Retry/time.Second))
	return &rotation{next, stored{Journal: next.number, Keysets: len(o.books.Keys),
		Snapshot: o.books.Snapshot(forget), Returned: slices.Clone(o.returned)}}, nil
}

// store makes a rotation's books durable, and removes files that are older than the retry window. A crash before the
// books are durable leaves those before them, and all files that these need.
func (o *Office) store(r *rotation) error {
	r.books.Snapshot.Sort()
	raw, err := cbor.Marshal(&r.books)
	if err != nil {
		return err
	}
	if err := durable.Replace(o.files, filepath.Join(o.config.Dir, booksName), raw); err != nil {
		return err
	}
	list, err := o.journals()
	if err != nil {
		return err
	}
	for i := range list {
		if i+1 < len(list) && list[i+1].number <= r.file.number &&
			list[i+1].begun+uint64(o.config.Retry/time.Second) < o.now() {
			if err := durable.Remove(o.files, filepath.Join(o.config.Dir, list[i].name)); err != nil {
				return err
			}
		}
	}
	return nil
}
