package recount

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/aqsha/aqsha/cash"
	"github.com/aqsha/aqsha/cash/coin"
	"github.com/aqsha/aqsha/cash/record"
)

// BookingSeconds is how long after its answer an office may take to book a note: an interval, and a day for one that
// was down.
const BookingSeconds = 86_400

// Evidence is what a third person needs to see that an office signed notes and did not book them. It spends nothing.
type Evidence struct {
	Kind       string        `json:"kind"`
	Origin     string        `json:"origin"`
	LogKey     string        `json:"log_key"`
	Checkpoint string        `json:"checkpoint"` // of the log that lacks the notes, signed by the office
	Reserve    string        `json:"reserve_wallet"`
	Notes      []coin.Issued `json:"notes"`
	// Stamp is the receipt of a ledger payment whose memo is StampMemo of the notes: it shows by when they were signed.
	Stamp []byte `json:"stamp,omitempty"`
}

// Bounds of a file of evidence.
const (
	evidenceKind  = "aqsha cash evidence 1"
	MaxEvidence   = 4 << 20
	maxEvidenceOf = 1000 // notes, as a token has
)

// ErrNoEvidence is a file that is no evidence of a cash office.
var ErrNoEvidence = errors.New("it is no evidence of a cash office")

// DecodeEvidence reads a file of evidence. Nothing of what it says is believed before it was judged.
func DecodeEvidence(raw []byte) (*Evidence, error) {
	e := new(Evidence)
	if len(raw) > MaxEvidence || json.Unmarshal(raw, e) != nil || e.Kind != evidenceKind {
		return nil, ErrNoEvidence
	}
	if len(e.Notes) == 0 || len(e.Notes) > maxEvidenceOf {
		return nil, ErrNoEvidence
	}
	return e, nil
}

// EvidenceError is evidence that does not show what it is to show.
type EvidenceError struct{ Rule string }

func (e *EvidenceError) Error() string { return "evidence: " + e.Rule }

// ErrorCode is the refusal's code.
func (e *EvidenceError) ErrorCode() string { return "cash-evidence-wrong" }

// ErrorField names the field.
func (e *EvidenceError) ErrorField() string { return "evidence" }

func notEvident(rule string, args ...any) error { return &EvidenceError{fmt.Sprintf(rule, args...)} }

// Encode writes it.
func (e *Evidence) Encode() ([]byte, error) {
	raw, err := json.MarshalIndent(e, "", "  ")
	return append(raw, '\n'), err
}

// Evidence is the evidence of notes that a log lacks, with a stamp's receipt if there is one.
func (f *Finder) Evidence(missing []coin.Issued, stamp []byte) *Evidence {
	return &Evidence{evidenceKind, f.Origin, f.Key, f.checkpoint, f.Wallet, missing, stamp}
}

// StampMemo is what a ledger payment says so that it shows, by when it stands in the ledger, by when notes were
// signed: the hash of what their office answered, whose proof (e, s) nobody has before.
func StampMemo(notes []coin.Issued) string {
	h := sha256.New()
	h.Write([]byte("aqsha cash stamp 1"))
	for i := range notes {
		n := &notes[i]
		for _, part := range []string{n.Keyset, n.B, n.C, n.E, n.S} {
			h.Write(binary.BigEndian.AppendUint32(nil, uint32(len(part))))
			h.Write([]byte(part))
		}
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(n.Amount)))
	}
	return "cash notes signed " + hex.EncodeToString(h.Sum(nil))
}

// Stamp is what a stamp's receipt shows, once it was checked against the log's network.
type Stamp struct {
	Memo   string
	Millis uint64 // Unix milliseconds of the ledger, at latest, of its block
}

// Booking is what became of one note.
type Booking struct {
	Amount cash.Amount `json:"amount"`
	Keyset string      `json:"keyset"`
	B      string      `json:"B_"`
	Block  *uint64     `json:"block,omitempty"` // that booked it
	Time   uint64      `json:"time,omitempty"`
	// Convicts says that the office can have no excuse: the log lacks the note though its keyset stopped signing, or a
	// stamp is older, by more than it may take to book, than the log's newest block.
	Convicts bool `json:"convicts,omitempty"`
}

// Finder is a log that was recounted, and where each note that it issued stands.
type Finder struct {
	Report
	where map[string]booked // by the text of B_ and C_
}

// booked is where a note was booked.
type booked struct{ block, time uint64 }

