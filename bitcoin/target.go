package bitcoin

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/big"
)

// Target is the bound below or at which a block hash, read as a little-endian
// integer, meets the proof of work.
type Target [32]byte // little-endian, as hashes are

// ErrBadBits means that compact bits encode no positive 256-bit target.
var ErrBadBits = errors.New("compact target is negative, zero or overflows")

// TargetOfBits expands nBits (Bitcoin's compact form, base-256 exponent and 23-bit mantissa):
//
//	mantissa · 256^(exponent−3)
//
// Bit 23 is a sign; a target that it makes negative, zero or larger than 256 bits is ErrBadBits, where a node would
// refuse the header.
func TargetOfBits(bits uint32) (Target, error) {
	var t Target
	exponent, mantissa := int(bits>>24), bits&0x007fffff
	if bits&0x00800000 != 0 {
		return t, ErrBadBits
	}
	for i := range 3 {
		digit := byte(mantissa >> (8 * i))
		at := exponent - 3 + i
		switch {
		case digit == 0 || at < 0:
		case at >= len(t):
			return Target{}, ErrBadBits
		default:
			t[at] = digit
		}
	}
	if t == (Target{}) {
		return t, ErrBadBits
	}
	return t, nil
}

// ParseTarget reads 64 hexadecimal digits, most significant first.
func ParseTarget(text string) (Target, error) {
	h, err := ParseHash(text)
	return Target(h), err
}

func (t Target) String() string { return Hash(t).String() }

// Met says whether a hash is at or below the target.
func (t Target) Met(h Hash) bool { return compare(h, Hash(t)) <= 0 }

// Compare orders targets; the smaller is the harder.
func (t Target) Compare(other Target) int { return compare(Hash(t), Hash(other)) }

// compare reads both as little-endian integers.
func compare(a, b Hash) int {
	for i := 24; i >= 0; i -= 8 {
		if c := cmp.Compare(binary.LittleEndian.Uint64(a[i:]), binary.LittleEndian.Uint64(b[i:])); c != 0 {
			return c
		}
	}
	return 0
}

// Big is the target as an integer.
func (t Target) Big() *big.Int {
	be := make([]byte, len(t))
	for i, b := range t {
		be[len(t)-1-i] = b
	}
	return new(big.Int).SetBytes(be)
}

// TargetOfBig is the largest target not above n, which must be positive; above 256 bits it saturates.
func TargetOfBig(n *big.Int) Target {
	var t Target
	if n.BitLen() > 256 {
		for i := range t {
			t[i] = 0xff
		}
		return t
	}
	for i, b := range n.Bytes() {
		t[len(n.Bytes())-1-i] = b
	}
	return t
}

// difficultyOne is the target of difficulty 1: 0xffff · 2^208.
var difficultyOne = new(big.Int).Lsh(big.NewInt(0xffff), 208)

// Difficulty is difficultyOne divided by the target, for people and statistics only; infinite for
// a target of zero.
func (t Target) Difficulty() float64 {
	if t == (Target{}) {
		return math.Inf(1)
	}
	ratio, _ := new(big.Rat).SetFrac(difficultyOne, t.Big()).Float64()
	return ratio
}

// ExpectedHashes is the mean number of hashes until one meets the target: 2^256/(target+1), the target itself being met
// too. For statistics: a float64 has 53 bits of it.
func (t Target) ExpectedHashes() float64 {
	top := new(big.Int).Lsh(big.NewInt(1), 256)
	ratio, _ := new(big.Rat).SetFrac(top, new(big.Int).Add(t.Big(), big.NewInt(1))).Float64()
	return ratio
}

// TargetOfDifficulty is the target of a difficulty that a pool names as a JSON number.
// The division is exact; the result is rounded down, so a share that meets it meets the difficulty.
func TargetOfDifficulty(difficulty float64) (Target, error) {
	if !(difficulty > 0) || math.IsInf(difficulty, 0) {
		return Target{}, fmt.Errorf("difficulty %v: want a positive number", difficulty)
	}
	exact := new(big.Rat).SetFloat64(difficulty)
	quotient := new(big.Rat).Quo(new(big.Rat).SetInt(difficultyOne), exact)
	whole := new(big.Int).Quo(quotient.Num(), quotient.Denom())
	if whole.Sign() == 0 {
		return Target{}, fmt.Errorf("difficulty %v: harder than any hash", difficulty)
	}
	return TargetOfBig(whole), nil
}
