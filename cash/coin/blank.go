package coin

import (
	"encoding/hex"
	"fmt"

	"github.com/aqsha/aqsha/cash"
	"github.com/aqsha/aqsha/cash/curve"
	"github.com/aqsha/aqsha/money"
)

// Blank is an output before it is signed: what the office sees of it, and what only the holder knows. R and the secret
// must be random or derived from a seed, each used once: by a blinding factor that was used before, two notes could be
// known for one holder's.
type Blank struct {
	Output cash.Output
	Secret string
	R      curve.Scalar
}

// NewBlank makes an output of a secret. B_ = Y + r·G with Y = hash_to_curve(secret) (NUT-00).
func NewBlank(id cash.KeysetID, amount money.Tiyn, secret string, r curve.Scalar) Blank {
	b := curve.Blind(curve.HashToCurve([]byte(secret)), r)
	return Blank{cash.Output{Amount: cash.Amount(amount), ID: id.String(), B: cash.HexPoint(b)}, secret, r}
}

// Blanks derives outputs from a seed, from a counter on. The caller keeps the counter durable before it sends them: a
// counter that is used twice makes the same outputs again.
func Blanks(seed []byte, id cash.KeysetID, from uint64, amounts []money.Tiyn) ([]Blank, error) {
	list := make([]Blank, len(amounts))
	for i, amount := range amounts {
		secret, r, err := Derive(seed, id, from+uint64(i))
		if err != nil {
			return nil, err
		}
		list[i] = NewBlank(id, amount, secret, r)
	}
	return list, nil
}

// Outputs is what is sent of blanks.
func Outputs(blanks []Blank) []cash.Output {
	list := make([]cash.Output, len(blanks))
	for i := range blanks {
		list[i] = blanks[i].Output
	}
	return list
}

// DLEQError is a signature whose proof is missing or does not hold: the office, or whoever stands between, signed with
// a key that nobody announced, by which the holder would be known again.
type DLEQError struct{ Why string }

func (e *DLEQError) Error() string { return "the signature " + e.Why }

// ErrorCode is the refusal's code.
func (e *DLEQError) ErrorCode() string { return "cash-proof" }

// ErrorField names the field.
func (e *DLEQError) ErrorField() string { return "dleq" }

// Open makes a note of a signature, which must be proved. The amount is the signature's, for blank outputs of a change.
func Open(set *cash.Keyset, blank Blank, s cash.Signature) (p cash.Proof, err error) {
	index := set.Index(money.Tiyn(s.Amount))
	if s.ID != set.ID.String() || index < 0 {
		return p, fmt.Errorf("the signature is of keyset %q and amount %d, which were not asked for", s.ID, s.Amount)
	}
	c, err := pointOf("C_", s.C)
	if err != nil {
		return p, err
	}
	b, err := pointOf("B_", blank.Output.B)
	if err != nil {
		return p, err
	}
	if s.DLEQ == nil {
		return p, &DLEQError{"has no proof of the key that made it"}
	}
	proof, err := readDLEQ(*s.DLEQ)
	if err != nil {
		return p, err
	}
	key := set.Keys[index]
	if !curve.VerifyDLEQ(key, b, c, proof) {
		return p, &DLEQError{"was not made with the announced key"}
	}
	return unblinded(set, blank, s, c), nil
}

// Unblind makes a note of a signature whose proof somebody else has checked.
func Unblind(set *cash.Keyset, blank Blank, s cash.Signature) (p cash.Proof, err error) {
	if s.DLEQ == nil || set.Index(money.Tiyn(s.Amount)) < 0 {
		return p, &DLEQError{"has no proof, or an amount that is no denomination"}
	}
	c, err := pointOf("C_", s.C)
	if err != nil {
		return p, err
	}
	return unblinded(set, blank, s, c), nil
}

// unblinded is the note: C = C_ − r·K with the amount's key K. It keeps r beside the proof, so that the next holder can
// check the note without the office (NUT-12).
func unblinded(set *cash.Keyset, blank Blank, s cash.Signature, c curve.Point) cash.Proof {
	raw, key := blank.R.Bytes(), set.Keys[set.Index(money.Tiyn(s.Amount))]
	return cash.Proof{
		Amount: s.Amount, ID: s.ID, Secret: blank.Secret, C: cash.HexPoint(curve.Unblind(c, blank.R, key)),
		DLEQ: &cash.DLEQ{E: s.DLEQ.E, S: s.DLEQ.S, R: hex.EncodeToString(raw[:])},
	}
}

