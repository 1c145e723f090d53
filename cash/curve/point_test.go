package curve

import (
	"bytes"
	"errors"
	"math/big"
	"testing"

	decred "github.com/decred/dcrd/dcrec/secp256k1/v4"
)

const generatorHex = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"

func TestPointsFromBytes(t *testing.T) {
	above := new(big.Int).Add(prime, big.NewInt(1)).FillBytes(make([]byte, 32)) // x = 1 is of a point, p + 1 is no x
	for _, c := range []struct {
		name string
		b    []byte
		want Code
	}{
		{"G", fromHex(t, generatorHex), ""},
		{"−G", append([]byte{3}, fromHex(t, generatorHex)[1:]...), ""},
		{"x = 1", append([]byte{2}, big.NewInt(1).FillBytes(make([]byte, 32))...), ""},
		{"x = p + 1", append([]byte{2}, above...), OutOfRange},
		{"x = 0", append([]byte{2}, make([]byte, 32)...), OffCurve},
		{"x = 5", append([]byte{2}, big.NewInt(5).FillBytes(make([]byte, 32))...), OffCurve},
		{"infinity of 33 bytes", make([]byte, PointSize), BadPrefix},
		{"infinity of one byte", []byte{0}, BadLength},
		{"hybrid prefix", append([]byte{6}, fromHex(t, generatorHex)[1:]...), BadPrefix},
		{"uncompressed", append([]byte{4}, make([]byte, 64)...), BadLength},
		{"uncompressed, cut", append([]byte{4}, make([]byte, 32)...), BadPrefix},
		{"x only", fromHex(t, generatorHex)[1:], BadLength},
		{"nothing", nil, BadLength},
	} {
		p, err := ParsePoint(c.b)
		if c.want == "" {
			if back := p.Bytes(); err != nil || !bytes.Equal(back[:], c.b) || p.IsZero() {
				t.Errorf("%s: %v, back %x", c.name, err, back)
			}
			continue
		}
		if !errors.Is(err, &Error{Code: c.want}) || !p.IsZero() {
			t.Errorf("%s: %v, want %s", c.name, err, c.want)
		}
	}
	if b := (Point{}).Bytes(); b != [PointSize]byte{} {
		t.Errorf("the zero point is written as %x", b)
	}
}

func FuzzParsePoint(f *testing.F) {
	f.Add(fromHex(f, generatorHex))
	f.Add(append([]byte{3}, make([]byte, 32)...))
	f.Add(append([]byte{2}, prime.Bytes()...))
	f.Add(make([]byte, 65))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := ParsePoint(b)
		// decred's also reads uncompressed and hybrid points.
		theirs, theirErr := decred.ParsePubKey(b)
		if (err == nil) != (theirErr == nil && len(b) == PointSize) {
			t.Fatalf("%x: we say %v, decred %v", b, err, theirErr)
		}
		if err != nil {
			if p != (Point{}) || err.(*Error).Code == "" {
				t.Fatalf("%x refused, and yet %v, %v", b, p, err)
			}
			return
		}
		if back := p.Bytes(); !bytes.Equal(back[:], b) {
			t.Fatalf("%x came back as %x", b, back)
		}
		if raw := p.uncompressed(); !bytes.Equal(raw[:], theirs.SerializeUncompressed()) {
			t.Fatalf("%x uncompressed is %x, of decred %x", b, raw, theirs.SerializeUncompressed())
		}
	})
}
