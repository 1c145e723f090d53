package sample

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"strconv"

	"github.com/aqsha/aqsha/farm/use"
)

// hour is an hour that is not packed yet: its journal, and what the journal holds by machine.
type hour struct {
	from use.Instant
	file *os.File
	open map[uint32]*tail
}

// tail is a machine's polls of an open hour, as rows of differences.
type tail struct {
	rows  []byte
	count int
	last  row
}

const (
	journalHeader = 8
	maxRecord     = 64 << 20
)

func openHour(dir string, from use.Instant, reader bool) (*hour, error) {
	mode := os.O_RDWR | os.O_CREATE
	if reader {
		mode = os.O_RDONLY
	}
	f, err := os.OpenFile(filepath.Join(dir, strconv.FormatInt(int64(from/use.Hour), 10)), mode, 0o644)
	if err != nil {
		return nil, err
	}
	h := &hour{from, f, map[uint32]*tail{}}
	if err := h.replay(reader); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("%s: %w", f.Name(), err)
	}
	return h, nil
}

// replay reads the records that are whole; a writer cuts what follows them.
func (h *hour) replay(reader bool) error {
	content, err := io.ReadAll(h.file)
	if err != nil {
		return err
	}
	good := 0
	for len(content)-good >= journalHeader {
		length, sum := binary.LittleEndian.Uint32(content[good:]), binary.LittleEndian.Uint32(content[good+4:])
		if length > maxRecord || len(content)-good-journalHeader < int(length) {
			break
		}
		body := content[good+journalHeader:][:length]
		if crc32.Checksum(body, castagnoli) != sum {
			break
		}
		if err := h.load(body); err != nil {
			return err
		}
		good += journalHeader + int(length)
	}
	if reader {
		return nil
	}
	if err := h.file.Truncate(int64(good)); err != nil {
		return err
	}
	_, err = h.file.Seek(int64(good), io.SeekStart)
	return err
}

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

func (h *hour) tail(machine uint32) *tail {
	t := h.open[machine]
	if t == nil {
		t = &tail{}
		h.open[machine] = t
	}
	return t
}

// record appends a poll to the batch that is being written, and to the machine's tail.
func (h *hour) record(batch []byte, machine uint32, p use.Poll) ([]byte, error) {
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

// write makes a batch durable.
func (h *hour) write(batch []byte) error {
	record := binary.LittleEndian.AppendUint32(make([]byte, 0, journalHeader+len(batch)), uint32(len(batch)))
	record = binary.LittleEndian.AppendUint32(record, crc32.Checksum(batch, castagnoli))
	if _, err := h.file.Write(append(record, batch...)); err != nil {
		return err
	}
	return h.file.Sync()
}

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
