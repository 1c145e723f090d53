// Package speed measures the arithmetic of banknotes against decred's library, the usual one for this curve in Go:
// signing with proof, redeeming in batches, and what block proofs cost of it. Both sides start from the bytes of a
// request and end with those of an answer, in one thread, and processor time is compared; the best of several rounds
// counts, taken in turn.
//
// It may import the clock, which package curve may not, and nothing of this module but package curve.
package speed
