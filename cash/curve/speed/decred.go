package speed

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
)

// plain is the office as one writes it with decred's library: each note by itself, the key multiplied as it is.
type plain struct {
	k     secp256k1.ModNScalar
	bytes [32]byte
	key   *secp256k1.PublicKey
}

func newPlain(k [32]byte) *plain {
	p := &plain{bytes: k}
	p.k.SetBytes(&k)
	p.key = secp256k1.NewPrivateKey(&p.k).PubKey()
	return p
}

// sign gives C_, e and s for B_ (NUT-00, NUT-12).
func (p *plain) sign(b_ []byte) (answer [97]byte, err error) {
	parsed, err := secp256k1.ParsePubKey(b_)
	if err != nil {
		return answer, fmt.Errorf("blinded note: %w", err)
	}
	var point, product secp256k1.JacobianPoint
	parsed.AsJacobian(&point)
	secp256k1.ScalarMultNonConst(&p.k, &point, &product)
	c_ := affine(&product)

	mac := hmac.New(sha256.New, p.bytes[:])
	mac.Write([]byte("Cashu_DLEQ_R_v1"))
	for _, key := range []*secp256k1.PublicKey{p.key, parsed, c_} {
		mac.Write(key.SerializeUncompressed())
	}
	mac.Write([]byte{0})
	var r, e secp256k1.ModNScalar
	r.SetByteSlice(mac.Sum(nil)) // the second try, once in 2^128, is not what is measured
	var r1, r2 secp256k1.JacobianPoint
	secp256k1.ScalarBaseMultNonConst(&r, &r1)
	secp256k1.ScalarMultNonConst(&r, &point, &r2)

	hash := sha256.New()
	for _, key := range []*secp256k1.PublicKey{affine(&r1), affine(&r2), p.key, c_} {
		hash.Write([]byte(hex.EncodeToString(key.SerializeUncompressed())))
	}
	e.SetByteSlice(hash.Sum(nil))
	s := new(secp256k1.ModNScalar).Mul2(&e, &p.k).Add(&r)

	copy(answer[:33], c_.SerializeCompressed())
	e.PutBytesUnchecked(answer[33:65])
	s.PutBytesUnchecked(answer[65:])
	return answer, nil
}

func affine(p *secp256k1.JacobianPoint) *secp256k1.PublicKey {
	p.ToAffine()
	return secp256k1.NewPublicKey(&p.X, &p.Y)
}

// redeem says whether c is the signature on a secret.
func (p *plain) redeem(secret, c []byte) (bool, error) {
	note, err := secp256k1.ParsePubKey(c)
	if err != nil {
		return false, fmt.Errorf("note: %w", err)
	}
	inner := sha256.Sum256(append([]byte("Secp256k1_HashToCurve_Cashu_"), secret...))
	for counter := uint32(0); ; counter++ {
		x := sha256.Sum256(binary.LittleEndian.AppendUint32(inner[:], counter))
		var y secp256k1.FieldVal
		var px secp256k1.FieldVal
		if px.SetBytes(&x) != 0 || !secp256k1.DecompressY(&px, false, &y) {
			continue
		}
		y.Normalize()
		point := secp256k1.MakeJacobianPoint(&px, &y, new(secp256k1.FieldVal).SetInt(1))
		var product, want secp256k1.JacobianPoint
		secp256k1.ScalarMultNonConst(&p.k, &point, &product)
		note.AsJacobian(&want)
		return product.EquivalentNonConst(&want), nil
	}
}
