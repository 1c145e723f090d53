package experts_test

import (
	"fmt"

	"github.com/aqsha/aqsha/market/experts"
)

func ExampleAlpha() {
	alpha, err := experts.Alpha([][]float64{{1, 1}, {2, 3}, {4, 4}, {5, 5}}, experts.Ordinal)
	fmt.Printf("%.3f %v\n", alpha, err)
	// Output: 0.978 <nil>
}
