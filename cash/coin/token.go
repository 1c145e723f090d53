package coin

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/fxamacker/cbor/v2"

	"github.com/aqsha/aqsha/cash"
	"github.com/aqsha/aqsha/money"
)

// Bounds of what is decoded.
const (
	MaxTokenText = 1 << 20
	MaxNotes     = cash.MaxArray
	MaxMemo      = 1000 // characters
)

// Token is notes on their way from one holder to the next. Whoever has the text can spend the notes, unless they are
// locked.
type Token struct {
	Mint   string // the office's URL
	Unit   string
	Memo   string
	Proofs []cash.Proof
}

// FormatError is a text that cannot be read.
type FormatError struct{ What, Rule string }

func (e *FormatError) Error() string { return e.What + " " + e.Rule }

// ErrorCode is the refusal's code.
func (e *FormatError) ErrorCode() string { return "cash-format" }

// ErrorField names the field.
func (e *FormatError) ErrorField() string { return e.What }

func badFormat(what, rule string, args ...any) error {
	return &FormatError{what, fmt.Sprintf(rule, args...)}
}

// wireV4 is TokenV4 of NUT-00. Keys are those of the standard, written in the order of these fields, which is the
// standard's: a canonical encoding would sort them.
type wireV4 struct {
	Sets []setV4 `cbor:"t"`
	Memo string  `cbor:"d,omitempty"`
	Mint string  `cbor:"m"`
	Unit string  `cbor:"u"`
}

type setV4 struct {
	ID     []byte    `cbor:"i"`
	Proofs []proofV4 `cbor:"p"`
}

type proofV4 struct {
	Amount  uint64  `cbor:"a"`
	Secret  string  `cbor:"s"`
	C       []byte  `cbor:"c"`
	DLEQ    *dleqV4 `cbor:"d,omitempty"`
	Witness string  `cbor:"w,omitempty"`
	E       []byte  `cbor:"pe,omitempty"`
}

type dleqV4 struct {
	E []byte `cbor:"e"`
	S []byte `cbor:"s"`
	R []byte `cbor:"r"`
}

var (
	encodeMode, _ = cbor.EncOptions{}.EncMode()
	decodeMode, _ = cbor.DecOptions{
		DupMapKey: cbor.DupMapKeyEnforcedAPF, MaxArrayElements: 4 * MaxNotes, MaxMapPairs: 64, MaxNestedLevels: 8,
		IndefLength: cbor.IndefLengthForbidden,
	}.DecMode()
)

// Encode writes a token in version 4. With short, keysets are named by their first eight bytes, as wallets do. Notes of
// one keyset stand together, in the order in which they came.
func (t *Token) Encode(short bool) (string, error) {
	w := wireV4{Mint: strings.TrimRight(t.Mint, "/"), Unit: t.Unit, Memo: t.Memo}
	at := map[string]int{}
	for _, p := range t.Proofs {
		wire, err := toV4(p)
		if err != nil {
			return "", err
		}
		i, there := at[p.ID]
		if !there {
			id, err := hex.DecodeString(p.ID)
			if err != nil {
				return "", badFormat("id", "is not in hexadecimal digits")
			}
			if short && len(id) > 8 {
				id = id[:8]
			}
			i, at[p.ID] = len(w.Sets), len(w.Sets)
			w.Sets = append(w.Sets, setV4{ID: id})
		}
		w.Sets[i].Proofs = append(w.Sets[i].Proofs, wire)
	}
	raw, err := encodeMode.Marshal(w)
	return "cashuB" + base64.RawURLEncoding.EncodeToString(raw), err
}

func toV4(p cash.Proof) (wire proofV4, err error) {
	wire = proofV4{Amount: uint64(p.Amount), Secret: p.Secret, Witness: p.Witness}
	if wire.C, err = hex.DecodeString(p.C); err != nil {
		return wire, badFormat("C", "is not in hexadecimal digits")
	}
	if wire.E, err = hex.DecodeString(p.E); err != nil {
		return wire, badFormat("p2pk_e", "is not in hexadecimal digits")
	}
	if p.DLEQ == nil {
		return wire, nil
	}
	wire.DLEQ = new(dleqV4)
	for _, part := range []struct {
		text string
		to   *[]byte
	}{{p.DLEQ.E, &wire.DLEQ.E}, {p.DLEQ.S, &wire.DLEQ.S}, {p.DLEQ.R, &wire.DLEQ.R}} {
		if *part.to, err = hex.DecodeString(part.text); err != nil {
			return wire, badFormat("dleq", "is not in hexadecimal digits")
		}
	}
	return wire, nil
}

