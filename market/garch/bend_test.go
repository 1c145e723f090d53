package garch

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// A bent matrix curves downwards by the size that each of its curvatures had, and a matrix that was
// negative definite stays as it is.
func TestBend(t *testing.T) {
	h := []float64{3, 0, 0, -5}
	if bend(h, 2); math.Abs(h[0]+3) > 1e-12 || math.Abs(h[3]+5) > 1e-12 || math.Abs(h[1]) > 1e-12 {
		t.Errorf("%v", h)
	}
	flat := []float64{0, 0, 0, 0}
	if bend(flat, 2); !slices.Equal(flat, []float64{-1, 0, 0, -1}) {
		t.Errorf("a flat surface: %v", flat)
	}
	rapid.Check(t, func(t *rapid.T) {
		k := rapid.IntRange(1, 7).Draw(t, "k")
		a := rapid.SliceOfN(rapid.Float64Range(-3, 3), k*k, k*k).Draw(t, "a")
		h, definite := make([]float64, k*k), make([]float64, k*k)
		for i := range k {
			for j := range k {
				h[i*k+j] = a[i*k+j] + a[j*k+i]
				for x := range k { // −(AᵀA + 1)
					definite[i*k+j] -= a[x*k+i] * a[x*k+j]
				}
			}
			definite[i*k+i]--
		}
		bend(h, k)
		m := make([]float64, k*k)
		for i, v := range h {
			m[i] = -v
		}
		if !cholesky(m, k) {
			t.Fatalf("not negative definite: %v", h)
		}
		was := append([]float64(nil), definite...)
		bend(definite, k)
		for i, v := range definite {
			if math.Abs(v-was[i]) > 1e-3*(1+math.Abs(was[i])) && !floored(was, k) {
				t.Fatalf("element %d was %v and is %v", i, was[i], v)
			}
		}
	})
}

// floored says that a matrix has a curvature below the least that bend leaves.
func floored(h []float64, k int) bool {
	scaled := make([]float64, k*k)
	for i := range k {
		for j := range k {
			scaled[i*k+j] = h[i*k+j] / math.Sqrt(h[i*k+i]*h[j*k+j])
		}
	}
	jacobi(scaled, k)
	least, most := math.Inf(1), 0.0
	for i := range k {
		least, most = min(least, math.Abs(scaled[i*k+i])), max(most, math.Abs(scaled[i*k+i]))
	}
	return least < leastBend*most
}
