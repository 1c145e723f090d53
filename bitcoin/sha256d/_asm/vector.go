package main

import (
	"github.com/mmcloughlin/avo/operand"
)

// Indices into the table of work, in words; package sha256d fills it (work.go).
const (
	atMid    = 0   // state after the header's first 64 bytes
	atState1 = 8   // first hash: a and e after round 3 without the nonce, then b, c, d, f, g
	atTop    = 15  // top word of the target
	atRound1 = 16  // first hash: round constants with what is known of W and h
	atWord1  = 80  // first hash: what is known of message words
	atRound2 = 144 // second hash, likewise
	atWord2  = 208
	atState2 = 272 // second hash: a and e after round 0 without W0, then b, c, d, f, g
	atLast   = 279 // last word of the initial state
)

// vec is a set of equal 32-bit lanes: a wide register or a place in memory.
type vec = operand.Op

// isa is what a vector instruction set can do. Every method appends to its program.
// Destinations are registers; sources may be in memory where the name says so.
type isa interface {
	add(dst, a vec, b vec)          // b may be in memory
	addConst(dst, a vec, index int) // the word of work in every lane
	load(dst, mem vec)
	loadConst(dst vec, index int)
	store(mem, src vec)
	bigSigma(dst, x vec, r1, r2, r3 uint64)
	smallSigma(dst, x vec, r1, r2, shift uint64) // x may be in memory
	choose(dst, e, f, g vec)
	majority(dst, a, b, c vec)
}

// lanes computes one hash per lane.
type lanes struct {
	isa
	state [8]vec
	t     [2]vec   // scratch registers of the rounds
	p     *program // where everything ends
	ahead *ahead   // how message words are computed, when beside the rounds
	word  [16]vec  // the last 16 message words, in registers or memory
	inMem bool     // whether they are in memory
	known [64]bool // message words that work folds into its constants
	first bool     // first or second hash
}

func (l *lanes) roundConst(t int) int {
	if l.first {
		return atRound1 + t
	}
	return atRound2 + t
}

// round t of FIPS 180-4, section 6.2.2. hKnown: h is folded into the constant.
// needA: somebody will read the new a.
func (l *lanes) round(t int, hKnown, needA bool) {
	a, b, c, d, e, f, g, h := l.at(t, 0), l.at(t, 1), l.at(t, 2), l.at(t, 3), l.at(t, 4), l.at(t, 5), l.at(t, 6),
		l.at(t, 7)
	x, y := l.t[0], l.t[1]
	// What waits longest, the new e, is added last: the sum of the rest is ready before it.
	l.choose(y, e, f, g)
	if hKnown {
		l.addConst(h, y, l.roundConst(t))
	} else {
		l.addConst(h, h, l.roundConst(t))
		l.add(h, h, y)
	}
	if !l.known[t] {
		l.add(h, h, l.word[t%16])
	}
	l.bigSigma(x, e, 6, 11, 25)
	l.add(h, h, x)
	l.add(d, d, h)
	if needA {
		l.bigSigma(x, a, 2, 13, 22)
		l.majority(y, a, b, c)
		l.add(x, x, y)
		l.add(h, h, x)
	}
}

// at names the register of a state word before round t: the eight rotate instead of moving.
func (l *lanes) at(t, i int) vec { return l.state[((i-t)%8+8)%8] }

// ahead computes the next message word between the instructions of a round, with registers of its own.
type ahead struct {
	isa
	t       [2]vec
	program program
}

// step appends round t and the message word of round t+1.
func (l *lanes) step(t int, hKnown, needA bool, next func()) {
	if l.ahead == nil {
		l.round(t, hKnown, needA)
		next()
		return
	}
	start := len(*l.p)
	l.round(t, hKnown, needA)
	rounds := append(program(nil), (*l.p)[start:]...)
	*l.p = (*l.p)[:start]
	saved, savedT := l.isa, l.t
	l.isa, l.t = l.ahead.isa, l.ahead.t
	l.ahead.program = nil
	next()
	l.isa, l.t = saved, savedT
	*l.p = append(*l.p, merge(rounds, l.ahead.program)...)
}

