package token

import "unicode/utf8"

// MemoScheme says how a memo's bytes are to be read.
type MemoScheme uint8

const (
	NoMemo        MemoScheme = 0
	PlainMemo     MemoScheme = 1 // UTF-8 that everybody with access to entries reads
	EncryptedMemo MemoScheme = 2 // for the payee alone: an age file
	HashedMemo    MemoScheme = 3 // SHA-256 of 16 salt bytes and the text, which the payer hands over himself
)

// MaxMemo is the most bytes of a memo; an encrypted one has its own, larger bound for the overhead.
const (
	MaxMemo          = 256
	MaxEncryptedMemo = MaxMemo + 256
)

// Memo is the remark of a payment.
type Memo struct {
	Scheme MemoScheme `json:"scheme"`
	Bytes  []byte     `json:"bytes,omitempty"`
}

// Text is a plain memo's text, or empty.
func (m Memo) Text() string {
	if m.Scheme != PlainMemo {
		return ""
	}
	return string(m.Bytes)
}

// Plain makes a memo that everybody may read; empty text makes none.
func Plain(text string) Memo {
	if text == "" {
		return Memo{}
	}
	return Memo{PlainMemo, []byte(text)}
}

// check: a memo has the length of its scheme. What is encrypted or hashed cannot be looked into; plain text must be
// UTF-8, as it is shown.
func (m Memo) check() *Error {
	size := len(m.Bytes)
	switch m.Scheme {
	case NoMemo:
		if size != 0 {
			return Errorf(OutOfRange, "memo", "bytes without a scheme")
		}
	case PlainMemo:
		if size == 0 || size > MaxMemo {
			return Errorf(OutOfRange, "memo", "%d bytes, want 1 to %d", size, MaxMemo)
		}
		if !utf8.Valid(m.Bytes) {
			return Errorf(OutOfRange, "memo", "not UTF-8")
		}
	case EncryptedMemo:
		if size == 0 || size > MaxEncryptedMemo {
			return Errorf(OutOfRange, "memo", "%d bytes, want 1 to %d", size, MaxEncryptedMemo)
		}
	case HashedMemo:
		if size != 32 {
			return Errorf(OutOfRange, "memo", "%d bytes, want 32", size)
		}
	default:
		return Errorf(UnknownKind, "memo", "scheme %d", m.Scheme)
	}
	return nil
}

func appendMemo(b []byte, m Memo) []byte {
	if m.Scheme == NoMemo {
		return append(b, cborNull)
	}
	b = AppendArray(b, 2)
	b = AppendUint(b, uint64(m.Scheme))
	return AppendBytes(b, m.Bytes)
}

// memo reads a memo in its one form: none is null.
func (d *Decoder) memo() (m Memo) {
	if d.Null() {
		return m
	}
	d.Array("memo", 2, 2)
	m.Scheme = MemoScheme(d.Uint("memo.scheme", 255))
	m.Bytes = d.Bytes("memo.bytes", 0, MaxEncryptedMemo)
	if d.err == nil && m.Scheme == NoMemo {
		d.err = Errorf(NotCanonical, "memo", "no memo is written as null")
	}
	return m
}
