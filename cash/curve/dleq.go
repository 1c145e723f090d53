package curve

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
)

// DLEQ proves that the key of K = k·G made C_ = k·B_ (NUT-12), a proof of Chaum and Pedersen: E is the hash of the two
// commitments r·G and r·B_, S is r + E·k.
type DLEQ struct{ E, S Scalar }

// Prefixes of what nonces are derived from. The first is NUT-12's; the others are ours and keep the uses apart.
const (
	dleqNonce  = "Cashu_DLEQ_R_v1"
	splitNonce = "Aqsha_Split_v1"
	blockNonce = "Aqsha_Block_R_v1"
)

// VerifyDLEQ checks that whoever knows the private key of key signed b_ as c_.
func VerifyDLEQ(key, b_, c_ Point, d DLEQ) bool {
	if key.IsZero() || b_.IsZero() || c_.IsZero() || d.E.IsZero() || d.S.IsZero() {
		return false
	}
	r1, r2, ok := commitments(key, b_, c_, d)
	return ok && challenge(r1, r2, key, c_) == d.E
}

// VerifyNoteDLEQ checks, for a holder who was given a note and its blinding factor r, that the note was signed with
// the key: B_ = Y + r·G and C_ = C + r·K are computed again (NUT-12, "Carol").
func VerifyNoteDLEQ(key Point, secret []byte, c Point, r Scalar, d DLEQ) bool {
	if key.IsZero() || c.IsZero() || r.IsZero() {
		return false
	}
	b_, c_ := Rebuild(key, secret, c, r)
	return VerifyDLEQ(key, b_, c_, d)
}

// VerifyOuterDLEQ is VerifyNoteDLEQ for whoever has the point of a note's secret, and not the secret.
func VerifyOuterDLEQ(key, y, c Point, r Scalar, d DLEQ) bool {
	mask := newLadder(&key, &unblinded).multiply(r.value)
	mask.addAffineVar(&c)
	return VerifyDLEQ(key, Blind(y, r), mask.affineVar(), d)
}

// Rebuild is what was signed and the signature, as the office saw them, for a holder who has a note's blinding factor.
func Rebuild(key Point, secret []byte, c Point, r Scalar) (b_, c_ Point) {
	mask := newLadder(&key, &unblinded).multiply(r.value)
	mask.addAffineVar(&c)
	return Blind(HashToCurve(secret), r), mask.affineVar()
}

// commitments are s·G − e·K and s·B − e·C: what the prover committed to, if the proof is true. False if one is
// infinity.
func commitments(key, b, c Point, d DLEQ) (r1, r2 Point, ok bool) {
	first, second := multiplyBase(&d.S), newLadder(&b, &unblinded).multiply(d.S.value)
	for _, part := range []struct {
		sum *jacobian
		of  *Point
	}{{&first, &key}, {&second, &c}} {
		p := newLadder(part.of, &unblinded).multiply(d.E.value)
		p.negate()
		part.sum.addVar(&p)
	}
	r1, r2 = affinePair(&first, &second)
	return r1, r2, !r1.IsZero() && !r2.IsZero()
}

// challenge is NUT-12's hash: SHA-256 of the hexadecimal text of the uncompressed points.
func challenge(r1, r2, key, c_ Point) Scalar {
	var text [4 * 130]byte
	for i, p := range [...]Point{r1, r2, key, c_} {
		b := p.uncompressed()
		hex.Encode(text[130*i:], b[:])
	}
	sum := sha256.Sum256(text[:])
	var e Scalar
	e.value.setBytes(sum[:])
	return e
}

// nonce derives a number from the private key, a prefix and points, the first of NUT-12's tries that is a scalar: no
// number generator that can fail, and none that a repeated request could make answer twice differently.
func (s *Signer) nonce(prefix string, b, c Point) Scalar {
	k, key, rawB, rawC := s.k.Bytes(), s.key.uncompressed(), b.uncompressed(), c.uncompressed()
	text := make([]byte, 0, len(prefix)+3*65)
	text = append(append(append(append(text, prefix...), key[:]...), rawB[:]...), rawC[:]...)
	return derive(k[:], text)
}

// derive is HMAC-SHA256(key, text ‖ counter), from 0, the first from 1 to n − 1. One try in 2^128 fails; 256 in a row
// do not.
func derive(key, text []byte) Scalar {
	mac := hmac.New(sha256.New, key)
	for counter := range 256 {
		mac.Reset()
		mac.Write(text)
		mac.Write([]byte{byte(counter)})
		if r, err := ParseScalar(mac.Sum(nil)); err == nil {
			return r
		}
	}
	panic("curve: 256 hashes in a row are no scalar")
}
