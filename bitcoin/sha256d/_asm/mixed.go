package main

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// mixedPairs is how often the two SHA streams run while AVX-512 hashes 16 lanes; measured best.
const mixedPairs = 4

// mixed interleaves 16 lanes of AVX-512 with the SHA extensions, which have units of their own.
// SSE code knows registers 0 to 15 only and AVX-512 keeps to those above: a single lower
// register with a wide upper half cost a quarter of the speed.
func mixed() {
	begin("scanMixed", "scanMixed hashes 16 headers with AVX-512 while the SHA extensions hash 8 more.")
	XORL(args.mask.As32(), args.mask.As32())
	var vector program
	w := wide{&vector, zmm[24], zmm[25]}
	l := &lanes{p: &vector, isa: w, t: [2]vec{zmm[26], zmm[27]}, inMem: true}
	for i := range l.state {
		l.state[i] = zmm[16+i]
	}
	for i := range l.word {
		l.word[i] = operand.Mem{Base: args.scratch, Disp: 64 * i}
	}
	beside := &ahead{t: [2]vec{zmm[28], zmm[29]}}
	beside.isa = wide{&beside.program, zmm[30], zmm[31]}
	l.ahead = beside
	last := zmm[28]
	w.nonces(last)
	l.firstHash(last)
	l.secondHash(last)
	w.candidatesInto(last)
	var a, b program
	first, second := newStream(&a, 1, reg.X13), newStream(&b, 7, reg.X14)
	for i := range mixedPairs {
		first.hash(16 + 2*i)
		second.hash(17 + 2*i)
	}
	merge(vector, merge(a, b)).emit()
	end(16+2*mixedPairs, true)
}

// candidatesInto adds the lanes to a mask that others add to.
func (w wide) candidatesInto(last vec) {
	const lessOrEqual = 2
	w.p.add(func() { VBROADCASTI32X4(swapBytes, w.u) })
	w.p.add(func() { VPSHUFB(w.u, last, last) })
	w.p.add(func() { VPBROADCASTD(word(atTop), w.v) })
	w.p.add(func() { VPCMPUD(operand.Imm(lessOrEqual), w.v, last, reg.K1) })
	w.p.add(func() { KMOVW(reg.K1, args.spare.As32()); ORL(args.spare.As32(), args.mask.As32()) })
}
