package stats

import "math"

// The logarithm and the exponential of package math cost more than all the rest
// of a day's likelihood. These two are as exact where they are used, to a few
// units in the last place of the larger of 1 and the result, and a third of the
// cost: a table leaves a remainder so small that five or six terms of its series
// do. They are for finite positive normal numbers and for exponents within ±700.

const (
	expSteps = 64  // of a doubling
	logCells = 128 // of a mantissa
)

var (
	expTable [expSteps]float64 // 2^(j/expSteps)
	// Of the middle of each cell: a short inverse, and minus its logarithm.
	logInverse, logTable [logCells]float64
)

// The tables are computed at the start and not written out: the functions of package math that make them are exact to
// the last place or near it. A middle's inverse is kept to 12 binary digits, so that the mantissa times it is close to
// 1 and the remainder small.
func init() {
	for j := range expTable {
		expTable[j] = math.Exp2(float64(j) / expSteps)
	}
	for j := range logTable {
		middle := 1 + (float64(j)+0.5)/logCells
		logInverse[j] = math.Round(4096/middle) / 4096
		logTable[j] = -math.Log(logInverse[j])
	}
}

const (
	roundUp = 3 << 51 // added and taken off again, it rounds to a whole number
	// ln 2/64 in a head of 32 bits, which times a whole number is exact, and a tail.
	stepHead = 0x1.62e42feep-7
	stepTail = 0x1.a39ef35793c76p-39
)

// Exp is eˣ. With n the nearest whole number to 64x/ln 2 and r = x − n·ln 2/64, eˣ = 2^⌊n/64⌋·2^((n mod 64)/64)·eʳ:
// the first factor is added to the exponent's bits, the second is in a table, and |r| < 0.0055 needs five terms.
func Exp(x float64) float64 {
	whole := x*(expSteps/math.Ln2) + roundUp
	whole -= roundUp
	r := (x - whole*stepHead) - whole*stepTail
	n := int64(whole)
	square := r * r
	p := r + square*((0.5+r*(1.0/6))+square*(1.0/24+r*(1.0/120)))
	t := expTable[n&(expSteps-1)]
	return math.Float64frombits(math.Float64bits(t+t*p) + uint64(n>>6)<<52)
}

// Log is ln x. With x = 2^e·m and c the short inverse of the middle of m's cell, ln x = e·ln 2 − ln c + ln(1 + r),
// where 1 + r = c·m is so near 1, |r| < 0.005, that six terms do.
func Log(x float64) float64 {
	b := math.Float64bits(x)
	cell := b >> 45 & (logCells - 1)
	exponent := int64(b>>52) - 1023
	m := math.Float64frombits(b&(1<<52-1) | 1023<<52)
	r := m*logInverse[cell] - 1
	square := r * r
	p := r - square*((0.5-r*(1.0/3))+square*((0.25-r*(1.0/5))+square*(1.0/6)))
	return float64(exponent)*math.Ln2 + (logTable[cell] + p)
}
