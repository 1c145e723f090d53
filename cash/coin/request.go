package coin

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"strings"

	"github.com/btcsuite/btcd/address/v2/bech32"

	"github.com/aqsha/aqsha/money"
)

// Request is what a payee wants to be paid (NUT-18). Only transports over HTTP and none are made here. Amount is in the
// unit, which for tenge is tiyn; 0 leaves it to the payer. It states a wish: nothing in it is signed.
type Request struct {
	ID          string      `cbor:"i,omitempty"`
	Amount      uint64      `cbor:"a,omitempty"`
	Unit        string      `cbor:"u,omitempty"`
	Single      bool        `cbor:"s,omitempty"`
	Mints       []string    `cbor:"m,omitempty"`
	Description string      `cbor:"d,omitempty"`
	Transports  []Transport `cbor:"t,omitempty"`
	Lock        *Lock       `cbor:"nut10,omitempty"`
}

// Transport is a way by which the notes shall come.
type Transport struct {
	Type   string     `cbor:"t"`
	Target string     `cbor:"a"`
	Tags   [][]string `cbor:"g,omitempty"`
}

// Lock is the condition that the payee wants on the notes.
type Lock struct {
	Kind string     `cbor:"k"`
	Data string     `cbor:"d"`
	Tags [][]string `cbor:"t,omitempty"`
}

// Tiyn is the amount.
func (r *Request) Tiyn() money.Tiyn { return money.Tiyn(r.Amount) }

// EncodeA writes a request as creqA.
func (r *Request) EncodeA() (string, error) {
	raw, err := encodeMode.Marshal(r)
	return "creqA" + base64.URLEncoding.EncodeToString(raw), err
}

// Fields of creqB (NUT-26).
const (
	tagID          = 1
	tagAmount      = 2
	tagUnit        = 3
	tagSingle      = 4
	tagMint        = 5
	tagDescription = 6
	tagTransport   = 7
	tagLock        = 8

	tagKind   = 1 // within transports and locks
	tagTarget = 2
	tagTuple  = 3
)

const hrpB = "creqb"

// kinds of transports and of locks, by their number.
var (
	transports = []string{"nostr", "post"}
	locks      = []string{"P2PK", "HTLC"}
)

// appendField writes a field of NUT-26: its tag in a byte, its length in two, and the value.
func appendField(to []byte, tag byte, value []byte) []byte {
	to = append(to, tag)
	to = binary.BigEndian.AppendUint16(to, uint16(len(value)))
	return append(to, value...)
}

// EncodeB writes a request as creqB, in capitals as codes like it.
func (r *Request) EncodeB() (string, error) {
	var out []byte
	if r.ID != "" {
		out = appendField(out, tagID, []byte(r.ID))
	}
	if r.Amount != 0 {
		out = appendField(out, tagAmount, binary.BigEndian.AppendUint64(nil, r.Amount))
	}
	switch r.Unit {
	case "":
	case "sat":
		out = appendField(out, tagUnit, []byte{0})
	default:
		out = appendField(out, tagUnit, []byte(r.Unit))
	}
	if r.Single {
		out = appendField(out, tagSingle, []byte{1})
	}
	for _, mint := range r.Mints {
		out = appendField(out, tagMint, []byte(mint))
	}
	if r.Description != "" {
		out = appendField(out, tagDescription, []byte(r.Description))
	}
	for _, t := range r.Transports {
		// Left out silently, the payee would wait at a transport that the payer never learnt of.
		if t.Type != "post" {
			return "", badFormat("transport", "of kind %q is not written here", t.Type)
		}
		part, err := appendPart(1, t.Target, t.Tags)
		if err != nil {
			return "", err
		}
		out = appendField(out, tagTransport, part)
	}
	if r.Lock != nil {
		kind := byte(0)
		if r.Lock.Kind == locks[1] {
			kind = 1
		}
		part, err := appendPart(kind, r.Lock.Data, r.Lock.Tags)
		if err != nil {
			return "", err
		}
		out = appendField(out, tagLock, part)
	}
	// Five bits a character of what had eight, and room for prefix and sum: within what DecodeRequest takes.
	if len(out) > MaxTokenText/2 {
		return "", badFormat("request", "is too long")
	}
	five, err := bech32.ConvertBits(out, 8, 5, true)
	if err != nil {
		return "", err
	}
	text, err := bech32.EncodeM(hrpB, five)
	return strings.ToUpper(text), err
}

// appendPart writes a transport or a lock: its kind, what it goes to, and its tags, in which each text has its length
// in a byte.
func appendPart(kind byte, target string, tags [][]string) ([]byte, error) {
	part := appendField(nil, tagKind, []byte{kind})
	part = appendField(part, tagTarget, []byte(target))
	for _, tag := range tags {
		var tuple []byte
		for _, word := range tag {
			if len(word) > 255 {
				return nil, badFormat("tag", "has a text of more than 255 bytes")
			}
			tuple = append(append(tuple, byte(len(word))), word...)
		}
		part = appendField(part, tagTuple, tuple)
	}
	return part, nil
}

