package token_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"testing"

	"github.com/fxamacker/cbor/v2"
	"pgregory.net/rapid"

	"github.com/aqsha/aqsha/token"
)

// strict is RFC 8949 §4.2.1 as an independent library has it.
var strict, loose = func() (cbor.EncMode, cbor.DecMode) {
	encoder, err := cbor.CoreDetEncOptions().EncMode()
	if err != nil {
		panic(err)
	}
	decoder, err := cbor.DecOptions{IndefLength: cbor.IndefLengthForbidden, UTF8: cbor.UTF8RejectInvalid, IntDec: cbor.IntDecConvertNone}.DecMode()
	if err != nil {
		panic(err)
	}
	return encoder, decoder
}()

// agrees says whether the independent library reads the bytes as one item and writes the same ones.
func agrees(data []byte) error {
	var item any
	if err := loose.Unmarshal(data, &item); err != nil {
		return err
	}
	again, err := strict.Marshal(item)
	if err == nil && !bytes.Equal(again, data) {
		err = errors.New("the library encodes it otherwise")
	}
	return err
}

func TestDecodeOfEncodeIsTheSame(t *testing.T) {
	for kind := range bodies {
		t.Run(kind.String(), func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				tx := generate(t, kind)
				data := tx.Encode()
				got, err := token.Decode(data)
				if err != nil {
					t.Fatalf("%v: %x", err, data)
				}
				if got.ID() != tx.ID() || got.ValidUntil != tx.ValidUntil || !reflect.DeepEqual(got.Body, tx.Body) || len(got.Witnesses) != len(tx.Witnesses) {
					t.Fatalf("decoded\n%+v, encoded\n%+v", got.Body, tx.Body)
				}
				if !bytes.Equal(got.Encode(), data) {
					t.Fatal("it encodes otherwise")
				}
				if err := agrees(data); err != nil {
					t.Fatalf("%v: %x", err, data)
				}
			})
		})
	}
}

func TestJSONRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tx := generate(t, anyKind.Draw(t, "kind"))
		text, err := json.Marshal(tx)
		if err != nil {
			t.Fatal(err)
		}
		var got token.Transaction
		if err := json.Unmarshal(text, &got); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		if !bytes.Equal(got.Encode(), tx.Encode()) {
			t.Fatalf("JSON changed it: %s", text)
		}
	})
}

// sameMeaning says whether two transactions say the same and bear the same signatures.
func sameMeaning(a, b *token.Transaction) bool {
	return a.ID() == b.ID() && reflect.DeepEqual(a.Witnesses, b.Witnesses)
}

func TestNoTwoEncodingsOfOneTransaction(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tx := generate(t, anyKind.Draw(t, "kind"))
		data := bytes.Clone(tx.Encode())
		altered := alter(t, data)
		if bytes.Equal(altered, data) {
			return
		}
		got, err := token.Decode(altered)
		if err != nil {
			return
		}
		if sameMeaning(got, tx) {
			t.Fatalf("%x\nand\n%x are one transaction", data, altered)
		}
		if !bytes.Equal(got.Encode(), altered) {
			t.Fatalf("%x encodes otherwise", altered)
		}
		if reflect.DeepEqual(got.Body, tx.Body) && got.ValidUntil == tx.ValidUntil && got.ID() != tx.ID() {
			t.Fatalf("one body has two ids: %x", altered)
		}
	})
}

// alter changes an encoding: a bit, a byte, a stretch removed, doubled or inserted, a head in a longer form.
func alter(t *rapid.T, data []byte) []byte {
	at := rapid.IntRange(0, len(data)-1).Draw(t, "at")
	switch rapid.IntRange(0, 6).Draw(t, "how") {
	case 0:
		data[at] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
	case 1:
		data[at] = anyByte.Draw(t, "byte")
	case 2:
		end := min(len(data), at+rapid.IntRange(1, 40).Draw(t, "length"))
		return append(bytes.Clone(data[:at]), data[end:]...)
	case 3:
		end := min(len(data), at+rapid.IntRange(1, 40).Draw(t, "length"))
		return append(bytes.Clone(data[:end]), data[at:]...)
	case 4:
		return append(bytes.Clone(data[:at]), append(rapid.SliceOfN(anyByte, 1, 4).Draw(t, "insert"), data[at:]...)...)
	case 5:
		return widen(data, at)
	default:
		return append(data, rapid.SliceOfN(anyByte, 1, 4).Draw(t, "after")...)
	}
	return data
}

// widen writes the head at a place, if it is one, in the next longer form.
func widen(data []byte, at int) []byte {
	major, info := data[at]&0xe0, data[at]&0x1f
	switch {
	case info < 24:
		return append(append(bytes.Clone(data[:at]), major|24, info), data[at+1:]...)
	case info == 24:
		return append(append(bytes.Clone(data[:at]), major|25, 0), data[at+1:]...)
	}
	return data
}

func TestLongerFormsAreRefused(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tx := generate(t, anyKind.Draw(t, "kind"))
		data := tx.Encode()
		got, err := token.Decode(widen(data, 0)) // the outermost array's head
		var violation *token.Error
		if !errors.As(err, &violation) || violation.Code != token.NotCanonical {
			t.Fatalf("got %v, %v", got, err)
		}
	})
}
