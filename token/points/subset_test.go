package points

import (
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/oasisprotocol/curve25519-voi/curve"
	"github.com/oasisprotocol/curve25519-voi/curve/scalar"
)

// free says by the library's multiplication whether a point has no component of small order.
func free(p *curve.EdwardsPoint) bool {
	var product curve.EdwardsPoint
	var zero scalar.Scalar
	return product.DoubleScalarMulBasepointVartime(scalar.BASEPOINT_ORDER, p, &zero).IsIdentity()
}

// primePoints are of prime order, and decoded.
func primePoints(random *rand.Rand, n int) (found []curve.EdwardsPoint) {
	for _, p := range randomPoints(random, n) {
		p.MulByCofactor(&p)
		var c curve.CompressedEdwardsY
		c.SetEdwardsPoint(&p)
		if _, err := p.SetCompressedY(&c); err != nil {
			panic(err)
		}
		found = append(found, p)
	}
	return found
}

func refs(all []curve.EdwardsPoint) (list []*curve.EdwardsPoint) {
	for i := range all {
		list = append(list, &all[i])
	}
	return list
}

// A sum over subsets shows what the points that are in it show, whichever column and bucket they are in.
func TestTorsionFreeAgreesWithTheLibrary(t *testing.T) {
	if !Wide() {
		t.Skip("this processor has no AVX-512 IFMA: sums are the library's own")
	}
	random := rand.New(rand.NewPCG(9, 10))
	var s Summer
	odd := randomPoints(random, 64)
	for round := range Subsets + 30 {
		all := primePoints(random, random.IntN(40))
		in := make([]uint32, len(all))
		for i := range in {
			in[i] = random.Uint32()
		}
		if !s.TorsionFree(refs(all), in) {
			t.Fatal("points of prime order show a component of small order")
		}
		// Into one subset comes one that has such a component, and into others come two that may make up for each
		// other.
		for range 1 + random.IntN(2) {
			all = append(all, odd[random.IntN(len(odd))])
			mask := random.Uint32() & random.Uint32() & random.Uint32()
			if round < Subsets {
				mask = 1 << round
			}
			in = append(in, mask) //nolint:makezero // behind those that were drawn
		}
		want := true
		for r := range Subsets {
			var sum curve.EdwardsPoint
			sum.Identity()
			for i := range all {
				if in[i]>>r&1 == 1 {
					sum.Add(&sum, &all[i])
				}
			}
			want = want && free(&sum)
		}
		if got := s.TorsionFree(refs(all), in); got != want {
			t.Errorf("round %d, %d points: free %v, by the library %v", round, len(all), got, want)
		}
		// What a Summer sums afterwards is not touched by it.
		if s.Reset(); !s.Sum().IsIdentity() {
			t.Fatal("something is left in the Summer")
		}
	}
}

// Eight points at a time show what each shows alone: with and without components, negated too, in any number.
func TestPrimeOrderAgreesWithTheLibrary(t *testing.T) {
	if !Wide() {
		t.Skip("this processor has no AVX-512 IFMA: points are looked at one by one")
	}
	random := rand.New(rand.NewPCG(11, 12))
	var s Summer
	odd := randomPoints(random, 64)
	both := map[bool]int{}
	for n := range 40 {
		all := primePoints(random, n)
		for i := range all {
			if random.IntN(3) == 0 {
				all[i] = odd[random.IntN(len(odd))]
			}
			if random.IntN(2) == 0 {
				all[i].Neg(&all[i])
			}
		}
		are := make([]bool, n)
		s.PrimeOrder(refs(all), are)
		for i := range all {
			if both[are[i]]++; are[i] != free(&all[i]) {
				t.Errorf("point %d of %d: %v, by the library %v", i, n, are[i], !are[i])
			}
		}
	}
	if both[true] == 0 || both[false] == 0 {
		t.Errorf("points of both kinds were to be met: %v", both)
	}
}

// What is worked on stays on the stack: the kernels keep none of their arguments, and a batch of signatures takes some
// thousand steps.
func TestNothingIsAllocated(t *testing.T) {
	if !Wide() {
		t.Skip("this processor has no AVX-512 IFMA: the library's own arithmetic is used")
	}
	random := rand.New(rand.NewPCG(13, 14))
	var s Summer
	all := primePoints(random, 64)
	pointers, in, are := refs(all), make([]uint32, len(all)), make([]bool, len(all))
	encoded, found := make([]Encoded, len(all)), make([]curve.EdwardsPoint, len(all))
	for i := range all {
		in[i] = random.Uint32()
		var c curve.CompressedEdwardsY
		c.SetEdwardsPoint(&all[i])
		copy(encoded[i][:], c[:])
	}
	for name, work := range map[string]func(){
		"TorsionFree": func() { s.TorsionFree(pointers, in) },
		"PrimeOrder":  func() { s.PrimeOrder(pointers, are) },
		"Decode":      func() { Decode(found, encoded, are) },
	} {
		if allocations := testing.AllocsPerRun(10, work); allocations > 0 {
			t.Errorf("%s allocates %v times", name, allocations)
		}
	}
}

// The steps are L.
func TestStepsOfL(t *testing.T) {
	product, doublings := big.NewInt(1), 0
	for _, s := range stepsOfL {
		doublings += s.doublings
		product.Lsh(product, uint(s.doublings))
		digit := big.NewInt(int64(2*s.multiple + 1))
		if s.negative {
			digit.Neg(digit)
		}
		product.Add(product, digit)
	}
	want, _ := new(big.Int).SetString("27742317777372353535851937790883648493", 10)
	if want.SetBit(want, 252, 1); product.Cmp(want) != 0 || doublings != 252 || len(stepsOfL) > 40 {
		t.Errorf("%d doublings and %d additions make %v", doublings, len(stepsOfL), product)
	}
}
