package signers

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog"
	"github.com/aqsha/aqsha/txlog/quorum"
)

// Signers are who signs checkpoints of a log, by how many entries they are over. They do not change: Then and Follow
// return others. A change of validators after which the same keys sign checkpoints is none here.
type Signers struct {
	origin string
	spans  []span // the first is the genesis's
}

// span is who signs checkpoints over more than a number of entries, up to the next one's.
type span struct {
	after    uint64 // entries up to the end of the block that holds the change
	root     txlog.Hash
	key      string
	verifier note.Verifier
}

// Begin is who signs the log of a genesis before validators were set.
func Begin(g ledger.Genesis) (*Signers, error) {
	verifier, err := quorum.NewVerifier(g.LogKey)
	if err != nil {
		return nil, fmt.Errorf("the genesis names no usable log key: %w", err)
	}
	return &Signers{g.Name, []span{{key: g.LogKey, verifier: verifier}}}, nil
}

// Key is the verifier key of validators under the name of a log: of one, his checkpoint key itself; of several, that of
// the quorum of more than two thirds of them (FORMATS.md, "Quorum's key").
func Key(origin string, members []token.Validator) (string, error) {
	if len(members) == 1 {
		return note.NewEd25519VerifierKey(origin, ed25519.PublicKey(members[0].Checkpoint[1:]))
	}
	q := quorum.Quorum{Threshold: quorum.Max(len(members))}
	for i := range members {
		q.Members = append(q.Members, members[i].Checkpoint[1:])
	}
	return q.Key(origin)
}

// Changes is how many changes of the key are known.
func (s *Signers) Changes() int { return len(s.spans) - 1 }

// After is over how many entries a checkpoint may be that those before the i-th change sign, from 1; for 0 it is 0.
func (s *Signers) After(i int) uint64 { return s.spans[i].after }

// KeyOf is the verifier key of those who sign a checkpoint over so many entries.
func (s *Signers) KeyOf(size uint64) string { return s.at(size).key }

// VerifierOf is that key.
func (s *Signers) VerifierOf(size uint64) note.Verifier { return s.at(size).verifier }

// Newest is who signs behind everything that is known here: fit for what a log's key signs beside checkpoints.
func (s *Signers) Newest() note.Verifier { return s.spans[len(s.spans)-1].verifier }

// NewestKey is its verifier key.
func (s *Signers) NewestKey() string { return s.spans[len(s.spans)-1].key }

// Single is the key of the newest where it is a single Ed25519 key; false for a quorum's.
func (s *Signers) Single() (token.PublicKey, bool) {
	return ledger.SingleKey(s.spans[len(s.spans)-1].key)
}

func (s *Signers) at(size uint64) *span {
	i := len(s.spans) - 1
	for i > 0 && size <= s.spans[i].after {
		i--
	}
	return &s.spans[i]
}

// Open verifies a checkpoint: it must bear the signature of those who sign so many entries. The note lists that
// signature alone; others are among those that were not verified.
func (s *Signers) Open(signed []byte) (txlog.Checkpoint, *note.Note, error) {
	c, err := txlog.ParseSigned(signed)
	if err != nil {
		return c, nil, err
	}
	return txlog.OpenCheckpoint(signed, s.origin, note.VerifierList(s.VerifierOf(c.Size)))
}

// Until is the signers as those knew them who had met so many changes.
func (s *Signers) Until(changes int) *Signers {
	return &Signers{s.origin, s.spans[: changes+1 : changes+1]}
}

// Then is the signers after a change that a log holds, whose block ends it at a number of entries. The caller has
// executed the log: that the change was allowed is no question of signatures of checkpoints.
func (s *Signers) Then(size uint64, root txlog.Hash, members []token.Validator) (*Signers, error) {
	last := s.spans[len(s.spans)-1]
	if size <= last.after {
		return nil, fmt.Errorf("a change of validators up to entry %d, after one up to %d", size, last.after)
	}
	key, err := Key(s.origin, members)
	if err != nil {
		return nil, err
	}
	if key == last.key {
		return s, nil
	}
	verifier, err := quorum.NewVerifier(key)
	if err != nil {
		return nil, err
	}
	next := span{after: size, root: root, key: key, verifier: verifier}
	return &Signers{s.origin, append(s.spans[:len(s.spans):len(s.spans)], next)}, nil
}

