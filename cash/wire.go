package cash

import (
	"encoding/hex"
	"math"
	"strconv"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/aqsha/aqsha/cash/curve"
	"github.com/aqsha/aqsha/money"
)

// Bounds of what a request may hold. Unbounded secrets and lists were how other mints were brought down.
const (
	MaxArray   = 1000 // of inputs, outputs, Ys
	MaxSecret  = 1024 // characters
	MaxWitness = 1024
	// MaxVerifications bounds the signatures of conditions that one request may have verified: about a second of a
	// core.
	MaxVerifications = 4000
)

// Amount is an amount as JSON has it: a whole number from 0 to 2^63 − 1. Anything else is refused by name.
type Amount money.Tiyn

// UnmarshalJSON reads an amount. Fractions, signs, exponents and texts are refused, so that no two readers differ.
func (a *Amount) UnmarshalJSON(text []byte) error {
	value, err := strconv.ParseUint(string(text), 10, 64)
	if err != nil || value > math.MaxInt64 || len(text) > 1 && text[0] == '0' {
		return refuse(AmountLimits, "amount", "must be a whole number from 0 to 2^63 - 1")
	}
	*a = Amount(value)
	return nil
}

// Output is a blinded message: what is to be signed (NUT-00).
type Output struct {
	Amount Amount `json:"amount"`
	ID     string `json:"id"`
	B      string `json:"B_"`
}

// Signature is a blind signature with its proof that the announced key made it (NUT-12).
type Signature struct {
	Amount Amount `json:"amount"`
	ID     string `json:"id"`
	C      string `json:"C_"`
	DLEQ   *DLEQ  `json:"dleq,omitempty"`
}

// DLEQ is NUT-12's proof. R is there only between holders, never on the way to the office: it would know the note by
// it.
type DLEQ struct {
	E string `json:"e"`
	S string `json:"s"`
	R string `json:"r,omitempty"`
}

// Proof is a note with its secret, and what opens its condition.
type Proof struct {
	Amount  Amount `json:"amount"`
	ID      string `json:"id"`
	Secret  string `json:"secret"`
	C       string `json:"C"`
	Witness string `json:"witness,omitempty"`
	DLEQ    *DLEQ  `json:"dleq,omitempty"`
	E       string `json:"p2pk_e,omitempty"` // NUT-28, between holders
}

// UnmarshalJSON reads a proof. A witness may come as an object: wallets write both.
func (p *Proof) UnmarshalJSON(text []byte) error {
	type plain Proof
	wire := struct {
		*plain
		Witness jsontext.Value `json:"witness"`
	}{plain: (*plain)(p)}
	if err := json.Unmarshal(text, &wire); err != nil {
		return err
	}
	switch {
	case len(wire.Witness) == 0 || string(wire.Witness) == "null":
		p.Witness = ""
	case wire.Witness[0] == '"':
		return json.Unmarshal(wire.Witness, &p.Witness)
	default:
		p.Witness = string(wire.Witness)
	}
	return nil
}

// Decode reads a request's body: names exactly as the protocol writes them, none twice, valid UTF-8; names that are not
// known are passed over. The error is a *Refusal.
func Decode(body []byte, into any) error {
	err := json.Unmarshal(body, into)
	if err == nil {
		return nil
	}
	return asRefusal(err)
}

// parsePoint reads a point in its one way to be written, on the curve and not the point at infinity.
func parsePoint(field, text string) (p curve.Point, err *Refusal) {
	if !isHex(text, 33) {
		return p, refuse(Malformed, field, "must be a compressed point: 66 hexadecimal digits in lower case")
	}
	raw, _ := hex.DecodeString(text) // isHex has looked
	p, wrong := curve.ParsePoint(raw)
	if wrong != nil {
		return p, refuse(Malformed, field, "%v", wrong)
	}
	return p, nil
}

// HexPoint writes a point as the protocol does.
func HexPoint(p curve.Point) string {
	raw := p.Bytes()
	return hex.EncodeToString(raw[:])
}

// checkLength bounds a text by characters, as the standard counts.
func checkLength(field, text string, most int) *Refusal {
	if len(text) > most && utf8.RuneCountInString(text) > most || len(text) > 4*most {
		return refuse(Malformed, field, "has more than %d characters", most)
	}
	return nil
}
