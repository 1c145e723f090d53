package speed

import (
	"crypto/sha256"
	"encoding/binary"
	"io"
	"math/big"

	"github.com/consensys/gnark-crypto/ecc"
	"github.com/consensys/gnark-crypto/ecc/secp256k1"
	"github.com/consensys/gnark-crypto/ecc/secp256k1/fp"
	"github.com/consensys/gnark-crypto/ecc/secp256k1/fr"
)

// gnark does the same work with gnark-crypto, which does not hide the key from a clock and may use whatever it has: of
// signing, the three multiplications with what is parsed before and hashed after; of redeeming, a batch by its sums of
// many points.
type gnark struct {
	k    *big.Int
	base secp256k1.G1Affine
}

func newGnark(k [32]byte) *gnark {
	_, base := secp256k1.Generators()
	return &gnark{new(big.Int).SetBytes(k[:]), base}
}

// lift finds the point of a compressed encoding.
func lift(raw []byte) (p secp256k1.G1Affine, ok bool) {
	p.X.SetBytes(raw[1:])
	return p, liftY(&p, raw[0] == 3)
}

func liftY(p *secp256k1.G1Affine, odd bool) bool {
	var right, seven fp.Element
	right.Square(&p.X).Mul(&right, &p.X).Add(&right, seven.SetUint64(7))
	if p.Y.Sqrt(&right) == nil {
		return false
	}
	if y := p.Y.Bytes(); y[31]&1 == 1 != odd {
		p.Y.Neg(&p.Y)
	}
	return true
}

// sign is k·B, r·G and r·B of a blinded note, and the challenge: the work of a signature with its proof.
func (g *gnark) sign(blinded []byte) (signed secp256k1.G1Affine, err error) {
	b, ok := lift(blinded)
	if !ok {
		return signed, errDisagree
	}
	signed.ScalarMultiplication(&b, g.k)
	nonce := sha256.Sum256(blinded)
	r := new(big.Int).SetBytes(nonce[:])
	var first, second secp256k1.G1Affine
	first.ScalarMultiplication(&g.base, r)
	second.ScalarMultiplication(&b, r)
	text := sha256.New()
	for _, p := range []*secp256k1.G1Affine{&first, &second, &signed} {
		raw := p.RawBytes()
		text.Write(raw[:])
	}
	var e, s, kr fr.Element
	e.SetBytes(text.Sum(nil))
	kr.SetBigInt(g.k)
	s.Mul(&e, &kr)
	return signed, nil
}

// hashToCurveGnark is NUT-00's.
func hashToCurveGnark(secret []byte) (p secp256k1.G1Affine) {
	inner := sha256.Sum256(append([]byte("Secp256k1_HashToCurve_Cashu_"), secret...))
	for counter := uint32(0); ; counter++ {
		x := sha256.Sum256(binary.LittleEndian.AppendUint32(inner[:], counter))
		p.X.SetBytes(x[:])
		if liftY(&p, false) {
			return p
		}
	}
}

// redeem says whether all notes of a batch are genuine: k·Σ d·Y = Σ d·C with random coefficients of 128 bits.
func (g *gnark) redeem(secrets, signed [][]byte, entropy io.Reader) (bool, error) {
	ys, cs := make([]secp256k1.G1Affine, len(secrets)), make([]secp256k1.G1Affine, len(secrets))
	coefficients := make([]fr.Element, len(secrets))
	random := make([]byte, 16*len(secrets))
	if _, err := io.ReadFull(entropy, random); err != nil {
		return false, err
	}
	for i := range secrets {
		ys[i] = hashToCurveGnark(secrets[i])
		var ok bool
		if cs[i], ok = lift(signed[i]); !ok {
			return false, nil
		}
		coefficients[i].SetBytes(random[16*i:][:16])
	}
	var y, c secp256k1.G1Affine
	one := ecc.MultiExpConfig{NbTasks: 1}
	if _, err := y.MultiExp(ys, coefficients, one); err != nil {
		return false, err
	}
	if _, err := c.MultiExp(cs, coefficients, one); err != nil {
		return false, err
	}
	y.ScalarMultiplication(&y, g.k)
	return y.Equal(&c), nil
}
