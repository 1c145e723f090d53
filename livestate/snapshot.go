package livestate

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"sync"

	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog"
)

// A snapshot is a canonical stream: the same state gives the same bytes on every machine.
// It is a magic, then records of CBOR, each after its length (4 bytes, big-endian): the header,
// the authority, intermediaries, agencies, purposes, definitions, wallets that were closed, contracts,
// and wallets, each kind in id order; among the wallets, as soon as pageTokens tokens of those before are
// outstanding, a page of them, in the order of their wallets and then of their ids; and a trailer with the number of
// records before it and the RFC 6962 root over them.

const snapshotMagic = "AQSNAP3\n"

// maxRecord bounds a record's bytes; the authority's is the largest. It also bounds what a damaged length has a reader
// wait for.
const maxRecord = 1 << 20

// Record types, the first item of each record.
const (
	recordHeader       = 0
	recordAuthority    = 1
	recordIntermediary = 2
	recordAgency       = 3
	recordPurpose      = 4
	recordDefinition   = 5
	recordClosed       = 6
	recordContract     = 7
	recordWallet       = 8
	recordPage         = 9
	recordTrailer      = 10
	recordPurseBook    = 11 // these three stand behind the wallets
	recordPurse        = 12
	recordPurseLink    = 13 // of the purse before it
)

// Position says after which block a snapshot was taken. The genesis alone has no snapshot: there is nothing to save.
type Position struct {
	Network token.NetworkID
	Leaf    ledger.Leaf // of the last block, but never the genesis itself
	LogSize uint64      // entries up to and with that block
	LogRoot txlog.Hash  // at that size
}

// snapshotWriter frames records and hashes them. err is the first failure; after it records are hashed and not written,
// so that only the end has to ask.
type snapshotWriter struct {
	out   *bufio.Writer
	tree  txlog.Tree
	err   error
	space []byte
	page  page
}

func newSnapshotWriter(out io.Writer) *snapshotWriter {
	w := &snapshotWriter{out: bufio.NewWriterSize(out, 1<<18)}
	_, w.err = w.out.WriteString(snapshotMagic)
	return w
}

func (w *snapshotWriter) record(encode func(b []byte) []byte) {
	w.space = encode(w.space[:0])
	w.frame(w.space)
	w.tree.Add(txlog.LeafHash(w.space))
}

// frame writes a record behind its length; errors are kept for the end.
func (w *snapshotWriter) frame(record []byte) {
	var length [4]byte
	binary.BigEndian.PutUint32(length[:], uint32(len(record)))
	if w.err == nil {
		_, w.err = w.out.Write(length[:])
	}
	if w.err == nil {
		_, w.err = w.out.Write(record)
	}
}

// flushPage writes the last tokens.
func (w *snapshotWriter) flushPage() {
	if w.page.count > 0 {
		w.page.flush(w)
	}
}

// finish writes the last tokens and the trailer.
func (w *snapshotWriter) finish() (root txlog.Hash, err error) {
	w.flushPage()
	root = w.tree.Root()
	w.frame(appendTrailer(nil, w.tree.Size(), root))
	if w.err == nil {
		w.err = w.out.Flush()
	}
	return root, w.err
}

// WriteSnapshot writes the state as it stands after a block and returns the root over it. Nobody may use the state
// meanwhile.
func (s *State) WriteSnapshot(out io.Writer, at Position) (root txlog.Hash, err error) {
	c := s.Capture(at)
	defer c.End()
	root, _, err = c.Write(out, new(sync.Mutex), func() {})
	return root, err
}

