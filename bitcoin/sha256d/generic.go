package sha256d

import "math/bits"

// scanGeneric is the kernel in Go, one lane at a time, from the same table as the assembly.
func scanGeneric(w *Work, _ []uint32, word uint32, groups uint64) (left, mask uint64) {
	t := w.table
	for left = groups; left > 0; word++ {
		left--
		if bits.ReverseBytes32(lastWord(t, word)) <= t[atTop] {
			return left, 1
		}
	}
	return 0, 0
}

// lastWord is the last state word of the second hash, for message word 3 of the first: h after 64 rounds is e after 61,
// and so rounds 61 to 63 are left out. The sums that do not depend on the nonce come from the table.
func lastWord(t []uint32, nonce uint32) uint32 {
	var m [16]uint32
	a, b, c, d := t[atState1]+nonce, t[atState1+2], t[atState1+3], t[atState1+4]
	e, f, g, h := t[atState1+1]+nonce, t[atState1+5], t[atState1+6], uint32(0)
	m[3] = nonce
	for i := 4; i < 64; i++ {
		kw := t[atRound1+i]
		if i < 7 {
			h = 0 // is in the constant
		}
		if i >= 18 {
			// Words 0 to 17 but 3 are in the constants and zero here.
			next := t[atWord1+i] + m[i%16] + sigma0(m[(i-15)%16]) + m[(i-7)%16] + sigma1(m[(i-2)%16])
			m[i%16] = next
			kw += next
		}
		t1 := h + kw + (bits.RotateLeft32(e, -6) ^ bits.RotateLeft32(e, -11) ^ bits.RotateLeft32(e,
			-25)) + (g ^ e&(f^g))
		t2 := (bits.RotateLeft32(a, -2) ^ bits.RotateLeft32(a, -13) ^ bits.RotateLeft32(a, -22)) + (a&b | c&(a|b))
		a, b, c, d, e, f, g, h = t1+t2, a, b, c, d+t1, e, f, g
	}
	for i, s := range [8]uint32{a, b, c, d, e, f, g, h} {
		m[i] = t[atMid+i] + s
		m[i+8] = 0
	}
	a, b, c, d = t[atState2]+m[0], t[atState2+2], t[atState2+3], t[atState2+4]
	e, f, g, h = t[atState2+1]+m[0], t[atState2+5], t[atState2+6], 0
	for i := 1; i <= 60; i++ {
		kw := t[atRound2+i]
		if i < 4 {
			h = 0
		}
		switch {
		case i < 8:
			kw += m[i]
		case i >= 16:
			next := t[atWord2+i] + m[i%16] + sigma0(m[(i-15)%16]) + m[(i-7)%16] + sigma1(m[(i-2)%16])
			m[i%16] = next
			kw += next
		}
		t1 := h + kw + (bits.RotateLeft32(e, -6) ^ bits.RotateLeft32(e, -11) ^ bits.RotateLeft32(e,
			-25)) + (g ^ e&(f^g))
		t2 := (bits.RotateLeft32(a, -2) ^ bits.RotateLeft32(a, -13) ^ bits.RotateLeft32(a, -22)) + (a&b | c&(a|b))
		a, b, c, d, e, f, g, h = t1+t2, a, b, c, d+t1, e, f, g
	}
	return t[atLast] + e
}
