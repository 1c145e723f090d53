package main

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

var xmm = []reg.VecPhysical{
	reg.X0, reg.X1, reg.X2, reg.X3, reg.X4, reg.X5, reg.X6, reg.X7, reg.X8, reg.X9, reg.X10, reg.X11, reg.X12, reg.X13,
	reg.X14, reg.X15,
}

// Indices into work for the SHA extensions, in words and on 16-byte boundaries.
const (
	atPair0  = 288 // initial state A, B, E, F, from the highest lane; then C, D, G, H
	atPairM  = 296 // midstate in the same form
	atPair2  = 304 // first hash: state after round 1
	atBlock  = 312 // first hash: W0, W1, W2 and a hole for the nonce; then W12 to W15
	atSched1 = 320 // first hash: known parts of W20 to W23, then of W28 to W31
	atBlock2 = 328 // second hash: W12 to W15; then the known part of W24 to W27
	atK      = 336 // round constants
	atK1     = 400 // first hash: round constants with W, rounds 4 to 15
	atK2     = 412 // second hash: round constants with W, rounds 8 to 15
)

// stream hashes one header after another with the SHA extensions.
// X0 is shared by all streams: a step never leaves anything in it.
type stream struct {
	p          *program
	abef, cdgh reg.VecPhysical
	m          [4]reg.VecPhysical
	tmp        reg.VecPhysical
}

func (s *stream) do(step func()) { s.p.add(step) }

// two rounds with the constants and words in the low half of X0.
func (s *stream) two() {
	SHA256RNDS2(reg.X0, s.abef, s.cdgh)
	s.abef, s.cdgh = s.cdgh, s.abef
}

// knownRounds does four rounds whose words are folded into constants.
func (s *stream) knownRounds(index int) {
	s.do(func() { MOVOA(word(index), reg.X0); s.two(); PSHUFD(operand.Imm(0x0e), reg.X0, reg.X0); s.two() })
}

// rounds does four rounds with message words.
func (s *stream) rounds(t int, m reg.VecPhysical) {
	s.do(func() {
		MOVOA(m, reg.X0)
		PADDD(word(atK+t), reg.X0)
		s.two()
		PSHUFD(operand.Imm(0x0e), reg.X0, reg.X0)
		s.two()
	})
}

// expand computes words t to t+3 in place of those 16 before.
func (s *stream) expand(t int) {
	m0, m1, m2, m3 := s.m[t/4%4], s.m[(t/4+1)%4], s.m[(t/4+2)%4], s.m[(t/4+3)%4]
	s.do(func() { SHA256MSG1(m1, m0) })
	s.addMiddle(m0, m2, m3)
	s.do(func() { SHA256MSG2(m3, m0) })
}

// addMiddle adds words t−7 to t−4, which straddle two registers.
func (s *stream) addMiddle(m0, m2, m3 reg.VecPhysical) {
	s.do(func() { MOVOA(m3, s.tmp) })
	s.do(func() { PALIGNR(operand.Imm(4), m2, s.tmp) })
	s.do(func() { PADDD(s.tmp, m0) })
}

