package farm

import (
	"fmt"
	"math"
	"math/big"
	"math/bits"
	"strings"

	"github.com/aqsha/aqsha/money"
)

// Hashprice is what work is worth: micro-satoshi for 10^18 hashes. In 2026 it is about 6·10^8,
// nine digits, so that its rounding is far below that of any other figure.
type Hashprice int64

// MicroSatoshi is a millionth of a satoshi: the unit in which work is valued.
type MicroSatoshi int64

const (
	exahash             = 1_000_000_000_000_000_000
	microPerSatoshi     = 1_000_000
	secondsPerDay       = 86_400
	microSatoshiBitcoin = int64(money.Bitcoin) * microPerSatoshi
)

// HashpriceOf derives the price from what a block pays (subsidy and mean fees) and the network's
// difficulty: reward / (D·2^48/65535) for a hash.
func HashpriceOf(reward money.Satoshi, difficulty float64) (Hashprice, error) {
	if reward < 0 || reward > 100*money.Bitcoin {
		return 0, Refuse("farm-out-of-range", "reward", "want 0 to 100 BTC a block, got %s", reward)
	}
	if !(difficulty >= 1) || math.IsInf(difficulty, 1) {
		return 0, Refuse("farm-out-of-range", "difficulty", "want at least 1, got %v", difficulty)
	}
	d, _ := new(big.Float).SetFloat64(difficulty).Rat(nil)
	work := new(big.Rat).Mul(d, new(big.Rat).SetFrac(new(big.Int).Lsh(big.NewInt(1), 48), big.NewInt(65535)))
	price := new(big.Rat).SetInt(new(big.Int).Mul(big.NewInt(int64(reward)*microPerSatoshi), big.NewInt(exahash)))
	price.Quo(price, work)
	whole := new(big.Int).Quo(price.Num(), price.Denom())
	if !whole.IsInt64() {
		return 0, Refuse("farm-out-of-range", "difficulty", "%v is too small for this reward", difficulty)
	}
	return Hashprice(whole.Int64()), nil
}

// Value is what an amount of work is worth, rounded towards zero.
func (p Hashprice) Value(h Hashes) (MicroSatoshi, error) {
	sign := MicroSatoshi(1)
	if h < 0 {
		h, sign = -h, -1
	}
	hi, lo := bits.Mul64(uint64(h), uint64(p))
	if p < 0 || hi >= exahash/2 {
		return 0, fmt.Errorf("value of %d hashes at %d micro-satoshi per exahash: %w", h, p, money.ErrOverflow)
	}
	quotient, _ := bits.Div64(hi, lo, exahash)
	return sign * MicroSatoshi(quotient), nil
}

// PerTHDay is the price as the trade quotes it: what 1 TH/s earns in a day.
func (p Hashprice) PerTHDay() MicroSatoshi {
	value, err := p.Value(secondsPerDay * 1_000_000_000_000)
	if err != nil {
		panic(err) // 8.6·10^16 hashes at any int64 price fit
	}
	return value
}

// MicroTiyn is a millionth of a tiyn: work valued in tenge before it is rounded for display.
type MicroTiyn int64

// Tenge values micro-satoshi at a price of one bitcoin, rounded towards zero.
func (m MicroSatoshi) Tenge(bitcoin money.Tiyn) (MicroTiyn, error) {
	sign := MicroTiyn(1)
	if m < 0 {
		m, sign = -m, -1
	}
	// micro-tiyn = m · tiyn · 10^6 / 10^14 = m · tiyn / 10^8
	hi, lo := bits.Mul64(uint64(m), uint64(bitcoin))
	if bitcoin < 0 || hi >= uint64(microSatoshiBitcoin/microPerSatoshi/2) {
		return 0, fmt.Errorf("%d micro-satoshi at %s a bitcoin: %w", m, bitcoin, money.ErrOverflow)
	}
	quotient, _ := bits.Div64(hi, lo, uint64(microSatoshiBitcoin/microPerSatoshi))
	return sign * MicroTiyn(quotient), nil
}

// Satoshi rounds to the nearest satoshi, for display.
func (m MicroSatoshi) Satoshi() money.Satoshi {
	return money.Satoshi(roundDiv(int64(m), microPerSatoshi))
}

// Tiyn rounds to the nearest tiyn, for display.
func (m MicroTiyn) Tiyn() money.Tiyn { return money.Tiyn(roundDiv(int64(m), 1_000_000)) }

// Rounded is a number of millionths of m's unit in m's unit: to the nearest, halves away from zero.
func Rounded(m MicroTiyn) MicroTiyn { return MicroTiyn(roundDiv(int64(m), 1_000_000)) }

// String is the amount in tenge with all its decimals, at least two: "23.4567".
func (m MicroTiyn) String() string {
	sign, n := "", uint64(m)
	if m < 0 {
		sign, n = "-", -n
	}
	whole, part := n/100_000_000, fmt.Sprintf("%08d", n%100_000_000)
	return fmt.Sprintf("%s%d.%s%s", sign, whole, part[:2], strings.TrimRight(part[2:], "0"))
}

func roundDiv(n, by int64) int64 {
	if n < 0 {
		return -((-n + by/2) / by)
	}
	return (n + by/2) / by
}

// PowerCostPerTHDay is what the electricity of 1 TH/s costs in a day, in tiyn times 10^6:
// (J/TH)·0.024 kWh·tariff·PUE. pueMilli is power usage effectiveness times 1,000, at least 1,000.
func PowerCostPerTHDay(milliJTH int64, tariff money.Tiyn, pueMilli int64) MicroTiyn {
	// mJ/TH · 86,400 TH = mJ; 3.6·10^9 mJ are a kWh: mJ/TH · 24·10^-6 kWh
	return MicroTiyn(milliJTH * 24 * int64(tariff) * pueMilli / 1000)
}

// BreakEvenTariff is the price of a kWh at which a machine earns its electricity and no more:
// hashprice·(1−fee)/(0.024·(J/TH)·PUE), rounded down to a tiyn.
func BreakEvenTariff(price Hashprice, bitcoin money.Tiyn, feePPM, milliJTH, pueMilli int64) (money.Tiyn, error) {
	if milliJTH <= 0 || pueMilli < 1000 || feePPM < 0 || feePPM >= 1_000_000 {
		return 0, Refuse("farm-out-of-range", "machine",
			"want J/TH above 0, PUE at least 1 and a fee below 1, got %d mJ/TH, %d/1000, %d ppm", milliJTH, pueMilli,
			feePPM)
	}
	income, err := price.PerTHDay().Tenge(bitcoin)
	if err != nil {
		return 0, err
	}
	earned := new(big.Int).Mul(big.NewInt(int64(income)), big.NewInt((1_000_000-feePPM)*1000))
	cost := new(big.Int).Mul(big.NewInt(milliJTH*24), big.NewInt(pueMilli*1_000_000))
	return money.Tiyn(earned.Quo(earned, cost).Int64()), nil
}
