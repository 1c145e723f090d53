package curve

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
)

// Signer is one private key of the office, ready for use. It is not changed by its methods, which goroutines may call
// at once.
type Signer struct {
	k   Scalar
	key Point
}

// NewSigner prepares the key k. The zero Scalar is none: a Signer of it signs nothing.
func NewSigner(k Scalar) *Signer {
	return &Signer{k: k, key: PublicKey(k)}
}

// Key is the public key K = k·G.
func (s *Signer) Key() Point { return s.key }

// Format hides the private key from every verb.
func (s *Signer) Format(f fmt.State, _ rune) { io.WriteString(f, "signer of "+s.key.String()) }

// Sign signs a blinded note, C_ = k·B_, and proves that it was done with this key. Signature and proof follow from k
// and B_ alone, so that a lost answer can be made again; entropy only hides k from who measures how long it took.
func (s *Signer) Sign(b_ Point, entropy io.Reader) (c_ Point, proof DLEQ, err error) {
	if b_.IsZero() || s.k.IsZero() {
		return Point{}, DLEQ{}, errorf(Infinity, "a blinded note is a point of the curve, not infinity")
	}
	t, factor, err := masks(entropy)
	if err != nil {
		return Point{}, DLEQ{}, err
	}
	tables := newLadder(&b_, &factor)
	signature := tables.multiply(t, s.without(&t))
	c_ = signature.affineVar()
	r := s.nonce(dleqNonce, b_, c_)
	r1, r2 := multiplyBase(&r), tables.multiply(r.value)
	commitment1, commitment2 := affinePair(&r1, &r2)
	proof.E = challenge(commitment1, commitment2, s.key, c_)
	proof.S = s.respond(r, proof.E, &t)
	return c_, proof, nil
}

// masks draws what hides the key within one multiplication: a number to split it by, and a factor for the coordinates.
func masks(entropy io.Reader) (t residue, factor element, err error) {
	if t, err = randomScalar(entropy); err != nil {
		return t, factor, err
	}
	var b [ScalarSize]byte
	if _, err = io.ReadFull(entropy, b[:]); err != nil {
		return t, factor, err
	}
	factor.setBytes(b[:])
	return t, factor, nil
}

// masksOf are masks that follow from a number which was derived from the private key: for where there is no entropy.
func masksOf(t Scalar) (residue, element) {
	var factor element
	b := t.Bytes()
	sum := sha256.Sum256(b[:])
	factor.setBytes(sum[:])
	return t.value, factor
}

// without is k − t. Whoever chooses the point and measures the time sees numbers that are new each time.
func (s *Signer) without(t *residue) (rest residue) {
	rest.sub(&s.k.value, t)
	return rest
}

// multiply is k·p, in two parts.
func (s *Signer) multiply(p *Point, t *residue, factor *element) Point {
	product := newLadder(p, factor).multiply(*t, s.without(t))
	return product.affineVar()
}

// respond is r + e·k, k in two parts here too.
func (s *Signer) respond(r, e Scalar, t *residue) Scalar {
	var v, w residue
	rest := s.without(t)
	v.mul(&e.value, t)
	w.mul(&e.value, &rest)
	v.add(&v, &r.value)
	v.add(&v, &w)
	return Scalar{v}
}

// Valid says whether c is the signature on y: k·Y = C. What splits the key follows from the key and Y, since no
// entropy is at hand: fresh for each note.
func (s *Signer) Valid(y, c Point) bool {
	if y.IsZero() || c.IsZero() || s.k.IsZero() {
		return false
	}
	t, factor := masksOf(s.nonce(splitNonce, y, c))
	return s.multiply(&y, &t, &factor) == c
}

// smallestBatch is where halving ends: below it, notes one by one cost less than two sums.
const smallestBatch = 16

// ValidBatch says of each pair whether cs[i] is the signature on ys[i]. All are tried at once: Σ dᵢ·Cᵢ = k·Σ dᵢ·Yᵢ
// with coefficients dᵢ of 128 bits, which a forger cannot foresee and meets with a chance of 2^-128. A batch that
// fails is halved, so that a few false notes cost their own search only. It panics if the lists differ in length; if
// entropy fails, all are tried one by one.
func (s *Signer) ValidBatch(ys, cs []Point, entropy io.Reader) []bool {
	if len(ys) != len(cs) {
		panic(errorf(Unequal, "%d points and %d signatures", len(ys), len(cs)))
	}
	valid := make([]bool, len(ys))
	s.validate(ys, cs, valid, entropy)
	return valid
}

func (s *Signer) validate(ys, cs []Point, valid []bool, entropy io.Reader) {
	if len(ys) >= smallestBatch && s.allValid(ys, cs, entropy) {
		for i := range valid {
			valid[i] = true
		}
		return
	}
	if len(ys) < 2*smallestBatch {
		for i := range ys {
			valid[i] = s.Valid(ys[i], cs[i])
		}
		return
	}
	half := len(ys) / 2
	s.validate(ys[:half], cs[:half], valid[:half], entropy)
	s.validate(ys[half:], cs[half:], valid[half:], entropy)
}

// allValid checks the sum of a batch. False also if entropy fails.
func (s *Signer) allValid(ys, cs []Point, entropy io.Reader) bool {
	if anyZero(ys) || anyZero(cs) || s.k.IsZero() {
		return false
	}
	bytes := make([]byte, 16*len(ys))
	if _, err := io.ReadFull(entropy, bytes); err != nil {
		return false
	}
	coefficients := make([]coefficient, len(ys))
	for i := range coefficients {
		coefficients[i] = coefficient{binary.LittleEndian.Uint64(bytes[16*i:]),
			binary.LittleEndian.Uint64(bytes[16*i+8:])}
	}
	t, factor, err := masks(entropy)
	if err != nil {
		return false
	}
	y, c := linear(coefficients, ys, cs)
	return !y.IsZero() && s.multiply(&y, &t, &factor) == c
}

func anyZero(points []Point) bool {
	for i := range points {
		if points[i].IsZero() {
			return true
		}
	}
	return false
}
