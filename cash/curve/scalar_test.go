package curve

import (
	"bytes"
	"errors"
	"fmt"
	"math/big"
	"testing"

	"github.com/consensys/gnark-crypto/ecc/secp256k1/fr"
	"pgregory.net/rapid"
)

var order = fr.Modulus()

// edges are scalars at which arithmetic goes wrong first: small ones, those next to n, powers of two, λ and its
// neighbours, and numbers whose halves are zero.
func edges() []Scalar {
	l := lambda.big()
	var all []Scalar
	add := func(n *big.Int) {
		var s Scalar
		s.value.setBytes(new(big.Int).Mod(n, order).Bytes())
		if !s.IsZero() {
			all = append(all, s)
		}
	}
	for i := int64(-33); i <= 33; i++ {
		add(big.NewInt(i))
		add(new(big.Int).Add(l, big.NewInt(i)))
		add(new(big.Int).Mul(l, big.NewInt(i)))
		add(new(big.Int).Neg(new(big.Int).Add(l, big.NewInt(i))))
	}
	for i := uint(5); i < 256; i += 5 {
		p := new(big.Int).Lsh(big.NewInt(1), i)
		add(p)
		add(new(big.Int).Sub(p, big.NewInt(1)))
		add(new(big.Int).Neg(p))
	}
	for d := int64(1); d < 64; d += 2 { // the last digits of the base's table
		add(new(big.Int).Mul(big.NewInt(-d), new(big.Int).Lsh(big.NewInt(1), 256)))
		add(new(big.Int).Mul(big.NewInt(-d), new(big.Int).Lsh(big.NewInt(1), 255)))
	}
	return all
}

func anyScalar() *rapid.Generator[Scalar] {
	special := rapid.SampledFrom(edges())
	random := rapid.Custom(func(t *rapid.T) Scalar {
		b := rapid.SliceOfN(rapid.Byte(), ScalarSize, ScalarSize).Draw(t, "bytes")
		if s, err := ParseScalar(b); err == nil {
			return s
		}
		return Scalar{residue{1}}
	})
	return rapid.OneOf(special, random, random)
}

// Numbers modulo n add, multiply and halve as those of the curve's library, and as big ones.
func TestResiduesAgreeWithTheLibrary(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x, y := anyScalar().Draw(t, "x").value, anyScalar().Draw(t, "y").value
		var a, b, want fr.Element
		a.SetBigInt(x.big())
		b.SetBigInt(y.big())
		var z residue
		same := func(name string) {
			t.Helper()
			if z.big().Cmp(want.BigInt(new(big.Int))) != 0 {
				t.Fatalf("%s of %x and %x: %x, want %s", name, x, y, z, want.Text(16))
			}
		}
		z.add(&x, &y)
		want.Add(&a, &b)
		same("add")
		z.sub(&x, &y)
		want.Sub(&a, &b)
		same("sub")
		z.mul(&x, &y)
		want.Mul(&a, &b)
		same("mul")
		z.halve(&x)
		want = a
		want.Halve()
		same("halve")
		wide := rapid.OneOf(rapid.SliceOfN(rapid.Byte(), 0, 64), rapid.Just(bytes.Repeat([]byte{255}, 64)), rapid.Just(order.Bytes())).Draw(t, "wide")
		z.setBytes(wide)
		want.SetBigInt(new(big.Int).SetBytes(wide))
		same("setBytes")
	})
}

func (z *residue) big() *big.Int { return (*element)(z).big() }

