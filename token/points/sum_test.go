package points

import (
	"math/rand/v2"
	"testing"

	"github.com/oasisprotocol/curve25519-voi/curve"
	"github.com/oasisprotocol/curve25519-voi/curve/scalar"
)

// randomPoints are on the curve, some of them of small order.
func randomPoints(random *rand.Rand, n int) []curve.EdwardsPoint {
	var found []curve.EdwardsPoint
	small := edges()
	for len(found) < n {
		encoded := make([]Encoded, 8)
		for i := range encoded {
			for k := range encoded[i] {
				encoded[i][k] = byte(random.Uint32())
			}
			if random.IntN(8) == 0 {
				encoded[i] = small[random.IntN(len(small))]
			}
		}
		points, valid := make([]curve.EdwardsPoint, 8), make([]bool, 8)
		Decode(points, encoded, valid)
		for i := range points {
			if valid[i] {
				found = append(found, points[i])
			}
		}
	}
	return found[:n]
}

// randomScalar is below 2^253, often at an edge of its digits.
func randomScalar(random *rand.Rand, bytes int) (k [32]byte) {
	for i := range bytes {
		switch random.IntN(4) {
		case 0:
			k[i] = []byte{0, 1, 127, 128, 129, 255}[random.IntN(6)]
		default:
			k[i] = byte(random.Uint32())
		}
	}
	if bytes == 16 {
		k[15] &= 0x3f
	} else {
		k[31] &= 0x0f
	}
	return k
}

func TestSumAgreesWithTheLibrary(t *testing.T) {
	if !Wide() {
		t.Skip("this processor has no AVX-512 IFMA: sums are the library's own")
	}
	random := rand.New(rand.NewPCG(5, 6))
	var s Summer
	for _, n := range []int{0, 1, 2, 7, 30, 100, 300} {
		s.Reset()
		all := randomPoints(random, 2*n)
		var refs []*scalar.Scalar
		var points []*curve.EdwardsPoint
		for i := range all {
			size := 32
			if i < n {
				size = 16
			}
			k := randomScalar(random, size)
			if size == 16 {
				s.AddShort(&all[i], (*[16]byte)(k[:16]))
			} else {
				if i%3 == 0 {
					all[i].Neg(&all[i])
				}
				s.Add(&all[i], &k)
			}
			ref, err := scalar.NewFromBits(k[:])
			if err != nil {
				t.Fatal(err)
			}
			refs, points = append(refs, ref), append(points, &all[i])
		}
		var want curve.EdwardsPoint
		want.MultiscalarMulVartime(refs, points)
		if got := s.Sum(); got.Equal(&want) != 1 {
			t.Fatalf("%d points: another sum", 2*n)
		}
	}
}

func BenchmarkSum(b *testing.B) {
	if !Wide() {
		b.Skip("this processor has no AVX-512 IFMA: sums are the library's own")
	}
	const n = 1024
	random := rand.New(rand.NewPCG(7, 8))
	all := randomPoints(random, 2*n)
	scalars := make([][32]byte, 2*n)
	for i := range scalars {
		scalars[i] = randomScalar(random, 32)
		if i < n {
			scalars[i] = randomScalar(random, 16)
		}
	}
	var s Summer
	for range b.N {
		s.Reset()
		for i := range all {
			if i < n {
				s.AddShort(&all[i], (*[16]byte)(scalars[i][:16]))
			} else {
				s.Add(&all[i], &scalars[i])
			}
		}
		s.Sum()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/pair")
}
