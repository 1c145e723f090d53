package money

import (
	"errors"
	"fmt"
	"math"
	"strings"
)

// Tiyn is an amount of tenge in its hundredth part: 1 KZT = 100 tiyn.
type Tiyn int64

// Satoshi is an amount of bitcoin: 1 BTC = 100,000,000 satoshi.
type Satoshi int64

const (
	Tenge   Tiyn    = 100
	Bitcoin Satoshi = 100_000_000
)

const (
	tengeDecimals   = 2
	bitcoinDecimals = 8
)

// ErrOverflow means that a sum or product does not fit in 64 bits.
var ErrOverflow = errors.New("amount overflows 64 bits")

// amount is either unit; arithmetic is the same for both, mixing them does not compile.
type amount interface{ Tiyn | Satoshi }

// Add returns a + b, or ErrOverflow.
func Add[A amount](a, b A) (A, error) {
	sum := a + b
	if (sum > a) != (b > 0) && b != 0 {
		return 0, ErrOverflow
	}
	return sum, nil
}

// Sub returns a − b, or ErrOverflow.
func Sub[A amount](a, b A) (A, error) {
	diff := a - b
	if (diff < a) != (b > 0) && b != 0 {
		return 0, ErrOverflow
	}
	return diff, nil
}

// Mul returns a × n, or ErrOverflow.
func Mul[A amount](a A, n int64) (A, error) {
	if a == 0 || n == 0 {
		return 0, nil
	}
	if (a == math.MinInt64 && n == -1) || (n == math.MinInt64 && a == -1) {
		return 0, ErrOverflow
	}
	product := a * A(n)
	if product/A(n) != a {
		return 0, ErrOverflow
	}
	return product, nil
}

// Sum adds all amounts, or returns ErrOverflow.
func Sum[A amount](amounts ...A) (A, error) {
	var total A
	for _, a := range amounts {
		var err error
		if total, err = Add(total, a); err != nil {
			return 0, err
		}
	}
	return total, nil
}

// ParseTenge reads a decimal amount of tenge such as "1500", "0.05" or "12500.50".
// At most two decimals; a leading minus is allowed, no sign between digits is. Errors quote the text and the rule.
func ParseTenge(text string) (Tiyn, error) {
	units, err := parseDecimal(text, tengeDecimals)
	if err != nil {
		return 0, fmt.Errorf("amount %q in tenge: %w", text, err)
	}
	return Tiyn(units), nil
}

// ParseBitcoin reads a decimal amount of bitcoin with at most eight decimals.
func ParseBitcoin(text string) (Satoshi, error) {
	units, err := parseDecimal(text, bitcoinDecimals)
	if err != nil {
		return 0, fmt.Errorf("amount %q in bitcoin: %w", text, err)
	}
	return Satoshi(units), nil
}

// String prints tenge with two decimals and no grouping: "12500.50". ParseTenge reads it back.
func (t Tiyn) String() string { return formatDecimal(int64(t), tengeDecimals) }

// String prints bitcoin with eight decimals. ParseBitcoin reads it back.
func (s Satoshi) String() string { return formatDecimal(int64(s), bitcoinDecimals) }

// Format prints tenge for people: thousands grouped by a thin no-break space, with the sign of the tenge.
func (t Tiyn) Format() string { return group(t.String()) + " ₸" }

// Format prints bitcoin for people.
func (s Satoshi) Format() string { return group(s.String()) + " BTC" }

// parseDecimal reads text as an integer count of 10^-decimals, exactly.
func parseDecimal(text string, decimals int) (int64, error) {
	const maxLength = 40 // of outside text; the longest amount has 21 characters
	if len(text) > maxLength {
		return 0, fmt.Errorf("longer than %d characters", maxLength)
	}
	digits := strings.TrimPrefix(text, "-")
	whole, fraction, hasPoint := strings.Cut(digits, ".")
	if whole == "" || (hasPoint && fraction == "") {
		return 0, errors.New("not a decimal number")
	}
	if len(fraction) > decimals {
		return 0, fmt.Errorf("more than %d decimals", decimals)
	}
	fraction += strings.Repeat("0", decimals-len(fraction))
	// Counting downwards reaches the smallest 64-bit value too.
	var units int64
	for _, c := range whole + fraction {
		if c < '0' || c > '9' {
			return 0, errors.New("not a decimal number")
		}
		digit := int64(c - '0')
		if units < (math.MinInt64+digit)/10 {
			return 0, ErrOverflow
		}
		units = units*10 - digit
	}
	if strings.HasPrefix(text, "-") {
		return units, nil
	}
	if units == math.MinInt64 {
		return 0, ErrOverflow
	}
	return -units, nil
}

func formatDecimal(units int64, decimals int) string {
	sign, magnitude := "", uint64(units)
	if units < 0 {
		sign, magnitude = "-", -uint64(units)
	}
	digits := fmt.Sprintf("%0*d", decimals+1, magnitude)
	point := len(digits) - decimals
	return sign + digits[:point] + "." + digits[point:]
}

func group(decimal string) string {
	const thinNoBreakSpace = "\u202f"
	sign := ""
	if strings.HasPrefix(decimal, "-") {
		sign, decimal = "-", decimal[1:]
	}
	whole, fraction, _ := strings.Cut(decimal, ".")
	var b strings.Builder
	for i, c := range whole {
		if i > 0 && (len(whole)-i)%3 == 0 {
			b.WriteString(thinNoBreakSpace)
		}
		b.WriteRune(c)
	}
	return sign + b.String() + "." + fraction
}
