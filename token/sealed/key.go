package sealed

import (
	"github.com/oasisprotocol/curve25519-voi/curve"
	"github.com/oasisprotocol/curve25519-voi/curve/scalar"

	"github.com/aqsha/aqsha/token"
)

// MaxOpeners is the most openers of one key.
const MaxOpeners = token.MaxOpeners

// Key is the openers' joint public key: commitments to a polynomial f, of which opener i, from 1 to Members, has f(i).
// So many openers as there are commitments open together, fewer learn nothing.
type Key struct {
	Members uint8 `json:"members"`
	// a_j G of f(i) = Σ a_j i^j; the first is the key that names are sealed under
	Commitments []Point `json:"commitments"`
}

// Threshold is how many openers it takes.
func (k *Key) Threshold() int { return len(k.Commitments) }

// Check checks the form: 1 ≤ threshold ≤ members ≤ MaxOpeners, points.
func (k *Key) Check() *token.Error {
	if k.Members == 0 || k.Members > MaxOpeners || len(k.Commitments) == 0 || len(k.Commitments) > int(k.Members) {
		return token.Errorf(token.OutOfRange, "commitments", "%d of %d openers, want 1 of 1 to %d of %d",
			len(k.Commitments), k.Members, MaxOpeners, MaxOpeners)
	}
	for _, c := range k.Commitments {
		if !CheckPoint(c) {
			return token.Errorf(token.WeakKey, "commitments", "%s is no point of ristretto255", c)
		}
	}
	return nil
}

// Append encodes the key for those who announce it.
func (k *Key) Append(b []byte) []byte {
	b = token.AppendUint(token.AppendUint(token.AppendArray(b, 3), kindKey), uint64(k.Members))
	b = token.AppendArray(b, len(k.Commitments))
	for _, c := range k.Commitments {
		b = token.AppendBytes(b, c[:])
	}
	return b
}

// DecodeKey reads a key that fills data.
func DecodeKey(data []byte) (*Key, error) {
	return whole(data, func(d *token.Decoder) *Key {
		k := &Key{}
		begin(d, kindKey, 3)
		k.Members = uint8(d.Uint("members", MaxOpeners))
		k.Commitments = decodePoints(d, "commitments")
		if d.Err() == nil {
			if err := k.Check(); err != nil {
				d.Fail(err)
			}
		}
		return k
	})
}

func decodePoints(d *token.Decoder, field string) (points []Point) {
	for range d.Array(field, 1, MaxOpeners) {
		var p Point
		if d.Fixed(field, p[:]); d.Err() != nil {
			return nil
		}
		points = append(points, p)
	}
	return points
}

// public is the point Y that names are sealed under.
func (k *Key) public() (*curve.RistrettoPoint, bool) { return decode(k.Commitments[0]) }

// ofMember is opener i's public key f(i)G, by Horner's rule.
func (k *Key) ofMember(i uint8) (*curve.RistrettoPoint, bool) {
	sum, at := curve.NewRistrettoPoint().Identity(), scalar.NewFromUint64(uint64(i))
	for j := len(k.Commitments) - 1; j >= 0; j-- {
		c, ok := decode(k.Commitments[j])
		if !ok {
			return nil, false
		}
		sum = plus(times(sum, at), c)
	}
	return sum, true
}

// lagrange is the weight of opener i's share among those of members, at zero.
func lagrange(i uint8, members []uint8) *scalar.Scalar {
	above, below := scalar.One(), scalar.One()
	for _, j := range members {
		if j == i {
			continue
		}
		other := scalar.NewFromUint64(uint64(j))
		above = scalar.New().Mul(above, other)
		below = scalar.New().Mul(below, scalar.New().Sub(other, scalar.NewFromUint64(uint64(i))))
	}
	return scalar.New().Mul(above, scalar.New().Invert(below))
}
