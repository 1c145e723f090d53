package curve

import (
	"crypto/sha256"
	"encoding/binary"
	"math/big"
	"testing"

	decred "github.com/decred/dcrd/dcrec/secp256k1/v4"
	"pgregory.net/rapid"
)

// The second opinion: everything that gives a point is done by decred's library too.

func theirScalar(s Scalar) *decred.ModNScalar {
	b := s.Bytes()
	k := new(decred.ModNScalar)
	k.SetByteSlice(b[:])
	return k
}

func theirPoint(p Point) (j decred.JacobianPoint) {
	if p.IsZero() {
		return j
	}
	b := p.Bytes()
	key, err := decred.ParsePubKey(b[:])
	if err != nil {
		panic(err)
	}
	key.AsJacobian(&j)
	return j
}

func ours(t interface{ Fatalf(string, ...any) }, j *decred.JacobianPoint) Point {
	if (j.X.IsZero() && j.Y.IsZero()) || j.Z.IsZero() {
		return Point{}
	}
	j.ToAffine()
	p, err := ParsePoint(decred.NewPublicKey(&j.X, &j.Y).SerializeCompressed())
	if err != nil {
		t.Fatalf("a point of decred's is none here: %v", err)
	}
	return p
}

// anyPoint draws multiples of G by scalars at the edges or random, and hashes.
func anyPoint() *rapid.Generator[Point] {
	return rapid.OneOf(
		rapid.Map(anyScalar(), func(s Scalar) Point { return plainTimes(generator, s) }),
		rapid.Map(rapid.SliceOf(rapid.Byte()), HashToCurve),
	)
}

func TestMultiplesAgreeWithDecred(t *testing.T) {
	check := func(t interface {
		Helper()
		Fatalf(string, ...any)
	}, p Point, k, other Scalar, factor element) {
		t.Helper()
		var base, one, two, sum decred.JacobianPoint
		theirs := theirPoint(p)
		decred.ScalarBaseMultNonConst(theirScalar(k), &base)
		decred.ScalarMultNonConst(theirScalar(k), &theirs, &one)
		decred.ScalarMultNonConst(theirScalar(other), &theirs, &two)
		decred.AddNonConst(&one, &two, &sum)
		if got, want := PublicKey(k), ours(t, &base); got != want {
			t.Fatalf("%s·G = %s, decred says %s", hexScalar(k), got, want)
		}
		tables := newLadder(&p, &factor)
		product, both := tables.multiply(k.value), tables.multiply(k.value, other.value)
		if got, want := product.affineVar(), ours(t, &one); got != want {
			t.Fatalf("%s·%s = %s, decred says %s", hexScalar(k), p, got, want)
		}
		if got, want := both.affineVar(), ours(t, &sum); got != want {
			t.Fatalf("(%s + %s)·%s = %s, decred says %s", hexScalar(k), hexScalar(other), p, got, want)
		}
	}
	all := edges()
	for i, k := range all {
		check(t, generator, k, all[(i*7+3)%len(all)], element{uint64(i)})
		if i%4 != 0 {
			continue
		}
		var opposite Scalar
		opposite.value.sub(&opposite.value, &k.value)
		check(t, generator, k, opposite, element{})
	}
	rapid.Check(t, func(t *rapid.T) {
		check(t, anyPoint().Draw(t, "P"), anyScalar().Draw(t, "k"), anyScalar().Draw(t, "other"), anyElement().Draw(t, "factor"))
	})
}

func TestSumsOfPointsAgreeWithDecred(t *testing.T) {
	check := func(t interface{ Fatalf(string, ...any) }, p, q Point, z1, z2 element) {
		if z1.isZeroVar() || z2.isZeroVar() {
			z1, z2 = one, one
		}
		a, b := theirPoint(p), theirPoint(q)
		var sum, twice decred.JacobianPoint
		decred.AddNonConst(&a, &b, &sum)
		decred.DoubleNonConst(&a, &twice)
		raise := func(p Point, z *element) jacobian { // the same point with another denominator
			j := p.jacobian()
			j.rescale(z)
			j.z.mul(&j.z, z)
			return j
		}
		pj, qj := raise(p, &z1), raise(q, &z2)
		full, mixed, double := pj, pj, jacobian{}
		full.addVar(&qj)
		mixed.addAffineVar(&q)
		double.double(&pj)
		want := ours(t, &sum)
		if got := full.affineVar(); got != want {
			t.Fatalf("%s + %s = %s, decred says %s", p, q, got, want)
		}
		if got := mixed.affineVar(); got != want {
			t.Fatalf("%s + %s = %s with one denominator, decred says %s", p, q, got, want)
		}
		if got, want := double.affineVar(), ours(t, &twice); got != want {
			t.Fatalf("2·%s = %s, decred says %s", p, got, want)
		}
		var d element
		divisor(&d, &p, &q)
		var affine Point
		var inverse element
		inverse.invert(&d)
		addInverted(&affine, &p, &q, &d, &inverse)
		if affine = (Point{affine.x.canonical(), affine.y.canonical()}); affine != want {
			t.Fatalf("%s + %s = %s in affine form, decred says %s", p, q, affine, want)
		}
	}
	opposite := func(p Point) Point {
		j := p.jacobian()
		j.negate()
		return j.affineVar()
	}
	rapid.Check(t, func(t *rapid.T) {
		p, q := anyPoint().Draw(t, "P"), anyPoint().Draw(t, "Q")
		z1, z2 := anyElement().Draw(t, "z1"), anyElement().Draw(t, "z2")
		for _, pair := range [][2]Point{{p, q}, {p, p}, {p, opposite(p)}, {p, Point{}}, {Point{}, q}, {Point{}, Point{}}} {
			check(t, pair[0], pair[1], z1, z2)
		}
	})
}

