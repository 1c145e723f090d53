package stratum

import (
	"fmt"
	"math"
	"math/big"
	"math/bits"
	"strconv"

	"github.com/aqsha/aqsha/bitcoin"
)

// Difficulty is a share difficulty that is counted exactly: an integer, or 2^−k.
// As a number it is N · 2^−K with K = 0 or N = 1.
type Difficulty struct {
	N uint64
	K uint8
}

// Bounds of difficulties. 2^−40 is below the easiest target there is; 2^62 is 50,000 times the
// network's difficulty of 2026.
const (
	MaxK     = 40
	maxPower = 62
)

// FloorDifficulty is the greatest exact difficulty not above d, at least 2^−40.
// Not above, so that a miner never has to do more than asked for or granted.
func FloorDifficulty(d float64) (Difficulty, error) {
	switch {
	case !(d > 0) || math.IsInf(d, 0):
		return Difficulty{}, fmt.Errorf("difficulty %v: want a positive number", d)
	case d >= 1<<maxPower:
		return Difficulty{N: 1 << maxPower}, nil
	case d >= 1:
		return Difficulty{N: uint64(d)}, nil
	}
	_, exponent := math.Frexp(d) // d = f·2^exponent with ½ ≤ f < 1, so 2^(exponent−1) ≤ d
	return Difficulty{N: 1, K: uint8(min(1-exponent, MaxK))}, nil
}

// Float is the difficulty as a JSON number; every value has an exact one up to 2^53.
func (d Difficulty) Float() float64 { return math.Ldexp(float64(d.N), -int(d.K)) }

func (d Difficulty) String() string { return strconv.FormatFloat(d.Float(), 'g', -1, 64) }

// Valid says whether the pair is one of the exact difficulties.
func (d Difficulty) Valid() bool {
	return d.N > 0 && d.N <= 1<<maxPower && d.K <= MaxK && (d.K == 0 || d.N == 1)
}

// Compare orders difficulties.
func (d Difficulty) Compare(other Difficulty) int {
	a1, a0 := bits.Mul64(d.N, 1<<other.K)
	b1, b0 := bits.Mul64(other.N, 1<<d.K)
	switch {
	case a1 != b1 && a1 < b1 || a1 == b1 && a0 < b0:
		return -1
	case a1 == b1 && a0 == b0:
		return 0
	}
	return 1
}

// Target is the hash bound of the difficulty: 0xffff·2^208 · 2^K / N, rounded down.
func (d Difficulty) Target() bitcoin.Target {
	one := new(big.Int).Lsh(big.NewInt(0xffff), 208+uint(d.K))
	return bitcoin.TargetOfBig(one.Quo(one, new(big.Int).SetUint64(d.N)))
}

// Clamp keeps the difficulty at or below that of a target, which is the network's: a share must
// never be harder to find than a block.
func (d Difficulty) Clamp(network bitcoin.Target) Difficulty {
	if target := d.Target(); target.Compare(network) >= 0 {
		return d
	}
	floor, err := FloorDifficulty(network.Difficulty())
	if err != nil {
		return Difficulty{N: 1, K: MaxK}
	}
	// The division by floats may be off by one unit; step down until the target is easy enough.
	for target := floor.Target(); target.Compare(network) < 0; target = floor.Target() {
		floor = floor.below()
	}
	return floor
}

func (d Difficulty) below() Difficulty {
	switch {
	case d.N > 1:
		return Difficulty{N: d.N - 1}
	case d.K < MaxK:
		return Difficulty{N: 1, K: d.K + 1}
	}
	panic("no difficulty below 2^-40")
}

// gridBits are the leading bits that a difficulty on the grid may have set after its first: four
// steps to an octave.
const gridBits = 2

// CeilGrid is the least difficulty of the grid that is not below d: of whole numbers those with at
// most three leading bits, and the powers 2^−k. Difficulties that strangers choose are kept to it,
// so that they are a few hundred, not any number.
func CeilGrid(d float64) Difficulty {
	if !(d > 0) {
		return Difficulty{N: 1, K: MaxK}
	}
	if d >= 1<<maxPower {
		return Difficulty{N: 1 << maxPower}
	}
	if d <= 1 {
		_, exponent := math.Frexp(d) // 2^(exponent−1) ≤ d < 2^exponent
		if math.Ldexp(0.5, exponent) == d {
			exponent--
		}
		return Difficulty{N: 1, K: uint8(min(-exponent, MaxK))}
	}
	n := uint64(math.Ceil(d))
	if shift := bits.Len64(n) - 1 - gridBits; shift > 0 {
		n = (n + 1<<shift - 1) >> shift << shift
	}
	return Difficulty{N: n}
}

// FloorGrid is the greatest difficulty of the grid that is not above d, at least 2^−40.
func FloorGrid(d float64) (Difficulty, error) {
	floor, err := FloorDifficulty(d)
	if shift := bits.Len64(floor.N) - 1 - gridBits; err == nil && shift > 0 {
		floor.N = floor.N >> shift << shift
	}
	return floor, err
}
