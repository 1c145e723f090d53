package breaks_test

import (
	"fmt"

	"github.com/aqsha/aqsha/market/breaks"
)

// A level that changes in the middle.
func Example() {
	y := make([]float64, 40)
	for i := range y {
		y[i] = float64(i % 3)
		if i >= 20 {
			y[i] += 10
		}
	}
	m, err := breaks.BaiPerron(y, 2, 0.15)
	fmt.Println(m.Partitions[m.Best].Breaks, err)
	// Output: [20] <nil>
}
