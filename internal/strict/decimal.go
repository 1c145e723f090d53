package strict

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"

	"github.com/aqsha/aqsha/money"
)

// Decimal is a number exactly as it was written, as a count of 10^-9: up to some 9.2 billion. In a file it may be a
// number or a text ("20.50", "1_500_000"); a text may end in % for hundredths.
type Decimal struct {
	Nano int64
	Set  bool // it was in the file
}

// nano is how many parts a unit has: a Decimal is a whole number of billionths.
const nano = 1_000_000_000

// UnmarshalTOML reads any of the forms.
func (d *Decimal) UnmarshalTOML(value any) error {
	var text string
	switch v := value.(type) {
	case string:
		text = v
	case int64:
		text = strconv.FormatInt(v, 10)
	case float64:
		text = strconv.FormatFloat(v, 'f', -1, 64) // the shortest that reads back: what was typed
	default:
		return fmt.Errorf("want a number, got %T", value)
	}
	parsed, err := ParseDecimal(text)
	if err != nil {
		return err
	}
	*d = parsed
	return nil
}

// ungrouped is a number without the marks that TOML allows between two digits; marks elsewhere stay, and are no digits.
func ungrouped(number string) string {
	digit := func(at int) bool { return at >= 0 && at < len(number) && number[at] >= '0' && number[at] <= '9' }
	var plain strings.Builder
	for at := range len(number) {
		if number[at] != '_' || !digit(at-1) || !digit(at+1) {
			plain.WriteByte(number[at])
		}
	}
	return plain.String()
}

// ParseDecimal reads "12.5", "-3", "1_000", "4.5%" with at most nine decimals. Exponents, fractions and other bases,
// which big.Rat reads too, are refused: an exponent of nine digits would take all memory.
func ParseDecimal(text string) (Decimal, error) {
	trimmed := strings.TrimSpace(text)
	number, percent := strings.CutSuffix(trimmed, "%")
	number = strings.TrimSpace(number)
	plain := ungrouped(number)
	if len(plain) == 0 || len(plain) > 30 || strings.ContainsAny(plain, "eE/xXpPnN+ _") {
		return Decimal{}, fmt.Errorf("%q is not a decimal number", text)
	}
	value, ok := new(big.Rat).SetString(plain)
	if !ok {
		return Decimal{}, fmt.Errorf("%q is not a decimal number", text)
	}
	if percent {
		value.Quo(value, big.NewRat(100, 1))
	}
	value.Mul(value, big.NewRat(nano, 1))
	if !value.IsInt() || !value.Num().IsInt64() {
		return Decimal{}, fmt.Errorf("%q has more than nine decimals or is too large", text)
	}
	return Decimal{value.Num().Int64(), true}, nil
}

// Float is for simulations: the nearest float64. Money is taken by Tiyn.
func (d Decimal) Float() float64 { return float64(d.Nano) / nano }

// PPM is the number in millionths; ok is false when it has finer parts.
func (d Decimal) PPM() (ppm int64, ok bool) { return d.Nano / 1000, d.Nano%1000 == 0 }

// Milli is the number in thousandths.
func (d Decimal) Milli() (milli int64, ok bool) { return d.Nano / 1_000_000, d.Nano%1_000_000 == 0 }

// Tiyn is an amount of tenge with at most two decimals.
func (d Decimal) Tiyn() (t money.Tiyn, ok bool) {
	return money.Tiyn(d.Nano / (nano / 100)), d.Nano%(nano/100) == 0
}

// String prints it as a decimal.
func (d Decimal) String() string {
	return strings.TrimSuffix(strings.TrimRight(big.NewRat(d.Nano, nano).FloatString(9), "0"), ".")
}

// Tenge is an amount of money in a file: a number or a text with at most two decimals.
type Tenge struct {
	Tiyn money.Tiyn
	Set  bool
}

// UnmarshalTOML reads either form.
func (t *Tenge) UnmarshalTOML(value any) error {
	var text string
	switch v := value.(type) {
	case string:
		text = strings.TrimSpace(v)
	case int64:
		text = strconv.FormatInt(v, 10)
	case float64:
		text = strconv.FormatFloat(v, 'f', -1, 64)
	default:
		return fmt.Errorf("want an amount of tenge, got %T", value)
	}
	amount, err := money.ParseTenge(ungrouped(text))
	if err != nil {
		return err
	}
	*t = Tenge{amount, true}
	return nil
}

// Price is what one of something small, such as a kWh, costs: a number or a text with at most eight decimals, as a
// count of millionths of a tiyn. In a currency whose smallest coin is worth much, prices of power have parts of it.
type Price struct {
	Micro int64
	Set   bool // it was in the file
}

// UnmarshalTOML reads any of a decimal's forms, without a percentage.
func (p *Price) UnmarshalTOML(value any) error {
	if text, ok := value.(string); ok && strings.Contains(text, "%") {
		return fmt.Errorf("want a price, got %q", text)
	}
	var d Decimal
	if err := d.UnmarshalTOML(value); err != nil {
		return err
	}
	if d.Nano%10 != 0 {
		return fmt.Errorf("price %s: more than 8 decimals", d)
	}
	*p = Price{d.Nano / 10, true}
	return nil
}
