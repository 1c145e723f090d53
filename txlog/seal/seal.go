// Package seal puts single statements (a report, a month) into a log of their own: one durable entry
// each, under a signed checkpoint, read back only after both have been checked.
//
// It belongs to txlog. Invariant: Read returns an entry only when it stands under the log's signed
// checkpoint.
package seal

import (
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/txlog"
)

// Log says how a log of seals is signed; Signer may be nil to read.
type Log struct {
	Origin   string
	Signer   note.Signer
	Verifier note.Verifier
}

// NotUnder is the error of an index that the checkpoint does not cover.
type NotUnder struct{ Index, Size uint64 }

func (e *NotUnder) Error() string {
	return fmt.Sprintf("entry %d is not under the checkpoint of size %d", e.Index, e.Size)
}

func (l Log) open(dir string) (*txlog.Log, error) {
	options := txlog.Options{Origin: l.Origin, SegmentBytes: 1 << 20}
	if l.Signer != nil {
		options.Signers = []note.Signer{l.Signer}
	}
	if l.Verifier != nil {
		options.Verifiers = note.VerifierList(l.Verifier)
	}
	return txlog.Open(dir, options)
}

// Append makes an entry durable and signs a checkpoint over it. It returns the entry's index and the checkpoint.
func (l Log) Append(dir string, entry []byte) (index uint64, checkpoint []byte, err error) {
	log, err := l.open(dir)
	if err != nil {
		return 0, nil, err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	batch, err := log.Stage([][]byte{entry})
	if err != nil {
		return 0, nil, err
	}
	if err := log.Commit(batch); err != nil {
		return 0, nil, err
	}
	checkpoint, err = log.Publish()
	return batch.FirstIndex(), checkpoint, err
}

// Checkpoint is the log's signed checkpoint as it stands; empty when nothing was sealed.
func (l Log) Checkpoint(dir string) (checkpoint []byte, err error) {
	log, err := l.open(dir)
	if err != nil {
		return nil, err
	}
	checkpoint, _ = log.Checkpoint()
	return checkpoint, log.Close()
}

// Proof is an entry with what proves that it stands under a signed checkpoint, for whoever has not the log.
type Proof struct {
	Index      uint64       `json:"index"`
	Entry      []byte       `json:"entry"`
	Hashes     []txlog.Hash `json:"hashes"`     // of the tree, from the entry up (RFC 6962)
	Checkpoint string       `json:"checkpoint"` // signed
}

// Read takes an entry after checking the log's checkpoint and that the entry is under it.
func (l Log) Read(dir string, index uint64) (entry []byte, err error) {
	proof, err := l.Prove(dir, index)
	return proof.Entry, err
}

// Prove is Read with the proof. An entry that is not under the checkpoint is no error of the log: NotUnder.
func (l Log) Prove(dir string, index uint64) (p Proof, err error) {
	log, err := l.open(dir)
	if err != nil {
		return Proof{}, err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	signed, _ := log.Checkpoint()
	if len(signed) == 0 { // keys were made, and what was to be sealed was refused
		return Proof{}, &NotUnder{index, 0}
	}
	checkpoint, _, err := txlog.OpenCheckpoint(signed, l.Origin, note.VerifierList(l.Verifier))
	if err != nil {
		return Proof{}, err
	}
	if index >= checkpoint.Size {
		return Proof{}, &NotUnder{index, checkpoint.Size}
	}
	p = Proof{Index: index, Checkpoint: string(signed)}
	if p.Entry, err = log.Entry(index); err != nil {
		return Proof{}, err
	}
	if p.Hashes, err = log.InclusionProof(index, checkpoint.Size); err != nil {
		return Proof{}, err
	}
	return p, l.Check(p)
}

// Check verifies a proof from anywhere: the checkpoint's signature by the log's key, and the entry under its root.
func (l Log) Check(p Proof) error {
	checkpoint, _, err := txlog.OpenCheckpoint([]byte(p.Checkpoint), l.Origin, note.VerifierList(l.Verifier))
	if err != nil {
		return err
	}
	if p.Index >= checkpoint.Size {
		return &NotUnder{p.Index, checkpoint.Size}
	}
	return txlog.VerifyInclusion(txlog.LeafHash(p.Entry), p.Index, checkpoint.Size, p.Hashes, checkpoint.Root)
}
