package token

import (
	"encoding/json"
	"fmt"
	"slices"
)

// ValueType says what a Value is.
type ValueType uint8

const (
	IntValue   ValueType = 1
	BoolValue  ValueType = 2
	TextValue  ValueType = 3
	BytesValue ValueType = 4
	IntsValue  ValueType = 5
)

// MaxValueBytes is the most bytes of a text or byte string among a contract's terms or an action's
// arguments, and MaxValueInts the most numbers of a list.
const (
	MaxValueBytes = 1024
	MaxValueInts  = 64
)

// Value is a term of a contract or an argument of an action.
type Value struct {
	Type ValueType
	Int  int64   // of IntValue; 1 or 0 of BoolValue
	Text string  // of TextValue and BytesValue
	Ints []int64 // of IntsValue
}

// Int, Bool, Text, Bytes and Ints make values.
func Int(n int64) Value     { return Value{Type: IntValue, Int: n} }
func Text(s string) Value   { return Value{Type: TextValue, Text: s} }
func Bytes(b []byte) Value  { return Value{Type: BytesValue, Text: string(b)} }
func Ints(n []int64) Value  { return Value{Type: IntsValue, Ints: slices.Clone(n)} }
func (v Value) Truth() bool { return v.Type == BoolValue && v.Int == 1 }

func Bool(truth bool) Value {
	if truth {
		return Value{Type: BoolValue, Int: 1}
	}
	return Value{Type: BoolValue}
}

func (t ValueType) String() string {
	switch t {
	case IntValue:
		return "int"
	case BoolValue:
		return "bool"
	case TextValue:
		return "text"
	case BytesValue:
		return "bytes"
	case IntsValue:
		return "ints"
	}
	return fmt.Sprintf("type-%d", uint8(t))
}

// AppendValue encodes a value; its CBOR type says which it is.
func AppendValue(b []byte, v Value) []byte {
	switch v.Type {
	case IntValue:
		return AppendInt(b, v.Int)
	case BoolValue:
		return AppendBool(b, v.Int == 1)
	case TextValue:
		return AppendText(b, v.Text)
	case BytesValue:
		return AppendBytes(b, []byte(v.Text))
	case IntsValue:
		b = AppendArray(b, len(v.Ints))
		for _, n := range v.Ints {
			b = AppendInt(b, n)
		}
		return b
	}
	panic(fmt.Sprintf("value of type %d", v.Type))
}

// Value reads what AppendValue wrote.
func (d *Decoder) Value(field string) (v Value) {
	if d.err != nil {
		return v
	}
	if d.pos >= len(d.data) {
		d.err = Errorf(NotCanonical, field, "the bytes end here")
		return v
	}
	switch d.data[d.pos] >> 5 {
	case majorUint, majorNegint:
		return Int(d.Int(field))
	case majorText:
		return Text(d.Text(field, 0, MaxValueBytes))
	case majorBytes:
		return Bytes(d.Bytes(field, 0, MaxValueBytes))
	case majorArray:
		n := d.Array(field, 0, MaxValueInts)
		v = Value{Type: IntsValue, Ints: make([]int64, 0, n)}
		for range n {
			v.Ints = append(v.Ints, d.Int(field))
		}
		return v
	}
	return Bool(d.Bool(field))
}

// MaxValues is the most terms of a contract, or arguments of an action.
const MaxValues = 32

// AppendValues and Values are a list of them.
func AppendValues(b []byte, values []Value) []byte {
	b = AppendArray(b, len(values))
	for _, v := range values {
		b = AppendValue(b, v)
	}
	return b
}

// Values reads what AppendValues wrote; nil after an error.
func (d *Decoder) Values(field string) []Value {
	n := d.Array(field, 0, MaxValues)
	values := make([]Value, 0, n)
	for range n {
		if d.err != nil {
			return nil
		}
		values = append(values, d.Value(field))
	}
	return values
}

// valueJSON has exactly one member: a number beyond 2^53 is exact in Go and in "int" as text.
type valueJSON struct {
	Int   *int64  `json:"int,omitempty,string"`
	Bool  *bool   `json:"bool,omitempty"`
	Text  *string `json:"text,omitempty"`
	Bytes *Octets `json:"bytes,omitempty"`
	Ints  []int64 `json:"ints,omitempty"`
}

// Octets are bytes that JSON shows in hexadecimal.
type Octets []byte

func (o Octets) MarshalText() ([]byte, error) { return hexText(o), nil }

func (o *Octets) UnmarshalText(text []byte) error {
	if len(text)%2 != 0 {
		return fmt.Errorf("want an even number of hexadecimal digits")
	}
	*o = make([]byte, len(text)/2)
	return fromHex(*o, text)
}

// MarshalJSON writes {"int": "5"}, {"bool": true}, {"text": "…"}, {"bytes": "hex"} or {"ints": […]}.
func (v Value) MarshalJSON() ([]byte, error) {
	var form valueJSON
	switch v.Type {
	case IntValue:
		form.Int = &v.Int
	case BoolValue:
		truth := v.Truth()
		form.Bool = &truth
	case TextValue:
		form.Text = &v.Text
	case BytesValue:
		octets := Octets(v.Text)
		form.Bytes = &octets
	default:
		return json.Marshal(map[string][]int64{"ints": append([]int64{}, v.Ints...)})
	}
	return json.Marshal(form)
}

// UnmarshalJSON reads what MarshalJSON writes.
func (v *Value) UnmarshalJSON(data []byte) error {
	var form valueJSON
	if err := strictJSON(data, &form); err != nil {
		return err
	}
	found := 0
	set := func(is bool, value func() Value) {
		if is {
			*v = value()
			found++
		}
	}
	set(form.Int != nil, func() Value { return Int(*form.Int) })
	set(form.Bool != nil, func() Value { return Bool(*form.Bool) })
	set(form.Text != nil, func() Value { return Text(*form.Text) })
	set(form.Bytes != nil, func() Value { return Bytes(*form.Bytes) })
	set(form.Ints != nil, func() Value { return Ints(form.Ints) })
	if found != 1 {
		return fmt.Errorf("a value has one of int, bool, text, bytes, ints")
	}
	return nil
}

// CheckValues says whether values fit a transaction.
func CheckValues(field string, values []Value) *Error {
	if len(values) > MaxValues {
		return Errorf(TooMany, field, "%d items, at most %d", len(values), MaxValues)
	}
	for _, v := range values {
		if v.Type < IntValue || v.Type > IntsValue {
			return Errorf(UnknownKind, field, "value of type %d", v.Type)
		}
		if len(v.Text) > MaxValueBytes {
			return Errorf(OutOfRange, field, "%d bytes, at most %d", len(v.Text), MaxValueBytes)
		}
		if len(v.Ints) > MaxValueInts {
			return Errorf(TooMany, field, "%d numbers, at most %d", len(v.Ints), MaxValueInts)
		}
	}
	return nil
}
