package curve

import "math/bits"

// Secret scalars are written with odd digits only, so that every scalar takes the same doublings and additions; a
// scalar k for a point that has no table of its own is halved first by the curve's endomorphism, k = k1 + k2·λ. The
// way is libsecp256k1's (src/ecmult_const_impl.h, src/scalar_impl.h), and its proofs of the bounds hold.

const (
	digitBits   = 5
	halfDigits  = 26 // of halves: 130 bits for numbers below 2^129
	wholeDigits = 52 // of scalars: 260 bits for numbers below 2^256
)

// Constants of the endomorphism (libsecp256k1, src/scalar_impl.h): k2 = −c1·b1 − c2·b2 with c1 and c2 the roundings of
// k·g1/2^384 and k·g2/2^384, k1 = k − k2·λ; both are below 2^128, or that near to n.
var (
	lambda  = residue{0xdf02967c1b23bd72, 0x122e22ea20816678, 0xa5261c028812645a, 0x5363ad4cc05c30e0}
	minusB1 = residue{0x6f547fa90abfe4c3, 0xe4437ed6010e8828, 0x0, 0x0}
	minusB2 = residue{0xd765cda83db1562c, 0x8a280ac50774346d, 0xfffffffffffffffe, 0xffffffffffffffff}
	g1      = residue{0xe893209a45dbb031, 0x3daa8a1471e8ca7f, 0xe86c90e49284eb15, 0x3086d221a7d46bcd}
	g2      = residue{0x1571b4ae8ac47f71, 0x221208ac9df506c6, 0x6f547fa90abfe4c4, 0xe4437ed6010e8828}

	// With all bits bᵢ of v taken for digits 2bᵢ − 1, l bits mean 2v − (2^l − 1). So the halves of (k + halfShift)/2,
	// raised by 2^128 to be positive, mean those of k; and so does (k + wholeShift)/2 mean k.
	// (2^130 − 1 − 2^129)·(1 + λ)
	halfShift  = residue{0xb5c2c1dcde9798d9, 0x589ae84826ba29e4, 0xc2bdd6bf7c118d6b, 0xa4e88a7dcb13034e}
	wholeShift = residue{0x2da1732fc9bebef, 0x551231950b75fc44, 0x14, 0x0} // 2^260 − 1
	offset     = residue{2: 1}                                             // 2^128
)

// digits are indices of table.pick, the lowest digit first.
type digits [halfDigits]byte

// halves writes k in two halves of odd digits.
func halves(k *residue) (low, high digits) {
	var s, v1, v2 residue
	s.add(k, &halfShift)
	s.halve(&s)
	v1, v2 = split(&s)
	v1.add(&v1, &offset)
	v2.add(&v2, &offset)
	for i := range low {
		low[i], high[i] = digitOf(&v1, i), digitOf(&v2, i)
	}
	return low, high
}

func digitOf(v *residue, i int) byte {
	at := i * digitBits
	word, shift := at/64, at%64
	d := v[word] >> shift
	if shift > 64-digitBits && word < 3 {
		d |= v[word+1] << (64 - shift)
	}
	return byte(d & (1<<digitBits - 1))
}

// split is k = k1 + k2·λ.
func split(k *residue) (k1, k2 residue) {
	c1, c2 := roundedProduct(k, &g1), roundedProduct(k, &g2)
	c1.mul(&c1, &minusB1)
	c2.mul(&c2, &minusB2)
	k2.add(&c1, &c2)
	k1.mul(&k2, &lambda)
	k1.sub(k, &k1)
	return k1, k2
}

// roundedProduct is k·g/2^384, rounded.
func roundedProduct(k, g *residue) residue {
	t := product(k, g)
	lo, c := bits.Add64(t[6], t[5]>>63, 0)
	return residue{lo, t[7] + c}
}

// whole writes k in odd digits, without halving.
func whole(k *residue) (all [wholeDigits]byte) {
	var s residue
	s.add(k, &wholeShift)
	s.halve(&s)
	for i := range all {
		all[i] = digitOf(&s, i)
	}
	return all
}