// schedule computes message word t ≥ 16 from those that are not known.
func (l *lanes) schedule(t int, hasConst bool) {
	x, sum := l.t[0], l.t[1]
	target := l.word[t%16]
	if !l.inMem {
		sum = target
	}
	empty := true
	// The oldest word sits in the target's own place, so it goes first.
	if !l.known[t-16] {
		if l.inMem {
			l.load(sum, target)
		}
		empty = false
	}
	term := func(known bool, put func(dst vec), addend func() vec) {
		switch {
		case known:
		case empty:
			put(sum)
			empty = false
		default:
			l.add(sum, sum, addend())
		}
	}
	term(l.known[t-15], func(dst vec) { l.smallSigma(dst, l.word[(t-15)%16], 7, 18, 3) },
		func() vec { l.smallSigma(x, l.word[(t-15)%16], 7, 18, 3); return x })
	term(l.known[t-2], func(dst vec) { l.smallSigma(dst, l.word[(t-2)%16], 17, 19, 10) },
		func() vec { l.smallSigma(x, l.word[(t-2)%16], 17, 19, 10); return x })
	term(l.known[t-7], func(dst vec) { l.load(dst, l.word[(t-7)%16]) },
		func() vec { return l.word[(t-7)%16] })
	if hasConst {
		base := atWord2
		if l.first {
			base = atWord1
		}
		l.addConst(sum, sum, base+t)
	}
	if l.inMem {
		l.store(target, sum)
	}
}

// firstHash compresses the header's last 16 bytes with padding. nonce holds the lanes' nonces
// and may be one of the scratch registers only if it is not needed afterwards.
func (l *lanes) firstHash(nonce vec) {
	l.first = true
	for t := range l.known {
		l.known[t] = t < 18 && t != 3
	}
	// Rounds 0 to 3 are folded: a and e are constants plus the nonce, the others constants.
	// Before round 4, state word i lives in at(4, i).
	for i, index := range map[int]int{1: 2, 2: 3, 3: 4, 5: 5, 6: 6} {
		l.loadConst(l.at(4, i), atState1+index)
	}
	l.addConst(l.at(4, 0), nonce, atState1)
	l.addConst(l.at(4, 4), nonce, atState1+1)
	if l.inMem {
		l.store(l.word[3], nonce)
	} else {
		l.load(l.word[3], nonce)
	}
	hasConst := map[int]bool{18: true, 19: true, 20: true, 22: true, 23: true, 24: true, 30: true, 31: true, 32: true,
		33: true}
	for t := 4; t < 64; t++ {
		l.step(t, t < 7, true, func() {
			if t+1 >= 18 && t+1 < 64 {
				l.schedule(t+1, hasConst[t+1])
			}
		})
	}
	// The digest is the second message: word i in the register or place i.
	for i := range 8 {
		state := l.at(64, i)
		if l.inMem {
			l.addConst(state, state, atMid+i)
			l.store(l.word[i], state)
		} else {
			l.addConst(l.word[i], state, atMid+i)
		}
	}
}

// secondHash compresses the digest; its last word, the most significant of the hash, goes to dst.
// That word is the e of round 60, so later rounds, and new a's from round 57 on, are not computed.
func (l *lanes) secondHash(dst vec) {
	l.first = false
	for t := range l.known {
		l.known[t] = t >= 8 && t < 16
	}
	for i, index := range map[int]int{1: 2, 2: 3, 3: 4, 5: 5, 6: 6} {
		l.loadConst(l.at(1, i), atState2+index)
	}
	w0 := l.word[0]
	if l.inMem {
		l.load(l.t[0], w0)
		w0 = l.t[0]
	}
	l.addConst(l.at(1, 0), w0, atState2)
	l.addConst(l.at(1, 4), w0, atState2+1)
	hasConst := map[int]bool{17: true, 22: true, 23: true, 24: true, 30: true, 31: true}
	for t := 1; t <= 60; t++ {
		l.step(t, t < 4, t < 57, func() {
			if t+1 >= 16 && t+1 <= 60 {
				l.schedule(t+1, hasConst[t+1])
			}
		})
	}
	l.addConst(dst, l.at(61, 4), atLast)
}
