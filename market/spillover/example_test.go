package spillover_test

import (
	"fmt"
	"math"

	"github.com/aqsha/aqsha/market/spillover"
)

// The second market does what the first did the day before.
func Example() {
	a, b := make([]float64, 200), make([]float64, 200)
	for i := range a {
		a[i] = math.Sin(float64(i * i))
		if b[i] = math.Cos(float64(3 * i * i)); i > 0 {
			b[i] += a[i-1]
		}
	}
	c, err := spillover.Connectedness([]string{"first", "second"}, [][]float64{a, b}, 1, 10)
	fmt.Println(c.Net[0] > 20, err)
	// Output: true <nil>
}
