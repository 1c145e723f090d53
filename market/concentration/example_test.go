package concentration_test

import (
	"fmt"

	"github.com/aqsha/aqsha/market/concentration"
)

func Example() {
	blocks := []int64{50, 30, 15, 5}
	m, err := concentration.Measure(blocks)
	fmt.Printf("HHI %.0f, Gini %.3f, %d pools make a majority, %v\n", m.HHI, m.Gini, m.Nakamoto50, err)
	// Output: HHI 3650, Gini 0.375, 2 pools make a majority, <nil>
}
