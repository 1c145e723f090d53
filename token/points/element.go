package points

import "math/bits"

// element8 is eight elements of GF(2^255 − 19): limb i of the element in lane l is element8[i][l]. A value is the sum
// of limbs times 2^(51i); limbs are below 2^52.
type element8 [5][8]uint64

// fieldElement is one element as the Ed25519 library keeps it: five limbs of 51 bits.
type fieldElement [5]uint64

const mask51 = 1<<51 - 1

// load reads 255 bits, little-endian, into a lane.
func (e *element8) load(lane int, w *[4]uint64) {
	e[0][lane] = w[0] & mask51
	e[1][lane] = (w[0]>>51 | w[1]<<13) & mask51
	e[2][lane] = (w[1]>>38 | w[2]<<26) & mask51
	e[3][lane] = (w[2]>>25 | w[3]<<39) & mask51
	e[4][lane] = w[3] >> 12 & mask51
}

// lane takes one element out.
func (e *element8) lane(l int) fieldElement {
	return fieldElement{e[0][l], e[1][l], e[2][l], e[3][l], e[4][l]}
}

// broadcast puts an element into all lanes.
func broadcast(f fieldElement) (e element8) {
	for i := range e {
		for l := range e[i] {
			e[i][l] = f[i]
		}
	}
	return e
}

// add and sub leave limbs below 2^52 when their operands' are little above 2^51.
func (e *element8) add(a, b *element8) {
	for i := range e {
		for l := range e[i] {
			e[i][l] = a[i][l] + b[i][l]
		}
	}
	e.carry()
}

// sub adds 4p first, so that no limb goes below zero.
func (e *element8) sub(a, b *element8) {
	for l := range e[0] {
		e[0][l] = a[0][l] + 4*(mask51-18) - b[0][l]
	}
	for i := 1; i < len(e); i++ {
		for l := range e[i] {
			e[i][l] = a[i][l] + 4*mask51 - b[i][l]
		}
	}
	e.carry()
}

func (e *element8) carry() {
	for l := range e[0] {
		over := e[4][l] >> 51
		e[4][l] &= mask51
		e[0][l] += 19 * over
		for i := range 4 {
			e[i+1][l] += e[i][l] >> 51
			e[i][l] &= mask51
		}
	}
}

// canonical brings an element below p.
func (f fieldElement) canonical() fieldElement {
	for range 2 { // limbs below 2^51, perhaps p or a little more in all
		over := f[4] >> 51
		f[4] &= mask51
		f[0] += 19 * over
		for i := range 4 {
			f[i+1] += f[i] >> 51
			f[i] &= mask51
		}
	}
	over := f[4] >> 51
	f[4] &= mask51
	f[0] += 19 * over
	// Is it p or more? Then adding 19 reaches 2^255.
	var t [5]uint64
	carry := uint64(19)
	for i := range t {
		t[i], carry = (f[i]+carry)&mask51, (f[i]+carry)>>51
	}
	if carry != 0 {
		return t
	}
	return f
}

func (f fieldElement) isZero() bool { return f.canonical() == fieldElement{} }

// mulGeneric multiplies one pair, for processors without the wide instructions and for tests.
func mulGeneric(a, b fieldElement) fieldElement {
	var low, high [5]uint64
	for i := range a {
		for j := range b {
			x, k := a[i], i+j
			if k >= 5 {
				x, k = 19*x, k-5
			}
			h, l := bits.Mul64(x, b[j])
			var c uint64
			low[k], c = bits.Add64(low[k], l, 0)
			high[k] += h + c
		}
	}
	var out fieldElement
	carry := uint64(0)
	for k := range out {
		var c uint64
		low[k], c = bits.Add64(low[k], carry, 0)
		high[k] += c
		out[k] = low[k] & mask51
		carry = high[k]<<13 | low[k]>>51
	}
	out[0] += 19 * carry
	out[1] += out[0] >> 51
	out[0] &= mask51
	return out
}
