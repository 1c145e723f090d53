package farm

import (
	"fmt"
	"math"
	"math/big"
	"math/bits"
)

// Hashes is an amount of hashing work of one machine within an hour: 473 TH/s make 1.7·10^18,
// so that 64 bits hold it for any machine there is. A Total holds sums.
type Hashes int64

// Total is a sum of work in 128 bits, which ten thousand machines do not fill in a million years.
type Total struct {
	hi int64
	lo uint64
}

// TotalOf is one amount as a sum.
func TotalOf(h Hashes) Total { return Total{int64(h) >> 63, uint64(h)} }

// Add returns t + u. Overflow would be a broken invariant.
func (t Total) Add(u Total) Total {
	lo, carry := bits.Add64(t.lo, u.lo, 0)
	hi := t.hi + u.hi + int64(carry)
	return Total{hi, lo}
}

// Sub returns t − u.
func (t Total) Sub(u Total) Total {
	lo, borrow := bits.Sub64(t.lo, u.lo, 0)
	return Total{t.hi - u.hi - int64(borrow), lo}
}

// AddHashes returns t + h.
func (t Total) AddHashes(h Hashes) Total { return t.Add(TotalOf(h)) }

// Sign is −1, 0 or 1.
func (t Total) Sign() int {
	switch {
	case t.hi < 0:
		return -1
	case t.hi == 0 && t.lo == 0:
		return 0
	}
	return 1
}

// Big is the sum as an unbounded integer.
func (t Total) Big() *big.Int {
	b := new(big.Int).Lsh(big.NewInt(t.hi), 64)
	return b.Add(b, new(big.Int).SetUint64(t.lo))
}

// Float is for display and charts only.
func (t Total) Float() float64 { return float64(t.hi)*math.Ldexp(1, 64) + float64(t.lo) }

// String prints every digit.
func (t Total) String() string { return t.Big().String() }

// MarshalText prints every digit, because a JSON number would lose them.
func (t Total) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads what MarshalText prints.
func (t *Total) UnmarshalText(text []byte) error {
	b, ok := new(big.Int).SetString(string(text), 10)
	if !ok || len(text) > 40 || b.BitLen() > 126 {
		return fmt.Errorf("hashes %q: want an integer of at most 126 bits", text)
	}
	t.lo = new(big.Int).And(b, new(big.Int).SetUint64(math.MaxUint64)).Uint64()
	t.hi = new(big.Int).Rsh(b, 64).Int64()
	return nil
}

// RatioPPM is t/whole in parts per million, rounded down towards zero; ok is false when there is no whole.
func (t Total) RatioPPM(whole Total) (ppm int64, ok bool) {
	if whole.Sign() == 0 {
		return 0, false
	}
	scaled := new(big.Int).Mul(t.Big(), big.NewInt(1_000_000))
	return scaled.Quo(scaled, whole.Big()).Int64(), true
}

// Share is h·part/whole, rounded down, without overflow in between; 0 ≤ part ≤ whole, whole > 0.
func (h Hashes) Share(part, whole int64) Hashes {
	if part < 0 || part > whole || whole <= 0 {
		panic(fmt.Sprintf("share %d of %d", part, whole))
	}
	sign := Hashes(1)
	if h < 0 {
		h, sign = -h, -1
	}
	hi, lo := bits.Mul64(uint64(h), uint64(part))
	quotient, _ := bits.Div64(hi, lo, uint64(whole))
	return sign * Hashes(quotient)
}

// WorkOfDifficulty is the hashes that shares of a summed difficulty stand for on average: D·2^48/65535.
// Difficulties come as decimal numbers from machines; beyond 64 bits the result is false.
func WorkOfDifficulty(d float64) (Hashes, bool) {
	work := d / 65535 * (1 << 48)
	if !(work >= 0) || work >= math.MaxInt64 {
		return 0, false
	}
	return Hashes(math.Round(work)), true
}

// TotalOfDifficulty is WorkOfDifficulty for sums of many machines: a difficulty below 2^70.
func TotalOfDifficulty(d float64) (t Total) {
	const part = 1 << 24 // whole multiples of this much difficulty are added by their binary digits
	whole := math.Floor(d / part)
	rest, _ := WorkOfDifficulty(d - whole*part)
	unit, _ := WorkOfDifficulty(part)
	step := TotalOf(unit)
	for n := uint64(max(0, min(whole, 1<<46))); n > 0; n >>= 1 {
		if n&1 == 1 {
			t = t.Add(step)
		}
		step = step.Add(step)
	}
	return t.AddHashes(rest)
}
