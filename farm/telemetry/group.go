package telemetry

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"

	"github.com/aqsha/aqsha/farm/usage"
)

// A group is the blocks of all machines over a span: magic, version, from, count, payload length,
// checksum of header and directory; the directory; the blocks.
const (
	groupMagic  = "AQSG\x01\x00\x00\x00"
	groupHeader = 8 + 8 + 4 + 8 + 4
	entrySize   = 4 + 2 + 4 + 4
	maxGroup    = 1 << 30
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// entry is a machine's block in a group.
type entry struct {
	machine uint32
	count   uint16 // values in a column
	length  uint32
	sum     uint32
	offset  int64 // in the file; not stored
}

// group is a group's directory; its blocks are read when they are asked for.
type group struct {
	from    usage.Instant
	entries []entry // by machine
}

// block is what goes into a group.
type block struct {
	machine uint32
	count   int
	packed  []byte
}

// find looks a machine up; entries are in the order of machines.
func (g *group) find(machine uint32) (entry, bool) {
	i, ok := slices.BinarySearchFunc(g.entries, machine,
		func(e entry, m uint32) int { return int(int64(e.machine) - int64(m)) })
	if !ok {
		return entry{}, false
	}
	return g.entries[i], true
}

// encodeGroup makes a group of blocks in the order of machines. Each block has a checksum of its own in the directory,
// so that reading one machine reads no other's.
func encodeGroup(from usage.Instant, blocks []block) []byte {
	payload := 0
	for _, b := range blocks {
		payload += len(b.packed)
	}
	out := make([]byte, 0, groupHeader+len(blocks)*entrySize+payload)
	out = append(out, groupMagic...)
	out = binary.LittleEndian.AppendUint64(out, uint64(from))
	out = binary.LittleEndian.AppendUint32(out, uint32(len(blocks)))
	out = binary.LittleEndian.AppendUint64(out, uint64(payload))
	out = append(out, 0, 0, 0, 0)
	for _, b := range blocks {
		out = binary.LittleEndian.AppendUint32(out, b.machine)
		out = binary.LittleEndian.AppendUint16(out, uint16(b.count))
		out = binary.LittleEndian.AppendUint32(out, uint32(len(b.packed)))
		out = binary.LittleEndian.AppendUint32(out, crc32.Checksum(b.packed, castagnoli))
	}
	binary.LittleEndian.PutUint32(out[groupHeader-4:], crc32.Checksum(out, castagnoli))
	for _, b := range blocks {
		out = append(out, b.packed...)
	}
	return out
}

// errTorn is a group that a crash has cut.
var errTorn = errors.New("group is cut short")

// readGroup reads a group's directory at an offset and returns the offset after the group. io.EOF: there is none;
// errTorn: it ends before it should. Blocks are neither read nor checked here.
func readGroup(f io.ReaderAt, at, size int64) (group, int64, error) {
	if at == size {
		return group{}, at, io.EOF
	}
	head := make([]byte, groupHeader)
	if size-at < groupHeader {
		return group{}, at, errTorn
	}
	if _, err := f.ReadAt(head, at); err != nil {
		return group{}, at, err
	}
	count, payload := binary.LittleEndian.Uint32(head[16:]), binary.LittleEndian.Uint64(head[20:])
	// Bounded before anything is allocated, and before the sum is checked: until then the head is whatever is on the
	// disk.
	if string(head[:8]) != groupMagic || payload > maxGroup || count > maxGroup/entrySize {
		return group{}, at, fmt.Errorf("no group at byte %d", at)
	}
	// A group that a crash cut off is the last of the file: the journal it was made of is still there, and it is
	// written anew over it.
	if size-at-groupHeader < int64(count)*entrySize+int64(payload) {
		return group{}, at, errTorn
	}
	directory := make([]byte, int(count)*entrySize)
	if _, err := f.ReadAt(directory, at+groupHeader); err != nil {
		return group{}, at, err
	}
	sum := binary.LittleEndian.Uint32(head[groupHeader-4:])
	clear(head[groupHeader-4:])
	if crc32.Update(crc32.Checksum(head, castagnoli), castagnoli, directory) != sum {
		return group{}, at, fmt.Errorf("the directory of the group at byte %d is damaged", at)
	}
	g := group{from: usage.Instant(binary.LittleEndian.Uint64(head[8:])), entries: make([]entry, count)}
	offset := at + groupHeader + int64(len(directory))
	for i := range g.entries {
		d := directory[i*entrySize:]
		g.entries[i] = entry{binary.LittleEndian.Uint32(d), binary.LittleEndian.Uint16(d[4:]),
			binary.LittleEndian.Uint32(d[6:]), binary.LittleEndian.Uint32(d[10:]), offset}
		offset += int64(g.entries[i].length)
	}
	if offset != at+groupHeader+int64(len(directory))+int64(payload) {
		return group{}, at, fmt.Errorf("the blocks of the group at byte %d do not add up", at)
	}
	return g, offset, nil
}

// readBlock reads a block and checks it.
func readBlock(f io.ReaderAt, path string, e entry) ([]byte, error) {
	packed := make([]byte, e.length)
	if _, err := f.ReadAt(packed, e.offset); err != nil {
		return nil, err
	}
	if crc32.Checksum(packed, castagnoli) != e.sum {
		return nil, fmt.Errorf("%s: the block of machine %d at byte %d is damaged", path, e.machine, e.offset)
	}
	return packed, nil
}
