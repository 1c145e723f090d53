package concentration

import (
	"math"
	"math/big"
	"slices"

	"github.com/aqsha/aqsha/market"
)

// Measures of one distribution; zero amounts are left out.
type Measures struct {
	N           int     `json:"n"`
	HHI         float64 `json:"hhi"`           // 10⁴·Σs², 10⁴/n to 10⁴
	Effective   float64 `json:"n_eff"`         // 1/Σs²
	Gini        float64 `json:"gini"`          // 0 to 1−1/n
	Theil       float64 `json:"theil"`         // ln n + Σ s·ln s, 0 to ln n
	EntropyBits float64 `json:"entropy_bits"`  // −Σ s·log₂ s
	Nakamoto50  int     `json:"nakamoto_gt50"` // least k whose sum exceeds one half
	Nakamoto33  int     `json:"nakamoto_gt33"` // … one third
	CR1         float64 `json:"cr1"`
	CR4         float64 `json:"cr4"`
	CR10        float64 `json:"cr10"`
}

// Measure computes every measure from exact amounts (blocks, satoshi, hundredths of a per cent). It refuses negative
// amounts and an empty total. With x in descending order from i = 0, Gini = Σ(n − 1 − 2i)·x_i/(n·Σx); this, HHI and
// the shares are quotients of whole numbers, rounded once, and only the entropies are summed in floats.
func Measure(amounts []int64) (Measures, error) {
	x, err := positive(amounts)
	if err != nil {
		return Measures{}, err
	}
	n := len(x)
	total, squares, rank := new(big.Int), new(big.Int), new(big.Int)
	for i, v := range x { // descending: rank weight from the top
		b := big.NewInt(v)
		total.Add(total, b)
		squares.Add(squares, new(big.Int).Mul(b, b))
		rank.Add(rank, b.Mul(b, big.NewInt(int64(n-1-2*i))))
	}
	m := Measures{N: n, Nakamoto50: leastAbove(x, total, 1, 2), Nakamoto33: leastAbove(x, total, 1, 3)}
	totalSquared := new(big.Int).Mul(total, total)
	m.HHI = ratio(new(big.Int).Mul(squares, big.NewInt(10_000)), totalSquared)
	m.Effective = ratio(totalSquared, squares)
	m.Gini = ratio(rank, new(big.Int).Mul(total, big.NewInt(int64(n))))
	m.CR1, m.CR4, m.CR10 = top(x, total, 1), top(x, total, 4), top(x, total, 10)
	sum, _ := new(big.Float).SetInt(total).Float64()
	entropy := 0.0
	for _, v := range x {
		s := float64(v) / sum
		entropy -= s * math.Log(s)
	}
	m.Theil, m.EntropyBits = max(0, math.Log(float64(n))-entropy), entropy/math.Ln2
	return m, nil
}

// positive are the amounts above zero, the largest first.
func positive(amounts []int64) ([]int64, error) {
	var x []int64
	for i, v := range amounts {
		if v < 0 {
			return nil, market.Refuse("amount-negative", "amounts", "entry %d is %d", i+1, v)
		}
		if v > 0 {
			x = append(x, v)
		}
	}
	if len(x) == 0 {
		return nil, market.Refuse("amounts-empty", "amounts", "nothing above zero to measure")
	}
	slices.Sort(x)
	slices.Reverse(x)
	return x, nil
}

// leastAbove is the least k for which the k largest exceed num/den of the
// total: compared as integers, strictly.
func leastAbove(x []int64, total *big.Int, num, den int64) int {
	bar := new(big.Int).Mul(total, big.NewInt(num))
	sum := new(big.Int)
	for i, v := range x {
		sum.Add(sum, big.NewInt(v))
		if new(big.Int).Mul(sum, big.NewInt(den)).Cmp(bar) > 0 {
			return i + 1
		}
	}
	return len(x)
}

// top is the share of the k largest.
func top(x []int64, total *big.Int, k int) float64 {
	sum := new(big.Int)
	for _, v := range x[:min(k, len(x))] {
		sum.Add(sum, big.NewInt(v))
	}
	return ratio(sum, total)
}

// ratio is a/b, rounded once.
func ratio(a, b *big.Int) float64 {
	f, _ := new(big.Rat).SetFrac(a, b).Float64()
	return f
}

// Integers scales decimal figures (shares in per cent with two places) to the
// integers they are written as. It refuses more than nine decimals or
// negative and missing values.
func Integers(values []float64) ([]int64, error) {
	for decimals := 0; decimals <= 9; decimals++ {
		out, scale, exact := make([]int64, len(values)), math.Pow10(decimals), true
		for i, v := range values {
			if math.IsNaN(v) || v < 0 || v*scale > 1<<53 {
				why := "an amount below zero"
				if math.IsNaN(v) {
					why = "no number"
				} else if v > 0 {
					why = "too large to be counted exactly"
				}
				return nil, market.Refuse("amount-bad", "amounts", "entry %d, %v, is %s", i+1, v, why)
			}
			whole := math.Round(v * scale)
			// The division rounds correctly, so a decimal comes back exactly.
			if whole/scale != v {
				exact = false
				break
			}
			out[i] = int64(whole)
		}
		if exact {
			return out, nil
		}
	}
	return nil, market.Refuse("amount-bad", "amounts", "more than nine decimals")
}

// Point of a Lorenz curve: the poorest share of the population holds so much.
type Point struct{ Population, Held float64 }

// Lorenz returns the curve of the amounts, from (0,0) to (1,1).
func Lorenz(amounts []int64) ([]Point, error) {
	x, err := positive(amounts)
	if err != nil {
		return nil, err
	}
	slices.Reverse(x)
	total := 0.0
	for _, v := range x {
		total += float64(v)
	}
	curve, sum := []Point{{}}, 0.0
	for i, v := range x {
		sum += float64(v)
		curve = append(curve, Point{float64(i+1) / float64(len(x)), sum / total})
	}
	return curve, nil
}
