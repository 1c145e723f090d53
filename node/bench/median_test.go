package bench

import "testing"

// The median of an odd number of rates is the middle one; what was measured stays in its order.
func TestMedian(t *testing.T) {
	values := []float64{9, 1, 5}
	if Median(values) != 5 || values[0] != 9 || Median([]float64{3}) != 3 || Median([]float64{1, 2}) != 2 {
		t.Error(Median(values), values)
	}
}
