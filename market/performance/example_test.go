package performance_test

import (
	"fmt"
	"time"

	"github.com/aqsha/aqsha/market"
	"github.com/aqsha/aqsha/market/performance"
	"github.com/aqsha/aqsha/market/volatility"
)

func Example() {
	prices := market.Series{Name: "coin"}
	for i, v := range []float64{100, 110, 99, 118.8} {
		prices.Times, prices.Values = append(prices.Times, time.Date(2021, 1, 1+i, 0, 0, 0, 0, time.UTC)), append(prices.Values, v)
	}
	p, err := performance.Measure(prices, market.Series{}, volatility.EveryDay)
	fmt.Printf("deepest drawdown %.0f %%, %v\n", 100*p.Drawdowns[0].Depth, err)
	// Output: deepest drawdown -10 %, <nil>
}
