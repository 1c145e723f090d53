package curve

import (
	"crypto/sha256"
	"encoding/binary"
)

// hashDomain separates hash-to-curve from other uses of SHA-256 (NUT-00).
const hashDomain = "Secp256k1_HashToCurve_Cashu_"

// HashToCurve is the point of a secret (NUT-00): 02 ‖ SHA256(SHA256(domain ‖ message) ‖ counter), the first that is a
// point. The message is the secret's text as it stands in the note, not what its hexadecimal digits denote. Every
// other x is of a point: that 2^32 in a row are not will not happen.
func HashToCurve(message []byte) Point {
	hash := sha256.New()
	hash.Write([]byte(hashDomain))
	hash.Write(message)
	var text [sha256.Size + 4]byte
	hash.Sum(text[:0])
	for counter := uint32(0); ; counter++ {
		binary.LittleEndian.PutUint32(text[sha256.Size:], counter)
		x := sha256.Sum256(text[:])
		var p Point
		if p.x.setBytes(x[:]) && p.liftX(false) {
			return p
		}
	}
}

// PublicKey is K = k·G.
func PublicKey(k Scalar) Point {
	p := multiplyBase(&k)
	return p.affineVar()
}

// Blind hides a note's point from who signs it: B_ = Y + r·G. Each r is used once.
func Blind(y Point, r Scalar) Point {
	p := multiplyBase(&r)
	p.addAffineVar(&y)
	return p.affineVar()
}

// Unblind turns the signature on B_ into that on Y: C = C_ − r·K. It is the zero Point if C_ is r·K itself, which
// only a false signature is.
func Unblind(c_ Point, r Scalar, key Point) Point {
	if key.IsZero() {
		return c_
	}
	p := newLadder(&key, &unblinded).multiply(r.value)
	p.negate()
	p.addAffineVar(&c_)
	return p.affineVar()
}
