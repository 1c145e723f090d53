package stats_test

import (
	"fmt"

	"github.com/aqsha/aqsha/market/stats"
)

func Example() {
	m, err := stats.Describe([]float64{1, 2, 3, 4, 10})
	fmt.Printf("mean %.1f, skewness %.2f, %v\n", m.Mean, m.Skewness, err)
	// Output: mean 4.0, skewness 1.14, <nil>
}
