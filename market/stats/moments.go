package stats

import (
	"math"
	"slices"

	"github.com/aqsha/aqsha/market"
)

// Mean is the arithmetic mean; NaN for none.
func Mean(x []float64) float64 {
	sum := 0.0
	for _, v := range x {
		sum += v
	}
	return sum / float64(len(x))
}

// SD is the sample standard deviation (n−1).
func SD(x []float64) float64 { return math.Sqrt(Variance(x)) }

// Variance is the sample variance (n−1), in two passes: the mean of squares less the square of the mean would lose its
// digits where the mean is large beside the deviation. NaN for fewer than two values.
func Variance(x []float64) float64 {
	m, sum := Mean(x), 0.0
	for _, v := range x {
		sum += (v - m) * (v - m)
	}
	return sum / float64(len(x)-1)
}

// Covariance is the sample covariance (n−1) of two series of one length.
func Covariance(x, y []float64) float64 {
	mx, my, sum := Mean(x), Mean(y), 0.0
	for i := range x {
		sum += (x[i] - mx) * (y[i] - my)
	}
	return sum / float64(len(x)-1)
}

// Correlation is Pearson's, of two series of one length; NaN where one of them is constant.
func Correlation(x, y []float64) float64 { return Covariance(x, y) / (SD(x) * SD(y)) }

// Spearman is the correlation of ranks, ties sharing their mean rank.
func Spearman(x, y []float64) float64 { return Correlation(ranks(x), ranks(y)) }

// ranks of the values from 1 on. Equal values share the mean of the ranks that they take together, as Spearman's
// correlation has it.
func ranks(x []float64) []float64 {
	order := make([]int, len(x))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		switch {
		case x[a] < x[b]:
			return -1
		case x[a] > x[b]:
			return 1
		}
		return 0
	})
	out := make([]float64, len(x))
	for first := 0; first < len(order); {
		last := first
		for last+1 < len(order) && x[order[last+1]] == x[order[first]] {
			last++
		}
		for i := first; i <= last; i++ {
			out[order[i]] = float64(first+last)/2 + 1
		}
		first = last + 1
	}
	return out
}

// Moments of a sample. Variance here is the population's (n), as the skewness and kurtosis are: skewness is m₃/m₂^1.5
// and the excess m₄/m₂² − 3, with m_k the mean of (x − mean)^k. No correction for small samples is made.
type Moments struct {
	N        int     `json:"n"`
	Mean     float64 `json:"mean"`
	SD       float64 `json:"sd"` // n−1
	VarN     float64 `json:"var_n"`
	Skewness float64 `json:"skew"`
	Excess   float64 `json:"exkurt"`
	Min      float64 `json:"min"`
	Max      float64 `json:"max"`
}

// Describe computes the moments; it refuses fewer than two values, values
// that are not finite, and a constant sample (which has no shape).
func Describe(x []float64) (Moments, error) {
	if err := Finite("returns", x, 2); err != nil {
		return Moments{}, err
	}
	m := Moments{N: len(x), Mean: Mean(x), Min: slices.Min(x), Max: slices.Max(x)}
	var m2, m3, m4 float64
	for _, v := range x {
		d := v - m.Mean
		m2, m3, m4 = m2+d*d, m3+d*d*d, m4+d*d*d*d
	}
	n := float64(m.N)
	m2, m3, m4 = m2/n, m3/n, m4/n
	if !(m2 > 0) || m.Min == m.Max {
		return Moments{}, market.Refuse("constant", "returns", "the series is constant")
	}
	m.VarN, m.SD = m2, math.Sqrt(m2*n/(n-1))
	m.Skewness, m.Excess = m3/math.Pow(m2, 1.5), m4/(m2*m2)-3
	return m, nil
}

// Finite refuses fewer than least values and any NaN or infinity, naming the first. Estimators ask it at their door,
// so that no optimiser runs into a NaN, of which every comparison is false.
func Finite(field string, x []float64, least int) error {
	if len(x) < least {
		return market.Refuse("too-short", field, "%d values; at least %d are needed", len(x), least)
	}
	for i, v := range x {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return market.Refuse("not-finite", field, "value %d is %v", i+1, v)
		}
	}
	return nil
}

// Quantile is R's type 7: linear between order statistics. sorted ascends.
func Quantile(sorted []float64, p float64) float64 {
	at := p * float64(len(sorted)-1)
	low := int(math.Floor(at))
	if low+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	return sorted[low] + (at-float64(low))*(sorted[low+1]-sorted[low])
}

// Sorted returns an ascending copy.
func Sorted(x []float64) []float64 {
	s := slices.Clone(x)
	slices.Sort(s)
	return s
}
