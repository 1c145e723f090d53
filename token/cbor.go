package token

import (
	"math"
	"unicode/utf8"
)

// CBOR major types (RFC 8949 §3.1), the ones a transaction uses.
const (
	majorUint   = 0
	majorNegint = 1
	majorBytes  = 2
	majorText   = 3
	majorArray  = 4
	majorSimple = 7

	cborFalse = 0xf4
	cborTrue  = 0xf5
	cborNull  = 0xf6
)

// AppendHead appends the head of an item: its major type and argument in the shortest form.
func appendHead(b []byte, major byte, argument uint64) []byte {
	major <<= 5
	switch {
	case argument < 24:
		return append(b, major|byte(argument))
	case argument <= math.MaxUint8:
		return append(b, major|24, byte(argument))
	case argument <= math.MaxUint16:
		return append(b, major|25, byte(argument>>8), byte(argument))
	case argument <= math.MaxUint32:
		return append(b, major|26, byte(argument>>24), byte(argument>>16), byte(argument>>8), byte(argument))
	}
	return append(b, major|27, byte(argument>>56), byte(argument>>48), byte(argument>>40), byte(argument>>32),
		byte(argument>>24), byte(argument>>16), byte(argument>>8), byte(argument))
}

// AppendUint, AppendBytes, AppendText, AppendArray and AppendBool write deterministic CBOR.
func AppendUint(b []byte, n uint64) []byte { return appendHead(b, majorUint, n) }

// AppendInt writes an integer of either sign.
func AppendInt(b []byte, n int64) []byte {
	if n < 0 {
		return appendHead(b, majorNegint, uint64(-(n + 1)))
	}
	return appendHead(b, majorUint, uint64(n))
}

func AppendBytes(b, s []byte) []byte { return append(appendHead(b, majorBytes, uint64(len(s))), s...) }

func AppendText(b []byte, s string) []byte {
	return append(appendHead(b, majorText, uint64(len(s))), s...)
}

func AppendArray(b []byte, items int) []byte { return appendHead(b, majorArray, uint64(items)) }

func AppendBool(b []byte, v bool) []byte {
	if v {
		return append(b, cborTrue)
	}
	return append(b, cborFalse)
}

// Decoder reads deterministic CBOR in one pass. The first error sticks; later reads return zero
// values, so a caller decodes a whole structure and asks once.
type Decoder struct {
	data []byte
	pos  int
	err  *Error

	believes bool
}

// NewDecoder reads from data, which must not change while decoded byte strings are in use.
func NewDecoder(data []byte) *Decoder { return &Decoder{data: data} }

// Believe spares the arithmetic of whether a wallet's registered key is a point of the curve and not a weak one, which
// costs more than all else: for bytes whose signatures are believed too, as they were checked before they were written.
func (d *Decoder) Believe() { d.believes = true }

// Err is the first violation met, or nil.
func (d *Decoder) Err() *Error { return d.err }

// Fail records a violation found by the caller.
func (d *Decoder) Fail(e *Error) {
	if d.err == nil {
		d.err = e
	}
}

// Pos is how many bytes were read.
func (d *Decoder) Pos() int { return d.pos }

// Finish checks that nothing is left over.
func (d *Decoder) Finish() *Error {
	if d.err == nil && d.pos != len(d.data) {
		d.err = Errorf(NotCanonical, "", "%d bytes left over", len(d.data)-d.pos)
	}
	return d.err
}

// head reads an item's head and insists on the shortest form.
func (d *Decoder) head(field string) (major byte, argument uint64) {
	if d.err != nil {
		return 0, 0
	}
	if d.pos >= len(d.data) {
		d.err = Errorf(NotCanonical, field, "the bytes end here")
		return 0, 0
	}
	first := d.data[d.pos]
	d.pos++
	major, info := first>>5, first&31
	if info < 24 {
		return major, uint64(info)
	}
	if info > 27 {
		d.err = Errorf(NotCanonical, field, "indefinite or reserved length")
		return 0, 0
	}
	width := 1 << (info - 24)
	if len(d.data)-d.pos < width {
		d.err = Errorf(NotCanonical, field, "the bytes end here")
		return 0, 0
	}
	for _, c := range d.data[d.pos : d.pos+width] {
		argument = argument<<8 | uint64(c)
	}
	d.pos += width
	// RFC 8949 §4.2.1: an argument that fits a shorter form has it. Below 24 it is in the first byte; of 2, 4 or 8
	// bytes it must need the upper half. Simple values have no argument here: true, false and null all fit the first
	// byte.
	least := uint64(24)
	if width > 1 {
		least = 1 << (4 * width)
	}
	if argument < least || major == majorSimple {
		d.err = Errorf(NotCanonical, field, "not the shortest form")
		return 0, 0
	}
	return major, argument
}

