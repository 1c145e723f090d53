package finance

import (
	"fmt"
	"math"
	"math/big"

	"github.com/aqsha/aqsha/money"
)

// Rate is an interest rate of one period in parts per billion: 1.5 % is 15,000,000.
type Rate int64

// One is a rate of 100 %.
const One Rate = 1_000_000_000

// Float is the rate as a fraction.
func (r Rate) Float() float64 { return float64(r) / float64(One) }

// PerPeriod is the rate of one of n periods that compounds to an annual rate, rounded to a part per billion.
func PerPeriod(annual Rate, n int) Rate {
	return Rate(math.Round((math.Pow(1+annual.Float(), 1/float64(n)) - 1) * float64(One)))
}

// NPV is the value now of flows at a rate above −100 %, rounded half away from zero to a tiyn.
func NPV(rate Rate, flows []money.Tiyn) (money.Tiyn, error) {
	if rate <= -One {
		return 0, fmt.Errorf("rate %d ppb: want more than −100 %%", rate)
	}
	if len(flows) == 0 {
		return 0, nil
	}
	// Horner on fractions: v_t = flow_t + v_{t+1}/(1+r), kept as numerator over (10^9+rate)^k.
	q, one := big.NewInt(int64(One+rate)), big.NewInt(int64(One))
	numerator, power := new(big.Int), big.NewInt(1)
	for t := len(flows) - 1; ; t-- {
		numerator.Add(numerator, new(big.Int).Mul(big.NewInt(int64(flows[t])), power))
		if t == 0 {
			break
		}
		numerator.Mul(numerator, one)
		power.Mul(power, q)
	}
	value := roundQuotient(numerator, power)
	if !value.IsInt64() {
		return 0, money.ErrOverflow
	}
	return money.Tiyn(value.Int64()), nil
}

// roundQuotient is n/d to the nearest integer, halves away from zero; d > 0.
func roundQuotient(n, d *big.Int) *big.Int {
	twice := new(big.Int).Lsh(new(big.Int).Abs(n), 1)
	twice.Add(twice, d)
	quotient := twice.Quo(twice, new(big.Int).Lsh(d, 1))
	if n.Sign() < 0 {
		quotient.Neg(quotient)
	}
	return quotient
}

// Payback is when the flows summed up first reach zero, in periods, linear within a period as money
// comes in evenly; ok is false when they never do. Flows that never go below zero pay back at 0.
func Payback(flows []money.Tiyn) (periods float64, ok bool) {
	total := new(big.Int)
	for t, flow := range flows {
		before := new(big.Int).Set(total)
		total.Add(total, big.NewInt(int64(flow)))
		if total.Sign() < 0 {
			continue
		}
		if t == 0 || before.Sign() >= 0 {
			return 0, true
		}
		part, _ := new(big.Rat).SetFrac(before.Neg(before), big.NewInt(int64(flow))).Float64()
		return float64(t-1) + part, true
	}
	return 0, false
}

// DiscountedPayback is the payback of the flows' present values; each is rounded to a tiyn.
func DiscountedPayback(rate Rate, flows []money.Tiyn) (periods float64, ok bool, err error) {
	present := make([]money.Tiyn, len(flows))
	single := make([]money.Tiyn, len(flows))
	for t := range flows {
		single[t] = flows[t]
		if present[t], err = NPV(rate, single[:t+1]); err != nil {
			return 0, false, err
		}
		single[t] = 0
	}
	periods, ok = Payback(present)
	return periods, ok, nil
}
