package curve

import (
	"fmt"
	"io"
)

// Scalar is a number from 1 to n − 1, n being the order of the curve: a private key, a blinding factor, half of a
// proof. The zero Scalar is none, and whatever is given one makes infinity of it or refuses.
type Scalar struct{ value residue }

// ParseScalar reads 32 bytes, big-endian.
func ParseScalar(b []byte) (Scalar, error) {
	if len(b) != ScalarSize {
		return Scalar{}, errorf(BadLength, "a scalar has %d bytes, not %d", ScalarSize, len(b))
	}
	var s Scalar
	s.value.setBytes(b)
	if s.Bytes() != [ScalarSize]byte(b) {
		return Scalar{}, errorf(OutOfRange, "a scalar is below the order of the curve")
	}
	if s.IsZero() {
		return Scalar{}, errorf(OutOfRange, "a scalar is not zero")
	}
	return s, nil
}

// IsZero says whether s is the zero Scalar, which is never valid.
func (s Scalar) IsZero() bool { return s.value == residue{} }

// Bytes is the scalar, big-endian.
func (s Scalar) Bytes() (b [ScalarSize]byte) {
	s.value.putBytes(b[:])
	return b
}

// Format hides the scalar from every verb: most are secret, and secrets must not reach a log.
func (s Scalar) Format(f fmt.State, _ rune) { io.WriteString(f, "scalar") }

// randomScalar draws a number below n without bias, up to 2^-128: 384 bits, reduced.
func randomScalar(entropy io.Reader) (e residue, err error) {
	var wide [48]byte
	if _, err := io.ReadFull(entropy, wide[:]); err != nil {
		return e, err
	}
	e.setBytes(wide[:])
	return e, nil
}