// Find recounts a log and notes where each issued note stands.
func Find(ctx context.Context, s Source) (*Finder, error) {
	f := &Finder{where: map[string]booked{}}
	var err error
	f.Report, err = Log(ctx, s, nil, func(b *record.Block) {
		for i := range b.Issued {
			for j := range b.Issued[i] {
				f.where[hex.EncodeToString(b.Issued[i][j][:])] = booked{b.Header.Number, b.Header.Time}
			}
		}
	})
	return f, err
}

// shortID is how many digits of a keyset's id a token has (NUT-00, version 4).
const shortID = 16

// keyset finds a keyset by its id, or by the beginning of it that a token has, if that is of one alone.
func (f *Finder) keyset(id string) (found *cash.Keyset, err error) {
	for _, s := range f.shelves {
		switch full := s.ID.String(); {
		case full == id:
			return &s.Keyset, nil
		case len(id) != shortID || !strings.HasPrefix(full, id):
		case found != nil:
			return nil, &record.CheckError{Block: f.Blocks,
				Rule: fmt.Sprintf("the log has two keysets of the id %.16q", id)}
		default:
			found = &s.Keyset
		}
	}
	if found == nil {
		return nil, &record.CheckError{Block: f.Blocks, Rule: fmt.Sprintf("the log has no keyset %.70q", id)}
	}
	return found, nil
}

// Issued is what the office saw of a token's notes when it signed them.
func (f *Finder) Issued(t *coin.Token) (notes []coin.Issued, err error) {
	for i := range t.Proofs {
		set, err := f.keyset(t.Proofs[i].ID)
		if err != nil {
			return nil, err
		}
		p := t.Proofs[i]
		p.ID = set.ID.String()
		issued, err := coin.IssuedOf(set, p)
		if err != nil {
			return nil, fmt.Errorf("note %d: %w", i, err)
		}
		notes = append(notes, issued)
	}
	return notes, nil
}

// Judge finds notes in the log. Each was signed by the office, or is refused. stamp may be nil; it counts for exactly
// these notes, in their order.
func (f *Finder) Judge(notes []coin.Issued, stamp *Stamp) (list []Booking, missing []coin.Issued, err error) {
	if stamp != nil && stamp.Memo != StampMemo(notes) {
		return nil, nil, notEvident("its stamp on the ledger is not of these notes")
	}
	// The office's own words, signed with its log's key: when it closed its newest block, and which time of the ledger
	// it knew then.
	newest := max(f.last.Time*1000, f.last.LedgerMillis)
	for i := range notes {
		n := &notes[i]
		set, err := f.keyset(n.Keyset)
		if err != nil {
			return nil, nil, err
		}
		if _, err := n.Check(set); err != nil {
			return nil, nil, notEvident("note %d: %v", i, err)
		}
		b := Booking{Amount: n.Amount, Keyset: n.Keyset, B: n.B}
		if at, is := f.where[n.B+n.C]; is {
			b.Block, b.Time = &at.block, at.time
		} else {
			stopped := f.last.Time >= set.Until+BookingSeconds
			b.Convicts = stopped || stamp != nil && newest > stamp.Millis+BookingSeconds*1000
			missing = append(missing, *n)
		}
		list = append(list, b)
	}
	return list, missing, nil
}

// Convicts says whether every note of a list that is not booked convicts its office.
func Convicts(list []Booking) bool {
	found := false
	for _, b := range list {
		if b.Block == nil && !b.Convicts {
			return false
		}
		found = found || b.Convicts
	}
	return found
}

// Check judges evidence by a log as it is served now: at the checkpoint that the evidence has, and, where that one does
// not convict, at the newest. It returns the finder of the checkpoint that was judged by.
func (e *Evidence) Check(ctx context.Context, s Source, stamp func(network []byte) (*Stamp, error)) (list []Booking,
	missing []coin.Issued, f *Finder, err error) {
	newest := s.Checkpoint
	for _, checkpoint := range [][]byte{[]byte(e.Checkpoint), newest} {
		s.Checkpoint, s.Key = checkpoint, e.LogKey
		if f, err = Find(ctx, s); err != nil {
			return nil, nil, f, err
		}
		if f.Wallet != e.Reserve || f.Origin != e.Origin {
			return nil, nil, f, notEvident("it is about the log %.200q, this is %.200q", e.Origin, f.Origin)
		}
		var shown *Stamp
		if e.Stamp != nil {
			if shown, err = stamp(f.last.Network); err != nil {
				return nil, nil, f, err
			}
		}
		if list, missing, err = f.Judge(e.Notes, shown); err != nil || Convicts(list) {
			break
		}
	}
	return list, missing, f, err
}
