package meter

import (
	"math/bits"

	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// Tariff is what energy costs: a price in each zone, and what is added above two steps of a bill.
type Tariff struct {
	Prices [Zones]money.Tiyn `json:"prices"` // tiyn a kWh
	Steps  [2]Step           `json:"steps"`
}

// Step adds to the price of what exceeds it.
type Step struct {
	AboveWh int64      `json:"above_wh"`
	Adds    money.Tiyn `json:"adds"` // tiyn a kWh
}

// BadTariff is the code of a tariff or reading that no bill can be made of.
const BadTariff token.Code = "bad-tariff"

// Bill is what the energy between two readings costs, as the contract computes it: each zone's share
// and each step's rounded down to a tiyn, the sum at most the cap.
func (t *Tariff) Bill(from, to Registers, most money.Tiyn) (money.Tiyn, *token.Error) {
	sum := money.Tiyn(0)
	add := func(wh int64, price money.Tiyn) *token.Error {
		if wh < 0 || price < 0 {
			return token.Errorf(BadTariff, "registers", "%d Wh at %d tiyn", wh, price)
		}
		high, low := bits.Mul64(uint64(wh), uint64(price))
		// bits.Div64 panics where the quotient has more than 64 bits, which is where the high half reaches the
		// divisor. 1000: prices are of a kWh, energy is in Wh.
		if high >= 1000 {
			return token.Errorf(token.AmountOverflow, "bill", "%d Wh at %d tiyn", wh, price)
		}
		part, _ := bits.Div64(high, low, 1000)
		var err error
		if part > 1<<63-1 {
			return token.Errorf(token.AmountOverflow, "bill", "%d Wh at %d tiyn", wh, price)
		}
		if sum, err = money.Add(sum, money.Tiyn(part)); err != nil {
			return token.Errorf(token.AmountOverflow, "bill", "%v", err)
		}
		return nil
	}
	for zone := range from {
		if err := add(to[zone]-from[zone], t.Prices[zone]); err != nil {
			return 0, err
		}
	}
	for _, s := range t.Steps {
		if err := add(max(to.Total()-from.Total()-s.AboveWh, 0), s.Adds); err != nil {
			return 0, err
		}
	}
	return min(sum, most), nil
}
