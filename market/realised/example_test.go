package realised_test

import (
	"fmt"

	"github.com/aqsha/aqsha/market/realised"
)

// A quiet day with one jump of five per cent.
func Example() {
	r := make([]float64, 24)
	for i := range r {
		r[i] = 0.1 * float64(1-2*(i%2))
	}
	r[12] = 5
	d, err := realised.OfDay("2024-03-05", r, 0.001)
	fmt.Printf("RV %.2f, of it jump %.2f, %v\n", d.RV, d.Jump, err)
	// Output: RV 25.23, of it jump 23.25, <nil>
}
