package sha256d

import (
	"crypto/sha256"
	"encoding/binary"
	"math/bits"
	"unsafe"
)

// Indices into the table, in words; _asm/vector.go and _asm/shani.go name the same. Mid is the state after the
// header's first 64 bytes; State1 (a, e, b, c, d, f, g) the one after round 3 of the second block, without the nonce;
// Top the target's most significant word. Round1, Word1 and Round2, Word2 are, for each round of the first and the
// second hash, the constant and the schedule word as far as they are known; State2 (in the order of State1, then h) is
// after round 0 of the second hash. Last is that h, the initial state's, which is added to the e of round 60. What
// follows is the same in the layout of the SHA extensions, beginning with Pair0.
const (
	atMid    = 0
	atState1 = 8
	atTop    = 15
	atRound1 = 16
	atWord1  = 80
	atRound2 = 144
	atWord2  = 208
	atState2 = 272
	atLast   = 279
	atPair0  = 288
	atPairM  = 296
	atPair2  = 304
	atBlock  = 312
	atSched1 = 320
	atBlock2 = 328
	atK      = 336
	atK1     = 400
	atK2     = 412
	atWord4  = 420
	words    = 424
)

// Work is a header prepared for searching, in some 11 KB. It is not changed by a search, so several may share it.
type Work struct {
	header [80]byte
	target [32]byte // little-endian
	table  []uint32 // 64-byte aligned
	// Only as far as atPair0: the SHA extensions' part is of no use to AVX2.
	wide []uint32 // the table with each word eight times, for AVX2
}

// NewWork prepares a header, whose nonce is ignored, for a target in little-endian order.
func NewWork(header *[80]byte, target *[32]byte) *Work {
	w := &Work{header: *header, target: *target, table: aligned(words), wide: aligned(8 * atPair0)}
	w.table[atTop] = binary.LittleEndian.Uint32(target[28:])
	mid := initial
	compress(&mid, header[:64])
	copy(w.table[atMid:], mid[:])
	w.prepareFirst(mid)
	w.prepareSecond()
	w.preparePairs(mid)
	for i := range atPair0 {
		for lane := range 8 {
			w.wide[8*i+lane] = w.table[i]
		}
	}
	return w
}

// prepareFirst folds the known message words of the header's last 16 bytes, all but word 3.
func (w *Work) prepareFirst(mid [8]uint32) {
	t := w.table
	var m [34]uint32
	for i := range 3 {
		m[i] = binary.BigEndian.Uint32(w.header[64+4*i:])
	}
	m[4], m[15] = 1<<31, 640
	m[16] = sigma0(m[1]) + m[0]
	m[17] = sigma1(m[15]) + sigma0(m[2]) + m[1]
	s := mid
	for i := range 3 {
		s = round(s, k[i]+m[i])
		if i == 1 {
			copy(t[atPair2:], []uint32{s[5], s[4], s[1], s[0], s[7], s[6], s[3], s[2]})
		}
	}
	s = round(s, k[3]) // without the nonce, which is added to a and e
	copy(t[atState1:], []uint32{s[0], s[4], s[1], s[2], s[3], s[5], s[6]})
	for i := 4; i < 64; i++ {
		t[atRound1+i] = k[i]
		if i < 18 {
			t[atRound1+i] += m[i]
		}
	}
	copy(t[atK1:], t[atRound1+4:atRound1+16])
	// h of rounds 4, 5 and 6 is known: h, g and f after round 3.
	for i, h := range []uint32{s[7], s[6], s[5]} {
		t[atRound1+4+i] += h
	}
	c := t[atWord1:]
	c[18] = sigma1(m[16]) + m[2]
	c[19] = sigma1(m[17]) + sigma0(m[4])
	c[20] = m[4]
	c[22], c[23], c[24] = m[15], m[16], m[17]
	c[30] = sigma0(m[15])
	c[31] = sigma0(m[16]) + m[15]
	c[32] = sigma0(m[17]) + m[16]
	c[33] = m[17]
	copy(t[atBlock:], []uint32{m[0], m[1], m[2], 0, 0, 0, 0, m[15]})
	copy(t[atSched1:], []uint32{m[4], 0, m[15], m[16], 0, 0, sigma0(m[15]), m[15] + sigma0(m[16])})
}

