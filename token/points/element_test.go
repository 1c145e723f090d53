package points

import (
	"math/big"
	"math/rand/v2"
	"testing"
)

var prime = new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 255), big.NewInt(19))

func (f fieldElement) big() *big.Int {
	n := new(big.Int)
	for i := 4; i >= 0; i-- {
		n.Lsh(n, 51).Add(n, new(big.Int).SetUint64(f[i]))
	}
	return n.Mod(n, prime)
}

// randomElement has limbs up to the most that may come in, often at the very edge.
func randomElement(random *rand.Rand) (f fieldElement) {
	for i := range f {
		switch random.IntN(4) {
		case 0:
			f[i] = 1<<52 - 1
		case 1:
			f[i] = mask51 - uint64(random.IntN(20))
		case 2:
			f[i] = random.Uint64() & mask51
		}
	}
	return f
}

func TestFieldAgreesWithBigIntegers(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		var a, b, product, square, sum, difference element8
		var as, bs [8]fieldElement
		for l := range as {
			as[l], bs[l] = randomElement(random), randomElement(random)
			for i := range a {
				a[i][l], b[i][l] = as[l][i], bs[l][i]
			}
		}
		times := 1 + random.IntN(3)
		if supported {
			product.mul(&a, &b)
			square.square(&a, times)
		}
		sum.add(&a, &b)
		difference.sub(&a, &b)
		for l := range as {
			x, y := as[l].big(), bs[l].big()
			check := func(what string, got fieldElement, want *big.Int) {
				t.Helper()
				if want.Mod(want, prime); got.big().Cmp(want) != 0 {
					t.Fatalf("%s of %x and %x: %x", what, as[l], bs[l], got)
				}
				for _, limb := range got {
					if limb >= 1<<52 {
						t.Fatalf("%s of %x and %x: limb %x", what, as[l], bs[l], limb)
					}
				}
			}
			if supported {
				check("product", product.lane(l), new(big.Int).Mul(x, y))
				power := new(big.Int).Exp(big.NewInt(2), big.NewInt(int64(times)), nil)
				check("square", square.lane(l), new(big.Int).Exp(x, power, prime))
			}
			check("generic product", mulGeneric(as[l], bs[l]), new(big.Int).Mul(x, y))
			check("sum", sum.lane(l), new(big.Int).Add(x, y))
			check("difference", difference.lane(l), new(big.Int).Sub(x, y))
			if c := as[l].canonical(); c.big().Cmp(x) != 0 || (c[4] == mask51 && c[3] == mask51 && c[2] == mask51 && c[1] == mask51 && c[0] >= mask51-18) {
				t.Fatalf("canonical %x is %x", as[l], c)
			}
		}
	}
}
