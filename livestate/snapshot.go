package livestate

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"slices"

	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog"
)

// A snapshot is a canonical stream: the same state gives the same bytes on every machine.
// It is a magic, then records of CBOR, each after its length (4 bytes, big-endian): the header,
// the authority, intermediaries, agencies, purposes, definitions, wallets, wallets that were closed,
// contracts and tokens, each in id order, and a trailer with the number of records before it and the
// RFC 6962 root over them.

const snapshotMagic = "AQSNAP2\n"

// maxRecord bounds a record's bytes; the authority's is the largest.
const maxRecord = 1 << 20

// Record types, the first item of each record.
const (
	recordHeader       = 0
	recordAuthority    = 1
	recordIntermediary = 2
	recordAgency       = 3
	recordPurpose      = 4
	recordDefinition   = 5
	recordWallet       = 6
	recordClosed       = 7
	recordContract     = 8
	recordToken        = 9
	recordTrailer      = 10
)

// Position says after which block a snapshot was taken.
type Position struct {
	Network token.NetworkID
	Leaf    ledger.Leaf // of the last block, but never the genesis itself
	LogSize uint64      // entries up to and with that block
	LogRoot txlog.Hash  // at that size
}

// snapshotWriter frames records and hashes them.
type snapshotWriter struct {
	out   *bufio.Writer
	tree  txlog.Tree
	err   error
	space []byte
}

func (w *snapshotWriter) record(encode func(b []byte) []byte) {
	w.space = encode(w.space[:0])
	w.frame(w.space)
	w.tree.Add(txlog.LeafHash(w.space))
}

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

// WriteSnapshot writes the state as it stands after a block and returns the root over it.
func (s *State) WriteSnapshot(out io.Writer, at Position) (root txlog.Hash, err error) {
	w := &snapshotWriter{out: bufio.NewWriterSize(out, 1<<20)}
	if _, err := w.out.WriteString(snapshotMagic); err != nil {
		return root, err
	}
	w.record(func(b []byte) []byte {
		b = token.AppendArray(b, 5)
		b = token.AppendUint(b, recordHeader)
		b = token.AppendBytes(b, at.Network[:])
		b = token.AppendBytes(b, at.Leaf.Encode())
		b = token.AppendUint(b, at.LogSize)
		return token.AppendBytes(b, at.LogRoot[:])
	})
	w.record(func(b []byte) []byte { return appendAuthority(b, &s.authority) })
	for _, id := range s.Intermediaries() {
		w.record(func(b []byte) []byte { return appendIntermediary(b, id, s.intermediaries[id]) })
	}
	s.writePrograms(w)
	s.writeWallets(w)
	s.writeContracts(w)
	s.writeTokens(w)
	root = txlog.Hash(w.tree.Root())
	w.frame(appendTrailer(nil, w.tree.Size(), root))
	if w.err == nil {
		w.err = w.out.Flush()
	}
	return root, w.err
}

func appendTrailer(b []byte, records uint64, root txlog.Hash) []byte {
	b = token.AppendArray(b, 3)
	b = token.AppendUint(b, recordTrailer)
	b = token.AppendUint(b, records)
	return token.AppendBytes(b, root[:])
}

func (s *State) writeWallets(w *snapshotWriter) {
	slots := s.wallets.slots()
	slices.SortFunc(slots, func(a, b uint32) int {
		return bytes.Compare(s.wallets.at(a).key[:], s.wallets.at(b).key[:])
	})
	for _, slot := range slots {
		id := s.wallets.at(slot).key
		wallet, _ := s.Wallet(id)
		w.record(func(b []byte) []byte { return appendWallet(b, id, wallet, s.details[id]) })
	}
}

func (s *State) writeTokens(w *snapshotWriter) {
	slots := s.tokens.slots()
	slices.SortFunc(slots, func(a, b uint32) int {
		return bytes.Compare(s.tokens.at(a).key[:], s.tokens.at(b).key[:])
	})
	for _, slot := range slots {
		r := s.tokens.at(slot)
		w.record(func(b []byte) []byte { return appendToken(b, r.key, s.token(&r.value)) })
	}
}

// SnapshotError says why a snapshot is not used. The log still has everything.
type SnapshotError struct{ Reason string }

func (e *SnapshotError) Error() string      { return "snapshot refused: " + e.Reason }
func (e *SnapshotError) ErrorCode() string  { return "snapshot-refused" }
func (e *SnapshotError) ErrorField() string { return "" }

func badSnapshot(format string, args ...any) error {
	return &SnapshotError{fmt.Sprintf(format, args...)}
}

// ReadSnapshot reads a state back, checking order, root and conservation.
func ReadSnapshot(in io.Reader, seed [32]byte) (*State, Position, error) {
	r := bufio.NewReaderSize(in, 1<<16)
	var at Position
	magic := make([]byte, len(snapshotMagic))
	if _, err := io.ReadFull(r, magic); err != nil || string(magic) != snapshotMagic {
		return nil, at, badSnapshot("it does not begin with %q", snapshotMagic)
	}
	loading := &loader{state: New(seed)}
	var tree txlog.Tree
	for {
		record, err := readRecord(r)
		if err != nil {
			return nil, at, err
		}
		d := token.NewDecoder(record)
		items := d.Array("record", 3, 32)
		kind := d.Uint("record", recordTrailer)
		if kind == recordTrailer {
			root := txlog.Hash(tree.Root())
			if !bytes.Equal(record, appendTrailer(nil, tree.Size(), root)) {
				return nil, at, badSnapshot("the root over its records differs from its trailer")
			}
			if _, err := r.ReadByte(); err != io.EOF {
				return nil, at, badSnapshot("bytes after the trailer")
			}
			return loading.state, loading.at, loading.finish()
		}
		if err := loading.record(int(kind), items, d); err != nil {
			return nil, at, err
		}
		if e := d.Finish(); e != nil {
			return nil, at, badSnapshot("record %d: %v", tree.Size(), e)
		}
		tree.Add(txlog.LeafHash(record))
	}
}

func readRecord(r *bufio.Reader) ([]byte, error) {
	var length [4]byte
	if _, err := io.ReadFull(r, length[:]); err != nil {
		return nil, badSnapshot("it ends before its trailer")
	}
	n := binary.BigEndian.Uint32(length[:])
	if n > maxRecord {
		return nil, badSnapshot("a record of %d bytes", n)
	}
	record := make([]byte, n)
	if _, err := io.ReadFull(r, record); err != nil {
		return nil, badSnapshot("it ends within a record")
	}
	return record, nil
}