// Σ dᵢ·Pᵢ, in lists in which points repeat, cancel, and have the same or no coefficients.
func TestLinearCombinationsAgreeWithDecred(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 30).Draw(t, "n")
		few := rapid.SliceOfN(anyPoint(), 1, 4).Draw(t, "points")
		word := rapid.OneOf(rapid.Uint64(), rapid.SampledFrom([]uint64{0, 1, 1<<64 - 1, 1 << 63, 0x5555555555555555, 0x8080808080808080}))
		points, coefficients := make([]Point, n), make([]coefficient, n)
		var want decred.JacobianPoint
		for i := range points {
			points[i] = few[rapid.IntRange(0, len(few)-1).Draw(t, "which")]
			if rapid.Bool().Draw(t, "opposite") {
				points[i].y.negate(&points[i].y)
				points[i].y = points[i].y.canonical()
			}
			coefficients[i] = coefficient{word.Draw(t, "low"), word.Draw(t, "high")}
			var b [16]byte
			binary.BigEndian.PutUint64(b[:], coefficients[i][1])
			binary.BigEndian.PutUint64(b[8:], coefficients[i][0])
			var k decred.ModNScalar
			k.SetByteSlice(b[:])
			p := theirPoint(points[i])
			var term decred.JacobianPoint
			decred.ScalarMultNonConst(&k, &p, &term)
			decred.AddNonConst(&want, &term, &want)
		}
		first, second := linear(coefficients, points, points)
		if want := ours(t, &want); first != want || second != want {
			t.Fatalf("the sum is %s and %s, decred says %s", first, second, want)
		}
	})
}

// Sums of all sizes, and of more points than are held at once, are what the points give one by one; and half way, the
// sum of the coefficients' upper bits.
func TestLinearCombinationsOfManySizes(t *testing.T) {
	source := entropy(11)
	_, few := notes(NewSigner(draw(source)), 64, source)
	for _, n := range []int{1, 2, 3, 63, 64, 1000, maxEntries + 1} {
		points, coefficients := make([]Point, n), randomCoefficients(n, source)
		for i := range points {
			points[i] = few[i%len(few)]
		}
		m := newCombination(coefficients)
		want := func(bottom int) Point {
			factors := make([]residue, len(few))
			for i, d := range coefficients {
				upper := new(big.Int)
				for w := m.windows - 1; w >= bottom; w-- {
					upper.Lsh(upper, uint(m.c)).Add(upper, big.NewInt(int64(m.digits[i*m.windows+w])))
				}
				rest := new(big.Int).Sub(d.big(), new(big.Int).Lsh(upper, uint(bottom*m.c)))
				if rest.BitLen() > bottom*m.c || upper.Sign() < 0 {
					t.Fatalf("the upper digits of %x mean %x", d.big(), upper)
				}
				var r residue
				r.setBytes(upper.Bytes())
				factors[i%len(few)].add(&factors[i%len(few)], &r)
			}
			var sum jacobian
			for i := range factors {
				p := multiplyVar(&few[i], &factors[i])
				sum.addVar(&p)
			}
			return sum.affineVar()
		}
		middle := (coefficientBits - checkBits) / m.c
		var sums [1]jacobian
		m.add(m.windows, middle, sums[:], points)
		if got, want := sums[0].affineVar(), want(middle); got != want {
			t.Errorf("%d points, upper bits: %s, want %s", n, got, want)
		}
		m.add(middle, 0, sums[:], points)
		if got, want := sums[0].affineVar(), want(0); got != want {
			t.Errorf("%d points: %s, want %s", n, got, want)
		}
	}
}

func TestHashToCurveAgreesWithDecred(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		message := rapid.SliceOf(rapid.Byte()).Draw(t, "message")
		inner := sha256.Sum256(append([]byte("Secp256k1_HashToCurve_Cashu_"), message...))
		for counter := uint32(0); ; counter++ {
			x := sha256.Sum256(binary.LittleEndian.AppendUint32(inner[:], counter))
			key, err := decred.ParsePubKey(append([]byte{2}, x[:]...))
			if err != nil {
				continue
			}
			if got := HashToCurve(message).Bytes(); got != [PointSize]byte(key.SerializeCompressed()) {
				t.Fatalf("%x hashes to %x, decred says %x", message, got, key.SerializeCompressed())
			}
			return
		}
	})
}