// rareRecords are the records of what there are few of, as it stands.
func (s *State) rareRecords(at Position) (records [][]byte) {
	b := token.AppendArray(nil, 7)
	b = token.AppendUint(b, recordHeader)
	b = token.AppendBytes(b, at.Network[:])
	b = token.AppendBytes(b, at.Leaf.Encode())
	b = token.AppendUint(b, at.LogSize)
	b = token.AppendBytes(b, at.LogRoot[:])
	b = token.AppendUint(b, uint64(s.wallets.live))
	b = token.AppendUint(b, uint64(s.tokens.live))
	records = append(records, b, appendAuthority(nil, &s.authority))
	for _, id := range s.Intermediaries() {
		records = append(records, appendIntermediary(nil, id, s.intermediaries[id]))
	}
	for _, id := range s.Agencies() {
		a, _ := s.Agency(id)
		records = append(records, appendAgency(nil, id, a))
	}
	for _, number := range s.PurposeNumbers() {
		records = append(records, appendPurpose(nil, number, s.Purpose(number)))
	}
	return records
}

func appendTrailer(b []byte, records uint64, root txlog.Hash) []byte {
	b = token.AppendArray(b, 3)
	b = token.AppendUint(b, recordTrailer)
	b = token.AppendUint(b, records)
	return token.AppendBytes(b, root[:])
}

// SnapshotError says why a snapshot is not used. The log still has everything.
type SnapshotError struct{ Reason string }

func (e *SnapshotError) Error() string      { return "snapshot refused: " + e.Reason }
func (e *SnapshotError) ErrorCode() string  { return "snapshot-refused" }
func (e *SnapshotError) ErrorField() string { return "" }

func badSnapshot(format string, args ...any) error {
	return &SnapshotError{fmt.Sprintf(format, args...)}
}

// ReadSnapshot reads a state back, checking order, root and conservation. What is refused is a *SnapshotError. The
// position is the header's as far as it was read, also beside an error. seed is the new state's, see New.
func ReadSnapshot(in io.Reader, seed [32]byte) (*State, Position, error) {
	return readSnapshot(in, seed, true)
}

// ReadOwnSnapshot is ReadSnapshot for a stream whose bytes are known to be those that were written, as by a checksum
// over them: the root over its records is believed.
func ReadOwnSnapshot(in io.Reader, seed [32]byte) (*State, Position, error) {
	return readSnapshot(in, seed, false)
}

// readSnapshot builds a state record by record. Without hash the root is not computed: whoever reads so has the file's
// hash checked otherwise.
func readSnapshot(in io.Reader, seed [32]byte, hash bool) (*State, Position, error) {
	frames := readFrames(in)
	defer frames.stop()
	loading := &loader{state: New(seed), own: !hash}
	var tree txlog.Tree
	for records := range frames.lists {
		for record := range records.each {
			d := token.NewDecoder(record)
			items := d.Array("record", 3, 32)
			kind := d.Uint("record", recordPurseLink)
			if kind == recordTrailer {
				return loading.end(records, record, &tree, hash)
			}
			if err := loading.record(int(kind), items, d); err != nil {
				return nil, loading.at, err
			}
			if e := d.Finish(); e != nil {
				return nil, loading.at, badSnapshot("record %d: %v", loading.count, e)
			}
			if hash {
				tree.Add(txlog.LeafHash(record))
			}
		}
		frames.reuse(records)
	}
	return nil, loading.at, frames.err
}

// end checks a snapshot's trailer, and what must hold of the whole.
func (l *loader) end(records *recordList, trailer []byte, tree *txlog.Tree, hash bool) (*State, Position, error) {
	if hash && !bytes.Equal(trailer, appendTrailer(nil, tree.Size(), tree.Root())) {
		return nil, l.at, badSnapshot("the root over its records differs from its trailer")
	}
	d := token.NewDecoder(trailer)
	d.Array("record", 3, 3)
	d.Uint("record", recordTrailer)
	if n := d.Uint("records", maxUint63); n != uint64(l.count) || d.Err() != nil {
		return nil, l.at, badSnapshot("its trailer counts %d records of %d", n, l.count)
	}
	if !records.last || !records.endsWith(trailer) {
		return nil, l.at, badSnapshot("bytes after the trailer")
	}
	if err := l.finish(); err != nil { // nobody goes on with a state that does not hold together
		return nil, l.at, err
	}
	return l.state, l.at, nil
}