func (d *Decoder) expect(field string, want byte) (argument uint64) {
	major, argument := d.head(field)
	if d.err == nil && major != want {
		d.err = Errorf(WrongType, field, "CBOR major type %d, want %d", major, want)
	}
	return argument
}

// Uint reads an unsigned integer of at most max.
func (d *Decoder) Uint(field string, max uint64) uint64 {
	n := d.expect(field, majorUint)
	if d.err == nil && n > max {
		d.err = Errorf(OutOfRange, field, "%d is over %d", n, max)
	}
	if d.err != nil {
		return 0
	}
	return n
}

// Int reads an integer of either sign that fits 64 bits.
func (d *Decoder) Int(field string) int64 {
	major, n := d.head(field)
	switch {
	case d.err != nil:
		return 0
	case major != majorUint && major != majorNegint:
		d.err = Errorf(WrongType, field, "CBOR major type %d, want an integer", major)
		return 0
	case n > math.MaxInt64:
		d.err = Errorf(OutOfRange, field, "an integer beyond 64 bits")
		return 0
	case major == majorNegint:
		return -1 - int64(n)
	}
	return int64(n)
}

// Array reads the head of an array of min to max items and returns their number.
func (d *Decoder) Array(field string, min, max int) int {
	n := d.expect(field, majorArray)
	switch {
	case d.err != nil:
		return 0
	case n > uint64(max):
		d.err = Errorf(TooMany, field, "%d items, at most %d", n, max)
		return 0
	case n < uint64(min):
		d.err = Errorf(TooFew, field, "%d items, at least %d", n, min)
		return 0
	}
	return int(n)
}

// str takes a string's bytes as a slice of what is decoded, with no room behind it, so that appending to it copies.
// The length is held against its bounds and then against what is left, before anything is taken.
func (d *Decoder) str(field string, major byte, min, max int) []byte {
	n := d.expect(field, major)
	switch {
	case d.err != nil:
		return nil
	case n < uint64(min) || n > uint64(max):
		d.err = Errorf(OutOfRange, field, "%d bytes, want %d to %d", n, min, max)
		return nil
	case n > uint64(len(d.data)-d.pos):
		d.err = Errorf(NotCanonical, field, "the bytes end here")
		return nil
	}
	s := d.data[d.pos : d.pos+int(n) : d.pos+int(n)]
	d.pos += int(n)
	return s
}

// Bytes reads a byte string of min to max bytes. The result shares the input's memory.
func (d *Decoder) Bytes(field string, min, max int) []byte {
	return d.str(field, majorBytes, min, max)
}

// Fixed reads a byte string that fills target exactly.
func (d *Decoder) Fixed(field string, target []byte) {
	copy(target, d.str(field, majorBytes, len(target), len(target)))
}

// Text reads a UTF-8 text of min to max bytes.
func (d *Decoder) Text(field string, min, max int) string {
	s := d.str(field, majorText, min, max)
	if d.err == nil && !utf8.Valid(s) {
		d.err = Errorf(NotCanonical, field, "not UTF-8")
	}
	return string(s)
}

// Bool reads true or false.
func (d *Decoder) Bool(field string) bool {
	major, argument := d.head(field)
	if d.err == nil && (major != majorSimple || (argument != cborFalse&31 && argument != cborTrue&31)) {
		d.err = Errorf(WrongType, field, "want true or false")
	}
	return d.err == nil && argument == cborTrue&31
}

// Null consumes a null if one is next, and says so.
func (d *Decoder) Null() bool {
	if d.err == nil && d.pos < len(d.data) && d.data[d.pos] == cborNull {
		d.pos++
		return true
	}
	return false
}
