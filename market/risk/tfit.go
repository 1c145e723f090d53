package risk

import "gonum.org/v1/gonum/stat/distuv"

// TQuantile is the quantile of the standard t, refined by Newton steps on the
// distribution function: the library's own is good to 1e-8 only.
func TQuantile(p, nu float64) float64 {
	d := distuv.StudentsT{Sigma: 1, Nu: nu}
	x := d.Quantile(p)
	for range 3 {
		if density := d.Prob(x); density > 0 {
			x -= (d.CDF(x) - p) / density
		}
	}
	return x
}