// hash appends a whole double hash of the header with nonce = args.nonce + lane.
// The last word goes to bit `lane` of the mask when it is a candidate.
func (s *stream) hash(lane int) {
	m := s.m
	// First hash: rounds 0 and 1 are known, round 3 brings the nonce.
	s.do(func() {
		MOVOA(word(atBlock), m[0])
		LEAL(operand.Mem{Base: args.nonce, Disp: lane}, args.spare.As32())
		PINSRD(operand.Imm(3), args.spare.As32(), m[0])
		MOVOA(word(atPair2), s.abef)
		MOVOA(word(atPair2+4), s.cdgh)
	})
	s.do(func() {
		MOVOA(m[0], reg.X0)
		PADDD(word(atK), reg.X0)
		PSHUFD(operand.Imm(0x0e), reg.X0, reg.X0)
		s.two()
	})
	for t := 4; t < 16; t += 4 {
		s.knownRounds(atK1 + t - 4)
	}
	// W4 = 2^31, W5 to W14 = 0, W15 = 640 bits: most of the first expansions is known.
	s.do(func() {
		MOVOA(word(atSched1-4), m[1]) // W12 to W15, for MSG2
		MOVOA(word(atWord4), m[2])
		SHA256MSG1(m[2], m[0])
		SHA256MSG2(m[1], m[0])
	})
	s.rounds(16, m[0])
	s.do(func() { MOVOA(word(atSched1), m[1]); SHA256MSG2(m[0], m[1]) })
	s.rounds(20, m[1])
	s.do(func() { MOVOA(m[1], m[2]); PALIGNR(operand.Imm(4), m[0], m[2]); SHA256MSG2(m[1], m[2]) })
	s.rounds(24, m[2])
	s.do(func() { MOVOA(word(atSched1+4), m[3]) })
	s.addMiddle(m[3], m[1], m[2])
	s.do(func() { SHA256MSG2(m[2], m[3]) })
	s.rounds(28, m[3])
	for t := 32; t < 64; t += 4 {
		s.expand(t)
		s.rounds(t, m[t/4%4])
	}
	s.second(lane)
}

// second hash: the digest, reordered, is the message.
func (s *stream) second(lane int) {
	m := s.m
	s.do(func() {
		PADDD(word(atPairM), s.abef)
		PADDD(word(atPairM+4), s.cdgh)
		PSHUFD(operand.Imm(0x1b), s.abef, m[0]) // A B E F
		PSHUFD(operand.Imm(0x1b), s.cdgh, m[2]) // C D G H
		MOVOA(m[0], m[1])
		PUNPCKLQDQ(m[2], m[0])
		PUNPCKHQDQ(m[2], m[1])
		MOVOA(word(atPair0), s.abef)
		MOVOA(word(atPair0+4), s.cdgh)
	})
	s.rounds(0, m[0])
	s.rounds(4, m[1])
	s.knownRounds(atK2)
	s.knownRounds(atK2 + 4)
	s.do(func() {
		MOVOA(word(atBlock2), m[3])
		SHA256MSG1(m[1], m[0])
		SHA256MSG2(m[3], m[0])
	})
	s.rounds(16, m[0])
	s.do(func() { MOVOA(word(atWord4), m[2]) })
	s.expand(20)
	s.rounds(20, m[1])
	s.do(func() { MOVOA(word(atBlock2+4), m[2]) })
	s.addMiddle(m[2], m[0], m[1])
	s.do(func() { SHA256MSG2(m[1], m[2]) })
	s.rounds(24, m[2])
	for t := 28; t < 60; t += 4 {
		s.expand(t)
		s.rounds(t, m[t/4%4])
	}
	s.expand(60)
	// Two rounds more: the last word is then f.
	s.do(func() {
		MOVOA(m[3], reg.X0)
		PADDD(word(atK+60), reg.X0)
		s.two()
		MOVD(s.abef, args.spare.As32())
		ADDL(word(atLast), args.spare.As32())
		BSWAPL(args.spare.As32())
		CMPL(word(atTop), args.spare.As32()) // carry unless top ≥ the hash's word
		SBBL(args.spare.As32(), args.spare.As32())
		NOTL(args.spare.As32())
		ANDL(operand.U32(1<<lane), args.spare.As32())
		ORL(args.spare.As32(), args.mask.As32())
	})
}

// atWord4 holds W4 to W7 of the first message and W8 to W11 of the second: 2^31 and zeros.
const atWord4 = 420

func newStream(p *program, from int, tmp reg.VecPhysical) *stream {
	return &stream{p, xmm[from], xmm[from+1], [4]reg.VecPhysical(xmm[from+2 : from+6]), tmp}
}

// shani runs two streams, because one waits for its own results most of the time.
func shani() {
	begin("scanSHA", "scanSHA hashes 2 headers at a time with the SHA extensions and SSE4.1.")
	XORL(args.mask.As32(), args.mask.As32())
	var a, b program
	newStream(&a, 1, reg.X13).hash(0)
	newStream(&b, 7, reg.X14).hash(1)
	merge(a, b).emit()
	end(2, false)
}
