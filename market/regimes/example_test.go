package regimes_test

import (
	"context"
	"fmt"

	"github.com/aqsha/aqsha/market/regimes"
)

// A quiet half and a wild half.
func Example() {
	r := make([]float64, 400)
	for i := range r {
		r[i] = float64(i%7-3) / 3
		if i >= 200 {
			r[i] *= 5
		}
	}
	f, err := regimes.Estimate(context.Background(), r, 2)
	fmt.Printf("%.2f %.1f %v\n", f.Variances[0], f.Variances[1], err)
	// Output: 0.45 11.2 <nil>
}
