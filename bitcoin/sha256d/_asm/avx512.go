package main

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

var zmm = []reg.VecPhysical{
	reg.Z0, reg.Z1, reg.Z2, reg.Z3, reg.Z4, reg.Z5, reg.Z6, reg.Z7, reg.Z8, reg.Z9, reg.Z10, reg.Z11, reg.Z12, reg.Z13,
	reg.Z14, reg.Z15,
	reg.Z16, reg.Z17, reg.Z18, reg.Z19, reg.Z20, reg.Z21, reg.Z22, reg.Z23, reg.Z24, reg.Z25, reg.Z26, reg.Z27, reg.Z28,
	reg.Z29, reg.Z30, reg.Z31,
}

// wide is AVX-512F: 16 lanes, rotations, three-input logic, constants broadcast from memory.
type wide struct {
	p    *program
	u, v vec // scratch registers of its own
}

// Truth tables of VPTERNLOGD, first operand the most significant bit.
const (
	tableXor3     = 0x96
	tableChoose   = 0xca
	tableMajority = 0xe8
)

func word(index int) operand.Mem { return operand.Mem{Base: args.work, Disp: 4 * index} }

func (w wide) add(dst, a, b vec) { w.p.add(func() { VPADDD(b, a, dst) }) }

func (w wide) addConst(dst, a vec, index int) {
	w.p.add(func() { VPADDD_BCST(word(index), a, dst) })
}
func (w wide) load(dst, src vec)            { w.p.add(func() { VMOVDQA64(src, dst) }) }
func (w wide) store(mem, src vec)           { w.p.add(func() { VMOVDQA64(src, mem) }) }
func (w wide) loadConst(dst vec, index int) { w.p.add(func() { VPBROADCASTD(word(index), dst) }) }

func (w wide) bigSigma(dst, x vec, r1, r2, r3 uint64) {
	w.p.add(func() { VPRORD(operand.Imm(r1), x, dst) })
	w.p.add(func() { VPRORD(operand.Imm(r2), x, w.u) })
	w.p.add(func() { VPRORD(operand.Imm(r3), x, w.v) })
	w.p.add(func() { VPTERNLOGD(operand.Imm(tableXor3), w.u, w.v, dst) })
}

func (w wide) smallSigma(dst, x vec, r1, r2, shift uint64) {
	w.p.add(func() { VPRORD(operand.Imm(r1), x, dst) })
	w.p.add(func() { VPRORD(operand.Imm(r2), x, w.u) })
	w.p.add(func() { VPSRLD(operand.Imm(shift), x, w.v) })
	w.p.add(func() { VPTERNLOGD(operand.Imm(tableXor3), w.u, w.v, dst) })
}

func (w wide) choose(dst, e, f, g vec) {
	w.p.add(func() { VMOVDQA64(e, dst) })
	w.p.add(func() { VPTERNLOGD(operand.Imm(tableChoose), g, f, dst) })
}

func (w wide) majority(dst, a, b, c vec) {
	w.p.add(func() { VMOVDQA64(a, dst) })
	w.p.add(func() { VPTERNLOGD(operand.Imm(tableMajority), b, c, dst) })
}

// nonces appends the lanes' nonces: the group's first plus 0, 1, 2, …
func (w wide) nonces(dst vec) {
	w.p.add(func() { VPBROADCASTD(args.nonce.As32(), dst) })
	w.p.add(func() { VPADDD(sequence, dst, dst) })
}

// candidates leaves in the mask register the lanes whose top word is at most the target's.
func (w wide) candidates(last vec) {
	const lessOrEqual = 2
	w.p.add(func() { VBROADCASTI32X4(swapBytes, w.u) })
	w.p.add(func() { VPSHUFB(w.u, last, last) })
	w.p.add(func() { VPBROADCASTD(word(atTop), w.v) })
	w.p.add(func() { VPCMPUD(operand.Imm(lessOrEqual), w.v, last, reg.K1) })
	w.p.add(func() { KMOVW(reg.K1, args.mask.As32()) })
}

var sequence, swapBytes operand.Mem

func tables() {
	sequence = GLOBL("sequence", RODATA|NOPTR)
	for i := range 16 {
		DATA(4*i, operand.U32(i))
	}
	swapBytes = GLOBL("swapbytes", RODATA|NOPTR)
	for i := range 16 {
		DATA(i, operand.U8(i^3))
	}
}

// avx512 keeps everything in registers: 8 of state, 16 of message, 4 scratch.
func avx512() {
	tables()
	begin("scanAVX512", "scanAVX512 hashes 16 headers at a time with AVX-512 F and BW.")
	var p program
	l := &lanes{p: &p, isa: wide{&p, zmm[8], zmm[9]}, t: [2]vec{zmm[10], zmm[11]}}
	for i := range l.state {
		l.state[i] = zmm[i]
	}
	for i := range l.word {
		l.word[i] = zmm[16+i]
	}
	nonce := zmm[12]
	l.isa.(wide).nonces(nonce)
	l.firstHash(nonce)
	l.secondHash(zmm[12])
	l.isa.(wide).candidates(zmm[12])
	p.emit()
	end(16, true)
}
