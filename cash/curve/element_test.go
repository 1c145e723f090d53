package curve

import (
	"math/big"
	"testing"

	decred "github.com/decred/dcrd/dcrec/secp256k1/v4"
	"pgregory.net/rapid"
)

var prime, _ = new(big.Int).SetString("fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2f", 16)

func (z *element) big() *big.Int {
	n := new(big.Int)
	for i := len(z) - 1; i >= 0; i-- {
		n.Lsh(n, 64).Or(n, new(big.Int).SetUint64(z[i]))
	}
	return n
}

// anyElement draws numbers below 2^256, also such as are not below p, and words of all zeros or ones.
func anyElement() *rapid.Generator[element] {
	word := rapid.OneOf(rapid.Uint64(), rapid.SampledFrom([]uint64{0, 1, 1<<64 - 1, 1<<64 - 2, 1 << 63, 1<<64 - fold, 1<<64 - fold - 1, 1<<64 - fold + 1, fold}))
	words := rapid.Custom(func(t *rapid.T) element {
		var e element
		for i := range e {
			e[i] = word.Draw(t, "word")
		}
		return e
	})
	// Where a carry carries again: next to 0, p and 2^256.
	const all = 1<<64 - 1
	edge := rapid.Custom(func(t *rapid.T) element {
		near := rapid.Uint64Range(0, 3).Draw(t, "near")
		return rapid.SampledFrom([]element{
			{near}, {all - near, all, all, all}, {1<<64 - fold - near, all, all, all}, {1<<64 - fold + near, all, all, all},
		}).Draw(t, "edge")
	})
	return rapid.OneOf(words, edge)
}

func TestElementsAgreeWithBigIntegers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x, y := anyElement().Draw(t, "x"), anyElement().Draw(t, "y")
		bx, by := x.big(), y.big()
		var z element
		same := func(name string, want *big.Int) {
			t.Helper()
			want.Mod(want, prime)
			c := z.canonical()
			if got := c.big(); got.Cmp(want) != 0 {
				t.Fatalf("%s of %x and %x: %x, want %x", name, x, y, got, want)
			}
			if z.isZeroVar() != (want.Sign() == 0) {
				t.Fatalf("%s of %x and %x: isZeroVar says %v of %x", name, x, y, z.isZeroVar(), z)
			}
		}
		z.mul(&x, &y)
		same("mul", new(big.Int).Mul(bx, by))
		z.square(&x)
		same("square", new(big.Int).Mul(bx, bx))
		z.add(&x, &y)
		same("add", new(big.Int).Add(bx, by))
		z.sub(&x, &y)
		same("sub", new(big.Int).Sub(bx, by))
		z.negate(&x)
		same("negate", new(big.Int).Neg(bx))
		z.halve(&x)
		same("halve", new(big.Int).Mul(bx, new(big.Int).ModInverse(big.NewInt(2), prime)))
		z.invert(&x)
		inverse := new(big.Int).ModInverse(bx, prime)
		if inverse == nil {
			inverse = new(big.Int)
		}
		same("invert", inverse)
		z.mulGeneric(&x, &y)
		same("mulGeneric", new(big.Int).Mul(bx, by))
		z.squareGeneric(&x)
		same("squareGeneric", new(big.Int).Mul(bx, bx))
		z.squares(&x, 3)
		same("squares", new(big.Int).Exp(bx, big.NewInt(8), prime))
		z.squaresGeneric(&x, 3)
		same("squaresGeneric", new(big.Int).Exp(bx, big.NewInt(8), prime))
		z = x
		z.mul(&z, &z)
		same("mul in place", new(big.Int).Mul(bx, bx))
		if z.sqrt(&x) != (big.Jacobi(new(big.Int).Mod(bx, prime), prime) >= 0) {
			t.Fatalf("sqrt of %x: has it a root?", x)
		}
		if z.sqrt(&x) {
			z.square(&z)
			same("square of the root", new(big.Int).Set(bx))
		}
	})
}

func TestElementsAgreeWithDecred(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x, y := anyElement().Draw(t, "x"), anyElement().Draw(t, "y")
		x, y = x.canonical(), y.canonical()
		var bx, by, bz [32]byte
		x.putBytes(bx[:])
		y.putBytes(by[:])
		var dx, dy decred.FieldVal
		dx.SetBytes(&bx)
		dy.SetBytes(&by)
		dx.Mul(&dy).Normalize()
		var z element
		z.mul(&x, &y)
		z = z.canonical()
		z.putBytes(bz[:])
		if *dx.Bytes() != bz {
			t.Fatalf("%x · %x is %x, decred says %x", bx, by, bz, *dx.Bytes())
		}
		if got := (element{}); !got.setBytes(bz[:]) || got != z {
			t.Fatalf("%x read back: %x", bz, got)
		}
	})
}

// Bytes of p and above are no element.
func TestElementsAreReadBelowPOnly(t *testing.T) {
	for _, c := range []struct {
		add  int64
		want bool
	}{{-1, true}, {0, false}, {1, false}, {fold - 1, false}} {
		var b [32]byte
		new(big.Int).Add(prime, big.NewInt(c.add)).FillBytes(b[:])
		if got := new(element).setBytes(b[:]); got != c.want {
			t.Errorf("p%+d read: %v", c.add, got)
		}
	}
}

// The assembly does what the Go does, word for word, with any numbers: also such as are not below p, or of no point.
func TestAssemblyAgreesWithGo(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func(name string) element { return anyElement().Draw(t, name) }
		p := jacobian{draw("x"), draw("y"), draw("z")}
		q := Point{draw("qx"), draw("qy")}
		var one, two jacobian
		one.double(&p)
		two.doubleGeneric(&p)
		if one != two {
			t.Fatalf("2·%x is %x, in Go %x", p, one, two)
		}
		one = p
		if one.double(&one); one != two {
			t.Fatalf("2·%x in place is %x, in Go %x", p, one, two)
		}
		one, two = p, p
		var h, g element
		one.addAffineStep(&q, &h)
		two.addAffineGeneric(&q, &g)
		if one != two || h != g {
			t.Fatalf("%x + %x is %x, in Go %x", p, q, one, two)
		}
	})
}