// prepareSecond folds the padding of the 32-byte digest, the same for all work.
func (w *Work) prepareSecond() {
	t := w.table
	var m [16]uint32
	m[8], m[15] = 1<<31, 256
	s := round(initial, k[0])
	copy(t[atState2:], []uint32{s[0], s[4], s[1], s[2], s[3], s[5], s[6], initial[7]})
	for i := 1; i < 64; i++ {
		t[atRound2+i] = k[i]
		if i >= 8 && i < 16 {
			t[atRound2+i] += m[i]
		}
	}
	copy(t[atK2:], t[atRound2+8:atRound2+16])
	for i, h := range []uint32{s[7], s[6], s[5]} {
		t[atRound2+1+i] += h
	}
	c := t[atWord2:]
	c[17] = sigma1(m[15])
	c[22], c[23] = m[15], sigma0(m[8])
	c[24] = m[8]
	c[30], c[31] = sigma0(m[15]), m[15]
	copy(t[atBlock2:], []uint32{0, 0, 0, m[15], m[8], 0, 0, 0})
}

// preparePairs lays states out as the SHA extensions take them: F, E, B, A from the lowest lane; H, G, D, C.
func (w *Work) preparePairs(mid [8]uint32) {
	for at, s := range map[int][8]uint32{atPair0: initial, atPairM: mid} {
		copy(w.table[at:], []uint32{s[5], s[4], s[1], s[0], s[7], s[6], s[3], s[2]})
	}
	copy(w.table[atK:], k[:])
	w.table[atWord4] = 1 << 31
}

// Header is the prepared header with a nonce.
func (w *Work) Header(nonce uint32) (header [80]byte) {
	header = w.header
	binary.LittleEndian.PutUint32(header[76:], nonce)
	return header
}

// Hash is the double SHA-256 of the header with a nonce, by the standard library.
func (w *Work) Hash(nonce uint32) [32]byte {
	header := w.Header(nonce)
	return Sum(header[:])
}

// Sum is SHA-256 applied twice, by the standard library.
func Sum(data []byte) [32]byte {
	first := sha256.Sum256(data)
	return sha256.Sum256(first[:])
}

// meets compares as little-endian integers.
func (w *Work) meets(hash [32]byte) bool {
	for i := 31; i >= 0; i-- {
		if hash[i] != w.target[i] {
			return hash[i] < w.target[i]
		}
	}
	return true
}

// aligned allocates words from a 64-byte boundary on, so that no vector load crosses a cache line.
func aligned(n int) []uint32 {
	raw := make([]uint32, n+16)
	skip := (64 - uintptr(unsafe.Pointer(&raw[0]))%64) % 64 / 4
	return raw[skip:][:n]
}

// initial is the initial state and k the round constants of FIPS 180-4, sections 5.3.3 and 4.2.2.
var initial = [8]uint32{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19}

var k = [64]uint32{
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
	0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
	0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
	0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
	0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
	0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
	0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
}

func sigma0(x uint32) uint32 {
	return bits.RotateLeft32(x, -7) ^ bits.RotateLeft32(x, -18) ^ x>>3
}

func sigma1(x uint32) uint32 {
	return bits.RotateLeft32(x, -17) ^ bits.RotateLeft32(x, -19) ^ x>>10
}

// round is one round of FIPS 180-4, section 6.2.2, with constant and message word already added.
func round(s [8]uint32, kw uint32) [8]uint32 {
	a, e := s[0], s[4]
	t1 := s[7] + kw + (bits.RotateLeft32(e, -6) ^ bits.RotateLeft32(e, -11) ^ bits.RotateLeft32(e,
		-25)) + (s[6] ^ e&(s[5]^s[6]))
	t2 := (bits.RotateLeft32(a, -2) ^ bits.RotateLeft32(a, -13) ^ bits.RotateLeft32(a, -22)) + (a&s[1] | s[2]&(a|s[1]))
	return [8]uint32{t1 + t2, a, s[1], s[2], s[3] + t1, e, s[5], s[6]}
}

// compress adds one 64-byte block to a state.
func compress(state *[8]uint32, block []byte) {
	var m [64]uint32
	for i := range 16 {
		m[i] = binary.BigEndian.Uint32(block[4*i:])
	}
	s := *state
	for i := range 64 {
		if i >= 16 {
			m[i] = sigma1(m[i-2]) + m[i-7] + sigma0(m[i-15]) + m[i-16]
		}
		s = round(s, k[i]+m[i])
	}
	for i := range s {
		state[i] += s[i]
	}
}
