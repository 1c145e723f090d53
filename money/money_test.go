package money_test

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"github.com/aqsha/aqsha/money"
)

func ExampleParseTenge() {
	price, _ := money.ParseTenge("12500.50")
	fmt.Println(int64(price), price)
	// Output: 1250050 12500.50
}

func TestParse(t *testing.T) {
	for _, tc := range []struct {
		text string
		want money.Tiyn
		ok   bool
	}{
		{"0", 0, true},
		{"1", 100, true},
		{"0.05", 5, true},
		{"0.5", 50, true},
		{"-3.10", -310, true},
		{"12500", 1_250_000, true},
		{"12_500", 0, false},
		{"1__0", 0, false},
		{"_1", 0, false},
		{"1_", 0, false},
		{"1.5_0", 0, false},
		{"92233720368547758.07", math.MaxInt64, true},
		{"-92233720368547758.08", math.MinInt64, true},
		{"92233720368547758.08", 0, false},
		{"99999999999999999999", 0, false},
		{"0.001", 0, false},
		{"1.", 0, false},
		{".5", 0, false},
		{"", 0, false},
		{"-", 0, false},
		{"+1", 0, false},
		{"1e3", 0, false},
		{"１", 0, false},
		{"--1", 0, false},
	} {
		got, err := money.ParseTenge(tc.text)
		if (err == nil) != tc.ok || got != tc.want {
			t.Errorf("ParseTenge(%q) = %d, %v", tc.text, got, err)
		}
	}
}

func TestFormat(t *testing.T) {
	for units, want := range map[money.Tiyn]string{
		0: "0.00 ₸", 5: "0.05 ₸", 123456789: "1\u202f234\u202f567.89 ₸", -100000: "-1\u202f000.00 ₸",
	} {
		if got := units.Format(); got != want {
			t.Errorf("Format(%d) = %q, want %q", int64(units), got, want)
		}
	}
}

func TestStringParsesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tiyn := money.Tiyn(rapid.Int64().Draw(t, "tiyn"))
		if back, err := money.ParseTenge(tiyn.String()); err != nil || back != tiyn {
			t.Fatalf("%d prints %q, reads %d, %v", int64(tiyn), tiyn, back, err)
		}
		satoshi := money.Satoshi(rapid.Int64().Draw(t, "satoshi"))
		if back, err := money.ParseBitcoin(satoshi.String()); err != nil || back != satoshi {
			t.Fatalf("%d prints %q, reads %d, %v", int64(satoshi), satoshi, back, err)
		}
	})
}

// Arithmetic either equals that of unbounded integers or says ErrOverflow.
func TestArithmeticAgreesWithBig(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.Int64().Draw(t, "a"), rapid.Int64().Draw(t, "b")
		check := func(name string, got money.Tiyn, err error, want *big.Int) {
			if !want.IsInt64() {
				if !errors.Is(err, money.ErrOverflow) {
					t.Fatalf("%s(%d, %d) = %d, %v; want overflow", name, a, b, got, err)
				}
			} else if err != nil || int64(got) != want.Int64() {
				t.Fatalf("%s(%d, %d) = %d, %v; want %v", name, a, b, got, err, want)
			}
		}
		x, y := big.NewInt(a), big.NewInt(b)
		sum, err := money.Add(money.Tiyn(a), money.Tiyn(b))
		check("Add", sum, err, new(big.Int).Add(x, y))
		diff, err := money.Sub(money.Tiyn(a), money.Tiyn(b))
		check("Sub", diff, err, new(big.Int).Sub(x, y))
		product, err := money.Mul(money.Tiyn(a), b)
		check("Mul", product, err, new(big.Int).Mul(x, y))
	})
}
