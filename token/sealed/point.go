package sealed

import (
	"crypto/sha512"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/oasisprotocol/curve25519-voi/curve"
	"github.com/oasisprotocol/curve25519-voi/curve/scalar"

	"github.com/aqsha/aqsha/token"
)

// Point is a point of ristretto255 in its one encoding.
type Point = token.Hash

// Proof is a challenge and an answer, 32 bytes each, little-endian, both below the group's order.
type Proof [64]byte

// MarshalText writes hexadecimal digits.
func (p Proof) MarshalText() ([]byte, error) { return token.Octets(p[:]).MarshalText() }

// UnmarshalText reads 128 hexadecimal digits.
func (p *Proof) UnmarshalText(text []byte) error {
	var o token.Octets
	if err := o.UnmarshalText(text); err != nil {
		return err
	}
	if len(o) != len(p) {
		return fmt.Errorf("a proof of %d bytes, want %d", len(o), len(p))
	}
	copy(p[:], o)
	return nil
}

// CheckPoint says whether an encoding is a point's, and not the neutral one's.
func CheckPoint(p Point) bool {
	_, ok := decode(p)
	return ok
}

func decode(p Point) (*curve.RistrettoPoint, bool) {
	point := curve.NewRistrettoPoint()
	if _, err := point.SetCompressed((*curve.CompressedRistretto)(&p)); err != nil || point.IsIdentity() {
		return nil, false
	}
	return point, true
}

func encode(p *curve.RistrettoPoint) (encoded Point) {
	(*curve.CompressedRistretto)(&encoded).SetRistrettoPoint(p)
	return encoded
}

func times(p *curve.RistrettoPoint, s *scalar.Scalar) *curve.RistrettoPoint {
	return curve.NewRistrettoPoint().Mul(p, s)
}

func timesBase(s *scalar.Scalar) *curve.RistrettoPoint {
	return curve.NewRistrettoPoint().MulBasepoint(curve.RISTRETTO_BASEPOINT_TABLE, s)
}

func plus(a, b *curve.RistrettoPoint) *curve.RistrettoPoint {
	return curve.NewRistrettoPoint().Add(a, b)
}

// randomScalar draws a scalar other than zero.
func randomScalar(random io.Reader) (*scalar.Scalar, error) {
	for {
		s, err := scalar.New().SetRandom(random)
		if err != nil {
			return nil, fmt.Errorf("drawing a scalar: %w", err)
		}
		if s.Equal(scalar.New()) == 0 {
			return s, nil
		}
	}
}

func bytesOf(s *scalar.Scalar) (b [32]byte) {
	if err := s.ToBytes(b[:]); err != nil {
		panic(err) // 32 bytes are what it wants
	}
	return b
}

// hashToScalar is SHA-512 of a domain and parts, as a little-endian number modulo the group's order. Every part has a
// length that the domain fixes.
func hashToScalar(domain string, parts ...[]byte) *scalar.Scalar {
	h := sha512.New()
	h.Write(append([]byte(domain), 0))
	for _, part := range parts {
		h.Write(part)
	}
	s, err := scalar.NewFromBytesModOrderWide(h.Sum(nil))
	if err != nil {
		panic(err) // 64 bytes are what it wants
	}
	return s
}

// nonce draws the secret of a proof from the secret that it is about, what it is bound to, and randomness: a bad source
// of randomness does not give the secret away.
func nonce(random io.Reader, domain string, secret *scalar.Scalar, context []byte) (*scalar.Scalar, error) {
	var drawn [32]byte
	if _, err := io.ReadFull(random, drawn[:]); err != nil {
		return nil, fmt.Errorf("drawing a proof's secret: %w", err)
	}
	known := bytesOf(secret)
	return hashToScalar(domain+" nonce", known[:], drawn[:], context), nil
}

// prove shows that one secret s makes sB of each base B: the points are in the context already.
func prove(random io.Reader, domain string, context []byte, s *scalar.Scalar,
	bases ...*curve.RistrettoPoint) (proof Proof, _ error) {
	k, err := nonce(random, domain, s, context)
	if err != nil {
		return proof, err
	}
	parts := [][]byte{context}
	for _, base := range bases {
		commitment := encode(times(base, k))
		parts = append(parts, commitment[:])
	}
	c := hashToScalar(domain, parts...)
	answer := scalar.New().Sub(k, scalar.New().Mul(c, s))
	challenge, answered := bytesOf(c), bytesOf(answer)
	copy(proof[:32], challenge[:])
	copy(proof[32:], answered[:])
	return proof, nil
}

// statement is a base and what a proof says is the secret's multiple of it.
type statement struct{ base, multiple *curve.RistrettoPoint }

func (p *Proof) verify(domain string, context []byte, statements ...statement) bool {
	c, err := scalar.NewFromCanonicalBytes(p[:32])
	if err != nil {
		return false
	}
	answer, err := scalar.NewFromCanonicalBytes(p[32:])
	if err != nil {
		return false
	}
	parts := [][]byte{context}
	for _, s := range statements {
		commitment := encode(curve.NewRistrettoPoint().MultiscalarMulVartime(
			[]*scalar.Scalar{answer, c}, []*curve.RistrettoPoint{s.base, s.multiple}))
		parts = append(parts, commitment[:])
	}
	return hashToScalar(domain, parts...).Equal(c) == 1
}

// bound puts together what a proof is bound to.
func bound(parts ...[]byte) (context []byte) {
	for _, part := range parts {
		context = append(context, part...)
	}
	return context
}

func number(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }
