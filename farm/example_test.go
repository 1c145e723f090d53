package farm_test

import (
	"fmt"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/money"
)

func Example() {
	// A block pays 3.125 BTC and 0.02 BTC of fees at a difficulty of 150 T.
	price, err := farm.HashpriceOf(314_500_000, 150e12)
	fmt.Println(price.PerTHDay().Satoshi(), "a day for 1 TH/s", err)

	// An S19 (34 J/TH) with bitcoin at 50 million tenge and a pool's fee of 1 %.
	tariff, err := farm.BreakEvenTariff(price, 50_000_000*money.Tenge, 10_000, 34_200, 1050)
	fmt.Println(tariff.Format(), "a kWh to break even", err)
	// Output:
	// 0.00000042 a day for 1 TH/s <nil>
	// 24.22 ₸ a kWh to break even <nil>
}
