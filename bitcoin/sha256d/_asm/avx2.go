package main

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

var ymm = []reg.VecPhysical{
	reg.Y0, reg.Y1, reg.Y2, reg.Y3, reg.Y4, reg.Y5, reg.Y6, reg.Y7, reg.Y8, reg.Y9, reg.Y10, reg.Y11, reg.Y12, reg.Y13,
	reg.Y14, reg.Y15,
}

// narrow is AVX2: 8 lanes, no rotations, constants repeated eight times in memory.
type narrow struct {
	p    *program
	u, v vec
}

func repeated(index int) operand.Mem { return operand.Mem{Base: args.work, Disp: 32 * index} }

func (n narrow) add(dst, a, b vec) { n.p.add(func() { VPADDD(b, a, dst) }) }

func (n narrow) addConst(dst, a vec, index int) {
	n.p.add(func() { VPADDD(repeated(index), a, dst) })
}
func (n narrow) load(dst, src vec)            { n.p.add(func() { VMOVDQA(src, dst) }) }
func (n narrow) store(mem, src vec)           { n.p.add(func() { VMOVDQA(src, mem) }) }
func (n narrow) loadConst(dst vec, index int) { n.load(dst, repeated(index)) }

// rotate xors x rotated right by r into dst, which must hold something already.
func (n narrow) rotate(dst, x vec, r uint64) {
	n.p.add(func() { VPSRLD(operand.Imm(r), x, n.u) })
	n.p.add(func() { VPXOR(n.u, dst, dst) })
	n.p.add(func() { VPSLLD(operand.Imm(32-r), x, n.u) })
	n.p.add(func() { VPXOR(n.u, dst, dst) })
}

func (n narrow) bigSigma(dst, x vec, r1, r2, r3 uint64) {
	n.p.add(func() { VPSRLD(operand.Imm(r1), x, dst) })
	n.p.add(func() { VPSLLD(operand.Imm(32-r1), x, n.u) })
	n.p.add(func() { VPXOR(n.u, dst, dst) })
	n.rotate(dst, x, r2)
	n.rotate(dst, x, r3)
}

func (n narrow) smallSigma(dst, x vec, r1, r2, shift uint64) {
	n.load(n.v, x)
	n.p.add(func() { VPSRLD(operand.Imm(shift), n.v, dst) })
	n.rotate(dst, n.v, r1)
	n.rotate(dst, n.v, r2)
}

// choose is g ^ (e & (f ^ g)).
func (n narrow) choose(dst, e, f, g vec) {
	n.p.add(func() { VPXOR(f, g, dst) })
	n.p.add(func() { VPAND(e, dst, dst) })
	n.p.add(func() { VPXOR(g, dst, dst) })
}

// majority is b ^ ((a ^ b) & (b ^ c)).
func (n narrow) majority(dst, a, b, c vec) {
	n.p.add(func() { VPXOR(a, b, dst) })
	n.p.add(func() { VPXOR(b, c, n.u) })
	n.p.add(func() { VPAND(n.u, dst, dst) })
	n.p.add(func() { VPXOR(b, dst, dst) })
}

// avx2 keeps the message words in memory.
func avx2() {
	begin("scanAVX2", "scanAVX2 hashes 8 headers at a time with AVX2. Its work is repeated eight times.")
	var p program
	n := narrow{&p, ymm[8], ymm[9]}
	l := &lanes{p: &p, isa: n, t: [2]vec{ymm[10], ymm[11]}, inMem: true}
	for i := range l.state {
		l.state[i] = ymm[i]
	}
	for i := range l.word {
		l.word[i] = operand.Mem{Base: args.scratch, Disp: 32 * i}
	}
	nonce, last := ymm[12], ymm[13]
	p.add(func() { VMOVD(args.nonce.As32(), nonce.AsX()) })
	p.add(func() { VPBROADCASTD(nonce.AsX(), nonce) })
	p.add(func() { VPADDD(sequence, nonce, nonce) })
	l.firstHash(nonce)
	l.secondHash(last)
	p.add(func() { VBROADCASTI128(swapBytes, n.u) })
	p.add(func() { VPSHUFB(n.u, last, last) })
	// There is no unsigned comparison: x ≤ y when the smaller of them is x.
	p.add(func() { VPMINUD(repeated(atTop), last, n.v) })
	p.add(func() { VPCMPEQD(n.v, last, last) })
	p.add(func() { VMOVMSKPS(last, args.mask.As32()) })
	p.emit()
	end(8, true)
}
