package volatility

import (
	"math"

	"github.com/aqsha/aqsha/market"
	"github.com/aqsha/aqsha/market/stats"
)

// Ranges are volatilities a year, as fractions (1 is 100 %), from daily bars. What moves from one close to the next
// opening is in CloseToClose, YangZhang and GarmanKlassYZ, and not in the others, which are too small of a market that
// closes. YangZhangK is the weight that Yang and Zhang's has for the variance from open to close.
type Ranges struct {
	N              int     `json:"n"`
	CloseToClose   float64 `json:"cc_ann"`
	Parkinson      float64 `json:"parkinson_ann"`
	GarmanKlass    float64 `json:"garman_klass_ann"`
	RogersSatchell float64 `json:"rogers_satchell_ann"`
	YangZhang      float64 `json:"yang_zhang_ann"`
	YangZhangK     float64 `json:"yz_k"`
	GarmanKlassYZ  float64 `json:"gk_yz_ann"` // with the overnight jump
}

// RangeEstimators computes every range estimator over bars 1…n; bar 0 only lends its close to the overnight return. u
// = ln(H/O), d = ln(L/O), c = ln(C/O), o = ln(O/C₋₁). Means over bars of (u − d)²/(4·ln 2) (Parkinson 1980), ½(u − d)²
// − (2·ln 2 − 1)c² (Garman and Klass 1980) and u(u − c) + d(d − c) (Rogers and Satchell 1991), which alone of these
// three is right where prices trend; Var(o) + k·Var(c) + (1 − k)·RS with k = 0.34/(1.34 + (n + 1)/(n − 1)) (Yang and
// Zhang 2000). A bar whose high is below, or whose low is above, its open or close is refused and not mended.
func RangeEstimators(open, high, low, close []float64, a Annual) (Ranges, error) {
	n := len(open) - 1
	if n < 2 {
		return Ranges{}, market.Refuse("too-short", "bars", "%d bars; at least three are needed", n+1)
	}
	overnight, inside, cc := make([]float64, n), make([]float64, n), make([]float64, n)
	var pk, gk, rs, squares float64
	for i := range n {
		o, h, l, c, before := open[i+1], high[i+1], low[i+1], close[i+1], close[i]
		if !(l > 0) || !(before > 0) || h < max(o, c) || l > min(o, c) {
			return Ranges{}, market.Refuse("range", "bars",
				"bar %d (open %g, high %g, low %g, close %g) is not a range; see the import's findings", i+2, o, h, l,
				c)
		}
		u, d, x := math.Log(h/o), math.Log(l/o), math.Log(c/o)
		overnight[i], inside[i], cc[i] = math.Log(o/before), x, math.Log(c/before)
		pk += (u - d) * (u - d) / (4 * math.Ln2)
		gk += (u-d)*(u-d)/2 - (2*math.Ln2-1)*x*x
		rs += u*(u-x) + d*(d-x)
		squares += overnight[i] * overnight[i]
	}
	f := float64(n)
	pk, gk, rs, squares = pk/f, gk/f, rs/f, squares/f
	k := 0.34 / (1.34 + (f+1)/(f-1))
	annual := func(v float64) float64 { return math.Sqrt(float64(a) * v) }
	return Ranges{n, annual(stats.Variance(cc)), annual(pk), annual(gk), annual(rs),
		annual(stats.Variance(overnight) + k*stats.Variance(inside) + (1-k)*rs), k, annual(gk + squares)}, nil
}
