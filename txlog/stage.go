package txlog

import (
	"encoding/binary"
	"hash/crc32"
)

// Batch is a list of entries that becomes durable together: a block. Stage makes
// it, Commit stores it. Its methods may be called from any goroutine.
type Batch struct {
	header recordHeader
	record []byte // header space and body; given back by Commit
	hashes levels
	log    *Log
}

// Height is the batch's number, from 0.
func (b *Batch) Height() uint64 { return b.header.height }

// FirstIndex is the index of the batch's first entry.
func (b *Batch) FirstIndex() uint64 { return b.header.firstIndex }

// Len is the number of entries.
func (b *Batch) Len() int { return int(b.header.count) }

// Size is the size of the log once the batch is durable.
func (b *Batch) Size() uint64 { return b.header.firstIndex + uint64(b.header.count) }

// Bytes is what the batch takes in a segment, its framing included; zero once it is committed.
func (b *Batch) Bytes() int { return len(b.record) }

// Root is the root of the log at Size.
func (b *Batch) Root() Hash { return b.header.root }

// Stage gives the entries the next indices and computes their hashes and the root after them, without touching the
// disk. The entries are copied. Batches must be committed in the order in which they were staged; one that is not
// committed blocks all later ones until the log is opened anew. An *InputError leaves the log as it was. It takes one
// hash of each entry, and of each node that is complete.
func (l *Log) Stage(entries [][]byte) (*Batch, error) {
	body := 0
	for i, entry := range entries {
		if len(entry) == 0 || len(entry) > MaxEntryBytes {
			return nil, refuse("entry-size", fieldOfEntry(i), "has %d bytes, must have 1 to %d", len(entry),
				MaxEntryBytes)
		}
		body += lengthBytes + len(entry)
	}
	if len(entries) == 0 {
		return nil, refuse("batch-empty", "entries", "a batch needs at least one")
	}
	if body > MaxBatchBytes {
		return nil, refuse("batch-size", "entries", "take %d bytes, at most %d fit a batch", body, MaxBatchBytes)
	}
	// Everything is checked above: from here on nothing can be refused, as the tree's edge is moved on entry by entry.
	l.stageMu.Lock()
	defer l.stageMu.Unlock()
	b := &Batch{log: l, record: l.buffers.take(recordHeaderBytes + body)}
	b.hashes[0] = l.buffers.takeHashes(len(entries))
	b.header = recordHeader{
		height:     l.stagedHeight,
		firstIndex: l.staged.size,
		count:      uint32(len(entries)),
		bodyBytes:  uint32(body),
	}
	at := recordHeaderBytes
	for _, entry := range entries {
		binary.BigEndian.PutUint16(b.record[at:], uint16(len(entry)))
		at += lengthBytes
		copy(b.record[at:], entry)
		l.staged.push(leafHashAt(b.record, at, at+len(entry)), &b.hashes)
		at += len(entry)
	}
	b.header.root = l.staged.root()
	b.header.bodySum = crc32.Checksum(b.record[recordHeaderBytes:], castagnoli)
	l.stagedHeight++
	return b, nil
}