// DecodeRequest reads creqA or creqB. An error is a *FormatError. What is not known in it is passed over; a lock of an
// unknown kind is refused, for who pays without it pays otherwise than was asked.
func DecodeRequest(text string) (*Request, error) {
	text = strings.TrimSpace(text)
	if len(text) > MaxTokenText {
		return nil, badFormat("request", "has more than %d characters", MaxTokenText)
	}
	r := new(Request)
	var err error
	switch {
	case len(text) > 5 && strings.EqualFold(text[:5], "creqa"):
		var raw []byte
		if raw, err = base64.RawURLEncoding.DecodeString(strings.TrimRight(strings.NewReplacer("+", "-", "/",
			"_").Replace(text[5:]), "=")); err != nil {
			return nil, badFormat("request", "is not in base64url")
		}
		if err = decodeMode.Unmarshal(raw, r); err != nil {
			return nil, badFormat("request", "is not what creqA holds: %v", err)
		}
	case len(text) > 6 && strings.EqualFold(text[:6], "creqb1"):
		err = r.decodeB(text)
	default:
		return nil, badFormat("request", "begins with neither creqA nor creqB1")
	}
	switch {
	case err != nil:
		return nil, err
	case r.Amount > 1<<62:
		return nil, badFormat("amount", "is beyond 2^62")
	// NUT-18: an amount without its unit could be paid in anything.
	case r.Amount != 0 && r.Unit == "":
		return nil, badFormat("unit", "must be said where an amount is")
	case r.Lock != nil && (r.Lock.Kind != locks[0] && r.Lock.Kind != locks[1]):
		return nil, badFormat("nut10", "wants a lock of a kind that is not known here")
	}
	return r, nil
}

func (r *Request) decodeB(text string) error {
	hrp, five, version, err := bech32.DecodeNoLimitWithVersion(text)
	if err != nil || hrp != hrpB || version != bech32.VersionM {
		return badFormat("request", "is not bech32m")
	}
	raw, err := bech32.ConvertBits(five, 5, 8, false)
	if err != nil {
		return badFormat("request", "is not bech32m of bytes")
	}
	return fields(raw, func(tag byte, value []byte) (err error) {
		switch tag {
		case tagID:
			r.ID = string(value)
		case tagAmount:
			if len(value) != 8 {
				return badFormat("amount", "has %d bytes, must have 8", len(value))
			}
			r.Amount = binary.BigEndian.Uint64(value)
		case tagUnit:
			if r.Unit = string(value); len(value) == 1 && value[0] == 0 {
				r.Unit = "sat"
			}
		case tagSingle:
			r.Single = len(value) == 1 && value[0] == 1
		case tagMint:
			r.Mints = append(r.Mints, string(value))
		case tagDescription:
			r.Description = string(value)
		case tagTransport:
			t := Transport{}
			if t.Type, t.Target, t.Tags, err = decodePart(value, transports); err == nil {
				if t.Type == "nostr" { // a key of 32 bytes, for whoever speaks it
					t.Target = hex.EncodeToString([]byte(t.Target))
				}
				r.Transports = append(r.Transports, t)
			}
		case tagLock:
			r.Lock = new(Lock)
			r.Lock.Kind, r.Lock.Data, r.Lock.Tags, err = decodePart(value, locks)
		}
		return err
	})
}

// fields goes through a sequence of tag, length and value. Tags that are not known are passed over.
func fields(raw []byte, each func(tag byte, value []byte) error) error {
	for len(raw) > 0 {
		if len(raw) < 3 || len(raw)-3 < int(binary.BigEndian.Uint16(raw[1:])) {
			return badFormat("request", "is torn")
		}
		size := 3 + int(binary.BigEndian.Uint16(raw[1:]))
		if err := each(raw[0], raw[3:size]); err != nil {
			return err
		}
		raw = raw[size:]
	}
	return nil
}

func decodePart(raw []byte, names []string) (kind, target string, tags [][]string, err error) {
	err = fields(raw, func(tag byte, value []byte) error {
		switch tag {
		case tagKind:
			kind = "unknown"
			if len(value) == 1 && int(value[0]) < len(names) {
				kind = names[value[0]]
			}
		case tagTarget:
			target = string(value)
		case tagTuple:
			var words []string
			for len(value) > 0 {
				size := 1 + int(value[0])
				if len(value) < size {
					return badFormat("tag", "is torn")
				}
				words, value = append(words, string(value[1:size])), value[size:]
			}
			tags = append(tags, words)
		}
		return nil
	})
	return kind, target, tags, err
}
