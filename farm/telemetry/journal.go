package telemetry

import (
	"encoding/binary"
	"errors"

	"github.com/aqsha/aqsha/farm/usage"
	"github.com/aqsha/aqsha/internal/durable"
)

// hour is an hour that is not packed yet: its journal, and what the journal holds by machine. The two hold the same
// polls once Append has returned without an error.
type hour struct {
	from    usage.Instant
	journal *durable.Journal
	open    map[uint32]*tail
}

// tail is a machine's polls of an open hour, as rows of differences. Packed as differences, since an hour of a large
// farm is held in memory whole.
type tail struct {
	rows  []byte
	count int
	last  row
}

// maxRecord bounds a batch, in bytes.
const maxRecord = 64 << 20

// openHour opens the journal of an hour, or begins it.
func (s *Store) openHour(from usage.Instant) (*hour, error) {
	h := &hour{from: from, open: map[uint32]*tail{}}
	var err error
	h.journal, err = durable.OpenJournal(s.files, s.path("journal", from/usage.Hour),
		durable.Options{Max: maxRecord, Reader: s.reader, Locked: true}, h.load)
	return h, err
}

// load takes one record of the journal: polls in the order in which they were appended, each with its machine.
func (h *hour) load(body []byte) error {
	for len(body) > 0 {
		machine, n := binary.Uvarint(body)
		if n <= 0 || machine > maxMachines {
			return errBlock
		}
		t := h.tail(uint32(machine))
		r, rest, err := takeRow(body[n:], &t.last)
		if err != nil {
			return err
		}
		t.rows = append(t.rows, body[n:len(body)-len(rest)]...)
		t.last, body = r, rest
		t.count++
	}
	return nil
}

// tail is a machine's polls of the hour, empty for one that had none.
func (h *hour) tail(machine uint32) *tail {
	t := h.open[machine]
	if t == nil {
		t = &tail{}
		h.open[machine] = t
	}
	return t
}

// record appends a poll to the batch that is being written, and to the machine's tail. It changes the tail before the
// batch is on the disk: what is recorded must be written, or the next poll's difference is from one that the journal
// has not.
func (h *hour) record(batch []byte, machine uint32, p usage.Poll) ([]byte, error) {
	t := h.tail(machine)
	if t.count > 0 && int64(p.At) <= t.last[0] {
		return batch, ErrLate
	}
	if t.count == maxColumn {
		return batch, errors.New("more than 4,096 polls of a machine in an hour")
	}
	r := rowOf(p)
	begin := len(t.rows)
	t.rows = appendRow(t.rows, &r, &t.last)
	t.last = r
	t.count++
	batch = binary.AppendUvarint(batch, uint64(machine))
	return append(batch, t.rows[begin:]...), nil
}

// rowsOf are the tail's polls, unpacked.
func (t *tail) rowsOf() ([]row, error) {
	rows := make([]row, 0, t.count)
	var before row
	for in := t.rows; len(in) > 0; {
		r, rest, err := takeRow(in, &before)
		if err != nil {
			return nil, err
		}
		rows = append(rows, r)
		before, in = r, rest
	}
	return rows, nil
}
