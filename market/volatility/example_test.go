package volatility_test

import (
	"fmt"

	"github.com/aqsha/aqsha/market/volatility"
)

func Example() {
	returns := []float64{1, -2, 0.5, 1.5, -1} // percent a day
	fmt.Printf("%.1f percent a year, %s\n", volatility.Realised(returns, volatility.EveryDay), volatility.EveryDay)
	// Output: 27.9 percent a year, annualised on 365 observations
}