// DecodeToken reads a token of version 3 or 4, with or without a URI scheme. Ids of keysets may be short: Resolve makes
// them whole. An error is a *FormatError. Sizes are bounded before anything is made; nothing is verified: see Genuine.
func DecodeToken(text string) (t *Token, err error) {
	text = strings.TrimSpace(text)
	if len(text) > MaxTokenText {
		return nil, badFormat("token", "has more than %d characters", MaxTokenText)
	}
	for _, scheme := range []string{"web+cashu://", "cashu://", "cashu:"} {
		if len(text) > len(scheme) && strings.EqualFold(text[:len(scheme)], scheme) {
			text = text[len(scheme):]
			break
		}
	}
	if len(text) < 6 || text[:5] != "cashu" {
		return nil, badFormat("token", "does not begin with cashuA or cashuB")
	}
	// Other wallets write padding, and the standard alphabet beside the one of URLs: both are taken (NUT-00 shows the
	// latter).
	raw, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(strings.NewReplacer("+", "-", "/",
		"_").Replace(text[6:]), "="))
	if err != nil {
		return nil, badFormat("token", "is not in base64url")
	}
	switch text[5] {
	case 'A':
		t, err = decodeV3(raw)
	case 'B':
		t, err = decodeV4(raw)
	default:
		return nil, badFormat("token", "is of version %q, which is not known here: A and B are", text[5:6])
	}
	if err != nil {
		return nil, err
	}
	return t, t.check()
}

func decodeV4(raw []byte) (*Token, error) {
	var w wireV4
	if err := decodeMode.Unmarshal(raw, &w); err != nil {
		return nil, badFormat("token", "is not what version 4 holds: %v", err)
	}
	t := &Token{Mint: strings.TrimRight(w.Mint, "/"), Unit: w.Unit, Memo: w.Memo}
	for _, set := range w.Sets {
		for _, p := range set.Proofs {
			if p.Amount > 1<<62 {
				return nil, badFormat("amount", "is beyond 2^62")
			}
			proof := cash.Proof{Amount: cash.Amount(p.Amount), ID: hex.EncodeToString(set.ID), Secret: p.Secret,
				C:       hex.EncodeToString(p.C),
				Witness: p.Witness, E: hex.EncodeToString(p.E)}
			if p.DLEQ != nil {
				proof.DLEQ = &cash.DLEQ{E: hex.EncodeToString(p.DLEQ.E), S: hex.EncodeToString(p.DLEQ.S),
					R: hex.EncodeToString(p.DLEQ.R)}
			}
			t.Proofs = append(t.Proofs, proof)
		}
	}
	return t, nil
}

func decodeV3(raw []byte) (*Token, error) {
	var w struct {
		Token []struct {
			Mint   string       `json:"mint"`
			Proofs []cash.Proof `json:"proofs"`
		} `json:"token"`
		Unit string `json:"unit"`
		Memo string `json:"memo"`
	}
	if err := json.Unmarshal(raw, &w); err != nil {
		return nil, badFormat("token", "is not what version 3 holds: %v", err)
	}
	t := &Token{Unit: w.Unit, Memo: w.Memo}
	for i, part := range w.Token {
		mint := strings.TrimRight(part.Mint, "/")
		if i > 0 && mint != t.Mint {
			return nil, badFormat("token", "holds notes of several mints: receive them one by one")
		}
		t.Mint = mint
		t.Proofs = append(t.Proofs, part.Proofs...)
	}
	if t.Unit == "" {
		t.Unit = "sat" // NUT-00 before units were in tokens
	}
	return t, nil
}

// check bounds what was read.
func (t *Token) check() error {
	var sum money.Tiyn
	switch {
	case len(t.Proofs) == 0 || len(t.Proofs) > MaxNotes:
		return badFormat("token", "holds %d notes, must hold 1 to %d", len(t.Proofs), MaxNotes)
	case len(t.Mint) > 2000 || len(t.Unit) > 100 || len(t.Memo) > 4*MaxMemo:
		return badFormat("token", "has a mint, unit or memo that is too long")
	}
	seen := map[string]bool{}
	for _, p := range t.Proofs {
		if p.Amount < 1 || len(p.Secret) == 0 || len(p.Secret) > cash.MaxSecret || len(p.Witness) > cash.MaxWitness ||
			seen[p.Secret] {
			return badFormat("token", "holds a note without amount, with a secret that is empty, too long or there "+
				"twice, or with a long witness")
		}
		seen[p.Secret] = true
		var err error
		if sum, err = money.Add(sum, money.Tiyn(p.Amount)); err != nil {
			return badFormat("amount", "the sum is beyond 2^63 - 1")
		}
	}
	return nil
}

// Resolve makes short ids of keysets whole. One that several keysets begin with, or none, is refused.
func (t *Token) Resolve(sets []cash.Keyset) error {
	for i := range t.Proofs {
		p := &t.Proofs[i]
		var found string
		for _, s := range sets {
			id := s.ID.String()
			if p.ID != id && (len(p.ID) != 16 || !strings.HasPrefix(id, p.ID)) {
				continue
			}
			if found != "" {
				return badFormat("id", "%s is the beginning of several keysets' ids", p.ID)
			}
			found = id
		}
		if found == "" {
			return badFormat("id", "%s is no keyset of %s", p.ID, t.Mint)
		}
		p.ID = found
	}
	return nil
}
