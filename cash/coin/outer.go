package coin

import (
	"encoding/base64"
	"encoding/hex"
	"strings"

	"github.com/fxamacker/cbor/v2"

	"github.com/aqsha/aqsha/cash"
	"github.com/aqsha/aqsha/cash/curve"
	"github.com/aqsha/aqsha/money"
)

// Outer is what a printed note shows on its outside: that such a note was issued, which whoever scans it checks
// without the office, and by which the office says whether it is unspent; not the secret, which spends it. That this
// paper holds the secret it does not show.
type Outer struct {
	Keyset string
	Amount money.Tiyn
	Y, C   curve.Point
	DLEQ   curve.DLEQ
	R      curve.Scalar
}

// outerPrefix begins the text of an outer code, with its version.
const outerPrefix = "aqshanote1"

// wireOuter is its content.
type wireOuter struct {
	Keyset []byte `cbor:"1,keyasint"`
	Amount uint64 `cbor:"2,keyasint"`
	Y      []byte `cbor:"3,keyasint"`
	C      []byte `cbor:"4,keyasint"`
	E      []byte `cbor:"5,keyasint"`
	S      []byte `cbor:"6,keyasint"`
	R      []byte `cbor:"7,keyasint"`
}

var outerMode, _ = cbor.DecOptions{DupMapKey: cbor.DupMapKeyEnforcedAPF, MaxArrayElements: 16, MaxMapPairs: 16,
	MaxNestedLevels: 4,
	IndefLength:     cbor.IndefLengthForbidden, ExtraReturnErrors: cbor.ExtraDecErrorUnknownField}.DecMode()

// OuterOf is a note's outside.
func OuterOf(set *cash.Keyset, p cash.Proof) (o Outer, err error) {
	if err := Genuine(set, p); err != nil {
		return o, err
	}
	o = Outer{Keyset: p.ID, Amount: money.Tiyn(p.Amount), Y: curve.HashToCurve([]byte(p.Secret))}
	if o.C, err = pointOf("C", p.C); err != nil {
		return o, err
	}
	if o.DLEQ, err = readDLEQ(*p.DLEQ); err != nil {
		return o, err
	}
	o.R, err = scalarOf("r", p.DLEQ.R)
	return o, err
}

// Check says whether the keyset's office issued such a note: B_ = Y + r·G, C_ = C + r·K, and the proof of NUT-12 on
// them.
func (o *Outer) Check(set *cash.Keyset) error {
	index := set.Index(o.Amount)
	if index < 0 || o.Keyset != set.ID.String() {
		return forged("is of another keyset, or of no denomination of it")
	}
	if !curve.VerifyOuterDLEQ(set.Keys[index], o.Y, o.C, o.R, o.DLEQ) {
		return forged("was not made with the announced key")
	}
	return nil
}

// IsOuter says whether a text is an outer code.
func IsOuter(text string) bool { return strings.HasPrefix(strings.TrimSpace(text), outerPrefix) }

// Encode writes the code's text.
func (o *Outer) Encode() (string, error) {
	id, err := hex.DecodeString(o.Keyset)
	if err != nil {
		return "", badFormat("id", "is not in hexadecimal digits")
	}
	y, c, e, s, r := o.Y.Bytes(), o.C.Bytes(), o.DLEQ.E.Bytes(), o.DLEQ.S.Bytes(), o.R.Bytes()
	raw, err := encodeMode.Marshal(wireOuter{id, uint64(o.Amount), y[:], c[:], e[:], s[:], r[:]})
	return outerPrefix + base64.RawURLEncoding.EncodeToString(raw), err
}

// DecodeOuter reads the code's text.
func DecodeOuter(text string) (o Outer, err error) {
	text = strings.TrimSpace(text)
	if !IsOuter(text) || len(text) > 1000 {
		return o, badFormat("code", "does not begin with %s, or has more than 1,000 characters", outerPrefix)
	}
	// Strict: two texts of one code would let a note look like two.
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text[len(outerPrefix):])
	if err != nil {
		return o, badFormat("code", "is not in base64url")
	}
	var w wireOuter
	if err := outerMode.Unmarshal(raw, &w); err != nil {
		return o, badFormat("code", "cannot be read")
	}
	if w.Amount == 0 || w.Amount > 1<<62 || len(w.Keyset) != len(cash.KeysetID{}) {
		return o, badFormat("code", "has no amount, or no keyset's id")
	}
	o.Keyset, o.Amount = hex.EncodeToString(w.Keyset), money.Tiyn(w.Amount)
	// Only the form. Whether it is genuine says Check, with the keyset's key: the code comes from a piece of paper.
	for _, part := range []struct {
		raw []byte
		to  *curve.Point
	}{{w.Y, &o.Y}, {w.C, &o.C}} {
		if *part.to, err = curve.ParsePoint(part.raw); err != nil {
			return o, badFormat("code", "has a point that is none")
		}
	}
	for _, part := range []struct {
		raw []byte
		to  *curve.Scalar
	}{{w.E, &o.DLEQ.E}, {w.S, &o.DLEQ.S}, {w.R, &o.R}} {
		if *part.to, err = curve.ParseScalar(part.raw); err != nil {
			return o, badFormat("code", "has a number that is none")
		}
	}
	return o, nil
}

// Serial is what is printed in words: the beginning of the code's point, by which two papers are told apart.
func (o *Outer) Serial() string {
	y := o.Y.Bytes()
	return strings.ToUpper(hex.EncodeToString(y[1:7]))
}
