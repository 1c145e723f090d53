package liquidity_test

import (
	"fmt"

	"github.com/aqsha/aqsha/market/liquidity"
)

// A price that jumps between bid and ask, one per cent apart.
func Example() {
	var bars liquidity.Bars
	for i := range 100 {
		bars.Close = append(bars.Close, 100+float64(i*i%3%2))
	}
	m, err := liquidity.Measure(bars)
	fmt.Printf("%.2f %% %v\n", *m.Roll, err)
	// Output: 1.14 % <nil>
}