// Halving gives k1 + k2·λ = k with both below 2^128, or that near to n; digits give the number back.
func TestScalarsAreHalvedAndRecoded(t *testing.T) {
	check := func(t interface {
		Helper()
		Fatalf(string, ...any)
	}, k *residue) {
		t.Helper()
		k1, k2 := split(k)
		sum := new(big.Int).Mul(k2.big(), lambda.big())
		sum.Add(sum, k1.big()).Mod(sum, order)
		if sum.Cmp(k.big()) != 0 {
			t.Fatalf("halves of %x: their sum is %x", *k, sum)
		}
		for _, h := range []residue{k1, k2} {
			n := h.big()
			if n.BitLen() > 128 && new(big.Int).Sub(order, n).BitLen() > 128 {
				t.Fatalf("a half of %x is %x", *k, n)
			}
		}
		low, high := halves(k)
		if got := meaning(low[:], high[:]); got.Cmp(k.big()) != 0 {
			t.Fatalf("digits of %x mean %x", *k, got)
		}
		all := whole(k)
		if got := meaning(all[:], nil); got.Cmp(k.big()) != 0 {
			t.Fatalf("whole digits of %x mean %x", *k, got)
		}
	}
	for _, k := range append(edges(), Scalar{}) {
		check(t, &k.value)
	}
	rapid.Check(t, func(t *rapid.T) {
		k := anyScalar().Draw(t, "k")
		check(t, &k.value)
	})
}

// meaning is Σ (2·index − 31)·32^i of the low digits, and λ times as much of the high ones.
func meaning(low, high []byte) *big.Int {
	sum := func(digits []byte) *big.Int {
		n := new(big.Int)
		for i := len(digits) - 1; i >= 0; i-- {
			n.Lsh(n, digitBits)
			n.Add(n, big.NewInt(2*int64(digits[i])-31))
		}
		return n
	}
	n := sum(high)
	n.Mul(n, lambda.big())
	n.Add(n, sum(low))
	return n.Mod(n, order)
}

func TestScalarsFromBytes(t *testing.T) {
	bytesOf := func(n *big.Int) []byte { return n.FillBytes(make([]byte, ScalarSize)) }
	for _, c := range []struct {
		name string
		b    []byte
		want Code
	}{
		{"one", bytesOf(big.NewInt(1)), ""},
		{"n − 1", bytesOf(new(big.Int).Sub(order, big.NewInt(1))), ""},
		{"zero", make([]byte, ScalarSize), OutOfRange},
		{"n", bytesOf(order), OutOfRange},
		{"n + 1", bytesOf(new(big.Int).Add(order, big.NewInt(1))), OutOfRange},
		{"all ones", bytes.Repeat([]byte{255}, ScalarSize), OutOfRange},
		{"nothing", nil, BadLength},
		{"31 bytes", make([]byte, 31), BadLength},
		{"33 bytes", make([]byte, 33), BadLength},
	} {
		s, err := ParseScalar(c.b)
		if c.want == "" {
			if back := s.Bytes(); err != nil || !bytes.Equal(back[:], c.b) {
				t.Errorf("%s: %v, back %x", c.name, err, back)
			}
			continue
		}
		if !errors.Is(err, &Error{Code: c.want}) || s != (Scalar{}) {
			t.Errorf("%s: %v, want %s", c.name, err, c.want)
		}
	}
}

// A scalar does not reach a log by a format verb.
func TestScalarsAreNotPrinted(t *testing.T) {
	s := scalar(t, "99fce58439fc37412ab3468b73db0569322588f62fb3a49182d67e23d877824a")
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
		for _, value := range []any{s, &s, DLEQ{s, s}, NewSigner(s)} {
			if text := fmt.Sprintf(verb, value); bytes.Contains([]byte(text), []byte("99fce584")) || len(text) > 80 {
				t.Errorf("%s of %T: %s", verb, value, text)
			}
		}
	}
}

func FuzzParseScalar(f *testing.F) {
	for _, s := range edges()[:40] {
		b := s.Bytes()
		f.Add(b[:])
	}
	f.Add(order.Bytes())
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := ParseScalar(b)
		n := new(big.Int).SetBytes(b)
		if want := len(b) == ScalarSize && n.Sign() > 0 && n.Cmp(order) < 0; (err == nil) != want {
			t.Fatalf("%x: %v", b, err)
		}
		if back := s.Bytes(); err == nil && !bytes.Equal(back[:], b) {
			t.Fatalf("%x came back as %x", b, back)
		}
	})
}