// Genuine verifies a note by itself against its keyset: that its office signed it. It says nothing of whether it is
// spent.
func Genuine(set *cash.Keyset, p cash.Proof) error {
	index := set.Index(money.Tiyn(p.Amount))
	if p.ID != set.ID.String() || index < 0 {
		return forged("is of another keyset, or of no denomination of it")
	}
	if p.DLEQ == nil || p.DLEQ.R == "" {
		return forged("has no proof that can be checked without the office")
	}
	c, err := pointOf("C", p.C)
	if err != nil {
		return err
	}
	proof, err := readDLEQ(*p.DLEQ)
	if err != nil {
		return err
	}
	r, err := scalarOf("r", p.DLEQ.R)
	if err != nil {
		return err
	}
	if !curve.VerifyNoteDLEQ(set.Keys[index], []byte(p.Secret), c, r, proof) {
		return forged("was not made with the announced key")
	}
	return nil
}

// forged is a note that is not what it says. Nobody knows who changed it: the office is not accused.
func forged(why string) error {
	return &cash.Refusal{Code: cash.BadProof, Field: "dleq",
		Rule: "the code is damaged or forged, and nothing was taken: its signature " + why}
}

// Strip is notes as they are sent to the office: without blinding factors, by which it would know them again. The notes
// given are left as they are.
func Strip(notes []cash.Proof) []cash.Proof {
	list := make([]cash.Proof, len(notes))
	for i, n := range notes {
		n.DLEQ, n.E = nil, ""
		list[i] = n
	}
	return list
}

func readDLEQ(d cash.DLEQ) (proof curve.DLEQ, err error) {
	if proof.E, err = scalarOf("e", d.E); err != nil {
		return proof, err
	}
	proof.S, err = scalarOf("s", d.S)
	return proof, err
}

func scalarOf(field, text string) (curve.Scalar, error) {
	raw, err := hex.DecodeString(text)
	if err != nil {
		return curve.Scalar{}, fmt.Errorf("%s: is not in hexadecimal digits", field)
	}
	s, err := curve.ParseScalar(raw)
	if err != nil {
		return s, fmt.Errorf("%s: %w", field, err)
	}
	return s, nil
}

func pointOf(field, text string) (curve.Point, error) {
	raw, err := hex.DecodeString(text)
	if err != nil {
		return curve.Point{}, fmt.Errorf("%s: is not in hexadecimal digits", field)
	}
	p, err := curve.ParsePoint(raw)
	if err != nil {
		return p, fmt.Errorf("%s: %w", field, err)
	}
	return p, nil
}

// Issued is a note as its office saw it when it signed: with the proof, and without what spends it. Whoever has it can
// look for it in the office's log, and shows nobody whose note it is but to the office, which knows it by B.
type Issued struct {
	Keyset string      `json:"keyset"`
	Amount cash.Amount `json:"amount"`
	B      string      `json:"B_"`
	C      string      `json:"C_"`
	E      string      `json:"e"`
	S      string      `json:"s"`
}

// IssuedOf is what a note's office saw. The note is genuine (Genuine).
func IssuedOf(set *cash.Keyset, p cash.Proof) (i Issued, err error) {
	if err := Genuine(set, p); err != nil {
		return i, err
	}
	c, err := pointOf("C", p.C)
	if err != nil {
		return i, err
	}
	r, err := scalarOf("r", p.DLEQ.R)
	if err != nil {
		return i, err
	}
	b_, c_ := curve.Rebuild(set.Keys[set.Index(money.Tiyn(p.Amount))], []byte(p.Secret), c, r)
	return Issued{p.ID, p.Amount, cash.HexPoint(b_), cash.HexPoint(c_), p.DLEQ.E, p.DLEQ.S}, nil
}

// Check says whether the office signed it: what a third person can check.
func (i *Issued) Check(set *cash.Keyset) (b_ curve.Point, err error) {
	index := set.Index(money.Tiyn(i.Amount))
	if i.Keyset != set.ID.String() || index < 0 {
		return b_, &DLEQError{"is of another keyset, or of no denomination of it"}
	}
	if b_, err = pointOf("B_", i.B); err != nil {
		return b_, err
	}
	c_, err := pointOf("C_", i.C)
	if err != nil {
		return b_, err
	}
	if i.B != cash.HexPoint(b_) || i.C != cash.HexPoint(c_) { // in capitals it would be found in no log
		return b_, &DLEQError{"is not written as the standard writes it"}
	}
	proof, err := readDLEQ(cash.DLEQ{E: i.E, S: i.S})
	if err != nil {
		return b_, err
	}
	if !curve.VerifyDLEQ(set.Keys[index], b_, c_, proof) {
		return b_, &DLEQError{"was not made with the announced key"}
	}
	return b_, nil
}
