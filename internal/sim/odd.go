package sim

import (
	"crypto/ed25519"
	"crypto/sha512"
	"math/big"
	"slices"

	"github.com/aqsha/aqsha/token"
)

// OddSignature is one that ZIP-215 takes and verifiers without the cofactor refuse: its commitment is moved by the
// point of order two, (0, −1), which takes (x, y) to (−x, −y). The key and its owner are as honest as any. With R' = R
// + T the equation S·B = R' + k·A fails by T, and 8·S·B = 8·R' + 8·k·A holds, since 8·T is the neutral element.
func OddSignature(key token.PrivateKey, digest [32]byte) token.Signature {
	order, _ := new(big.Int).SetString("7237005577332262213973186563042994240857116359379907606001950938285454250989",
		10)
	field := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 255), big.NewInt(19))
	little := func(b []byte) *big.Int {
		b = slices.Clone(b)
		slices.Reverse(b)
		return new(big.Int).SetBytes(b)
	}
	secret := func(seed [32]byte) *big.Int {
		h := sha512.Sum512(seed[:])
		h[0] &= 248
		h[31] = h[31]&63 | 64
		return little(h[:32])
	}
	seed := key.Seed()
	nonce := sha512.Sum512_256(append(seed[:], digest[:]...)) // as good a seed as any
	commitment := slices.Clone([]byte(ed25519.NewKeyFromSeed(nonce[:]).Public().(ed25519.PublicKey)))
	sign := commitment[31] & 0x80
	commitment[31] &= 0x7f
	y := new(big.Int).Sub(field, little(commitment))
	y.FillBytes(commitment)
	slices.Reverse(commitment)
	commitment[31] |= sign ^ 0x80
	public := key.Public()
	challenge := sha512.Sum512(slices.Concat(commitment, public[1:], digest[:]))
	s := new(big.Int).Mul(little(challenge[:]), secret(seed))
	s.Add(s, secret(nonce)).Mod(s, order)
	signature := token.Signature{1}
	copy(signature[1:], commitment)
	scalar := s.FillBytes(make([]byte, 32))
	slices.Reverse(scalar)
	copy(signature[33:], scalar)
	return signature
}
