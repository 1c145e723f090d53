package main

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// pairTable is what doublePair needs beside its input: round constants, the words of two paddings,
// and the initial state in the form of the SHA extensions.
func pairTable() (k, padding64, padding32, initial, swap operand.Mem) {
	k = GLOBL("pairk", RODATA|NOPTR)
	for i, c := range roundConstants {
		DATA(4*i, operand.U32(c))
	}
	padding64 = GLOBL("padding64", RODATA|NOPTR) // K + W of the block that ends a message of 64 bytes
	for i, c := range paddingSchedule(512) {
		DATA(4*i, operand.U32(roundConstants[i]+c))
	}
	padding32 = GLOBL("padding32", RODATA|NOPTR) // words 8 to 15 of a message of 32 bytes
	for i, c := range []uint32{1 << 31, 0, 0, 0, 0, 0, 0, 256} {
		DATA(4*i, operand.U32(c))
	}
	initial = GLOBL("pairinitial", RODATA|NOPTR)
	for i, word := range []int{5, 4, 1, 0, 7, 6, 3, 2} {
		DATA(4*i, operand.U32(initialState[word]))
	}
	swap = GLOBL("pairswap", RODATA|NOPTR)
	for i := range 16 {
		DATA(i, operand.U8(i^3))
	}
	return k, padding64, padding32, initial, swap
}

// paddingSchedule expands the block 0x80, zeros, length in bits.
func paddingSchedule(length uint32) (w [64]uint32) {
	w[0], w[15] = 1<<31, length
	for i := 16; i < 64; i++ {
		w[i] = small(w[i-2], 17, 19, 10) + w[i-7] + small(w[i-15], 7, 18, 3) + w[i-16]
	}
	return w
}

func small(x uint32, r1, r2, shift int) uint32 {
	return (x>>r1 | x<<(32-r1)) ^ (x>>r2 | x<<(32-r2)) ^ x>>shift
}

// pair is the double SHA-256 of 64 bytes: two inner nodes of a merkle tree.
func pair() {
	k, padding64, padding32, initial, swap := pairTable()
	TEXT("doublePair", NOSPLIT, "func(digest *[32]byte, data *[64]byte)")
	Doc("doublePair is SHA-256 applied twice to 64 bytes, with the SHA extensions and SSE4.1.")
	digest, data := reg.RAX, reg.RBX
	Load(Param("digest"), digest)
	Load(Param("data"), data)
	abef, cdgh, tmp, saved0, saved1, mask := xmm[1], xmm[2], xmm[7], xmm[8], xmm[9], xmm[10]
	m := [4]reg.VecPhysical{xmm[3], xmm[4], xmm[5], xmm[6]}
	at := func(base operand.Mem, word int) operand.Mem { return base.Offset(4 * word) }
	two := func() {
		SHA256RNDS2(reg.X0, abef, cdgh)
		abef, cdgh = cdgh, abef
	}
	four := func() { two(); PSHUFD(operand.Imm(0x0e), reg.X0, reg.X0); two() }
	block := func() {
		for t := 0; t < 64; t += 4 {
			m0, m1, m2, m3 := m[t/4%4], m[(t/4+1)%4], m[(t/4+2)%4], m[(t/4+3)%4]
			if t >= 16 {
				SHA256MSG1(m1, m0)
				MOVOA(m3, tmp)
				PALIGNR(operand.Imm(4), m2, tmp)
				PADDD(tmp, m0)
				SHA256MSG2(m3, m0)
			}
			MOVOU(at(k, t), reg.X0)
			PADDD(m0, reg.X0)
			four()
		}
	}
	start := func() {
		MOVOU(initial, abef)
		MOVOU(at(initial, 4), cdgh)
		MOVOA(abef, saved0)
		MOVOA(cdgh, saved1)
	}
	MOVOU(swap, mask)
	start()
	for i := range 4 {
		MOVOU(operand.Mem{Base: data, Disp: 16 * i}, m[i])
		PSHUFB(mask, m[i])
	}
	block()
	// The second block of 64 bytes of data is padding alone and the same for all: its schedule with the constants is
	// a table, and no message words are computed.
	PADDD(saved0, abef)
	PADDD(saved1, cdgh)
	MOVOA(abef, saved0)
	MOVOA(cdgh, saved1)
	for t := 0; t < 64; t += 4 {
		MOVOU(at(padding64, t), reg.X0)
		four()
	}
	reorder := func() {
		PADDD(saved0, abef)
		PADDD(saved1, cdgh)
		PSHUFD(operand.Imm(0x1b), abef, m[0])
		PSHUFD(operand.Imm(0x1b), cdgh, m[2])
		MOVOA(m[0], m[1])
		PUNPCKLQDQ(m[2], m[0])
		PUNPCKHQDQ(m[2], m[1])
	}
	reorder()
	start()
	MOVOU(padding32, m[2])
	MOVOU(at(padding32, 4), m[3])
	block()
	reorder()
	PSHUFB(mask, m[0])
	PSHUFB(mask, m[1])
	MOVOU(m[0], operand.Mem{Base: digest})
	MOVOU(m[1], operand.Mem{Base: digest, Disp: 16})
	RET()
}
