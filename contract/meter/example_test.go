package meter_test

import (
	"fmt"

	"github.com/aqsha/aqsha/contract/meter"
	"github.com/aqsha/aqsha/money"
)

// 100 kWh by day at 19 tenge and 50 by night at 14.
func Example() {
	tariff := meter.Tariff{Prices: [3]money.Tiyn{1900, 2600, 1400}}
	bill, _ := tariff.Bill(meter.Registers{}, meter.Registers{100_000, 0, 50_000}, 1<<40)
	fmt.Println(bill)
	// Output: 2600.00
}