// Link is a change of validators, and what shows it to whoever has nothing but the change before: those who signed
// before it have signed the log up to the end of its block, and nothing greater. The first that they signed with the
// change in it is therefore the last.
type Link struct {
	Checkpoint  []byte       // a signed note with that one signature
	Consistency []txlog.Hash // from the link before to this checkpoint; empty in the first
	Index       uint64
	Entry       []byte       // with the transaction, at that index
	Inclusion   []txlog.Hash // of it in the checkpoint's log
}

// Bounds of what is read.
const (
	MaxLinks           = ledger.MaxValidatorChanges
	maxEntryBytes      = 65_535
	maxCheckpointBytes = 16 << 10
)

// Follow is the signers after the change that a link shows: signed by those before, who thereby name those after. A
// change that changes no key has no link.
func (s *Signers) Follow(l *Link) (*Signers, error) {
	c, err := s.holds(l)
	if err != nil {
		return nil, fmt.Errorf("change %d of the validators: %w", s.Changes()+1, err)
	}
	e, err := ledger.DecodeEntry(l.Entry)
	if err != nil {
		return nil, err
	}
	if e.Transaction == nil {
		return nil, errors.New("the entry of a change of validators is no transaction")
	}
	set, ok := e.Transaction.Body.(*token.SetValidators)
	if !ok {
		return nil, fmt.Errorf("a %s is no change of validators", e.Transaction.Body.Kind())
	}
	next, err := s.Then(c.Size, c.Root, set.Validators)
	if err == nil && next == s {
		err = errors.New("the same keys sign behind it")
	}
	return next, err
}

// holds says whether those who signed before have signed a link's entry, behind the change before.
func (s *Signers) holds(l *Link) (txlog.Checkpoint, error) {
	last := &s.spans[len(s.spans)-1]
	c, n, err := txlog.OpenCheckpoint(l.Checkpoint, s.origin, note.VerifierList(last.verifier))
	if err != nil {
		return c, err
	}
	switch {
	case !Canonical(l.Checkpoint, n):
		return c, errors.New("its checkpoint must bear the signature of those who signed before it and nothing else")
	case c.Size <= last.after || l.Index < last.after || l.Index >= c.Size:
		return c, fmt.Errorf("entry %d of %d is not behind the change before, which ends at %d", l.Index, c.Size,
			last.after)
	}
	if err := s.continues(c, l.Consistency); err != nil {
		return c, err
	}
	return c, txlog.VerifyInclusion(txlog.LeafHash(l.Entry), l.Index, c.Size, l.Inclusion, c.Root)
}

// Continues checks that the log of a checkpoint, over more entries, begins with that of the last change.
func (s *Signers) Continues(c txlog.Checkpoint, proof []txlog.Hash) error {
	return s.continues(c, proof)
}

func (s *Signers) continues(c txlog.Checkpoint, proof []txlog.Hash) error {
	last := &s.spans[len(s.spans)-1]
	if last.after == 0 {
		if len(proof) > 0 {
			return errors.New("a proof of consistency with nothing")
		}
		return nil
	}
	if c.Size <= last.after {
		return fmt.Errorf("a checkpoint of %d entries is not behind the last change, which ends at %d", c.Size,
			last.after)
	}
	return txlog.VerifyConsistency(last.after, c.Size, last.root, c.Root, proof)
}

// Same says whether others know the same changes, as far as both know any.
func (s *Signers) Same(o *Signers) bool {
	for i := range min(len(s.spans), len(o.spans)) {
		a, b := &s.spans[i], &o.spans[i]
		if a.after != b.after || a.root != b.root || a.key != b.key {
			return false
		}
	}
	return true
}

// Canonical says whether a note bears the one signature that was verified, in the one form of base64: verification
// alone would overlook spare bits and a signature that stands twice.
func Canonical(signed []byte, opened *note.Note) bool {
	if len(opened.Sigs) != 1 || len(opened.UnverifiedSigs) != 0 {
		return false
	}
	_, signatures, found := bytes.Cut(signed, []byte("\n\n"))
	if !found || !bytes.HasSuffix(signatures, []byte("\n")) {
		return false
	}
	words := strings.Split(strings.TrimSuffix(string(signatures), "\n"), " ")
	if len(words) != 3 || strings.Contains(words[2], "\n") {
		return false
	}
	raw, err := base64.StdEncoding.Strict().DecodeString(words[2])
	return err == nil && base64.StdEncoding.EncodeToString(raw) == words[2]
}
