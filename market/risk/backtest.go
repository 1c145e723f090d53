package risk

import (
	"math"

	"github.com/aqsha/aqsha/market/stats"
)

// Coverage is Kupiec's (1995) unconditional and Christoffersen's (1998) independence and joint tests of exceedances.
// With x of n days beyond, π = x/n, LR = −2·ln(L(p)/L(π)), where L(p) = (1−p)ⁿ⁻ˣpˣ, is χ² with one degree. Nij counts
// days in the state j (1: beyond) after one in i, of which there are n − 1; LRInd holds the rate after a quiet day
// against that after an exceedance, and LRCC is the sum of the two, χ² with two degrees.
type Coverage struct {
	N      int     `json:"n"`
	Exceed int     `json:"exceed"`
	Rate   float64 `json:"rate"`
	LR     float64 `json:"LR"`
	P      float64 `json:"p"`
	N00    int     `json:"n00"`
	N01    int     `json:"n01"`
	N10    int     `json:"n10"`
	N11    int     `json:"n11"`
	LRInd  float64 `json:"LR_ind"`
	PInd   float64 `json:"p_ind"`
	LRCC   float64 `json:"LR_cc"`
	PCC    float64 `json:"p_cc"`
}

// xlog is a·ln b with 0·ln 0 = 0.
func xlog(a int, b float64) float64 {
	if a == 0 {
		return 0
	}
	return float64(a) * math.Log(b)
}

// TestCoverage tests a sequence of exceedances against the tail probability p.
func TestCoverage(exceed []bool, p float64) Coverage {
	c := Coverage{N: len(exceed)}
	for i, hit := range exceed {
		if hit {
			c.Exceed++
		}
		if i == 0 {
			continue
		}
		switch before := exceed[i-1]; {
		case !before && !hit:
			c.N00++
		case !before:
			c.N01++
		case !hit:
			c.N10++
		default:
			c.N11++
		}
	}
	n, x := c.N, c.Exceed
	c.Rate = float64(x) / float64(n)
	c.LR = -2 * (xlog(n-x, 1-p) + xlog(x, p) - xlog(n-x, 1-c.Rate) - xlog(x, c.Rate))
	c.P = stats.ChiSquareP(c.LR, 1)
	rate := func(a, b int) float64 {
		if a+b == 0 {
			return 0
		}
		return float64(b) / float64(a+b)
	}
	p01, p11, both := rate(c.N00, c.N01), rate(c.N10, c.N11), rate(c.N00+c.N10, c.N01+c.N11)
	// Christoffersen (1998): whether an exceedance depends on the day before. xlog takes 0·log 0 for 0.
	c.LRInd = -2 * (xlog(c.N00+c.N10, 1-both) + xlog(c.N01+c.N11, both) - xlog(c.N00, 1-p01) - xlog(c.N01,
		p01) - xlog(c.N10, 1-p11) - xlog(c.N11, p11))
	c.PInd = stats.ChiSquareP(c.LRInd, 1)
	c.LRCC = c.LR + c.LRInd
	c.PCC = stats.ChiSquareP(c.LRCC, 2)
	return c
}

// AcerbiSzekely is the second test of Acerbi and Székely (2014):
// Z = Σ r·1[r < −VaR]/(n·p·ES) + 1, zero when the shortfall is right and
// negative when it is too small. Below −0.70 it is rejected at 5 % for a wide
// range of laws, below −1.8 at 0.01 %.
func AcerbiSzekely(r, valueAtRisk, shortfall []float64, p float64) float64 {
	sum := 0.0
	for i, v := range r {
		if v < -valueAtRisk[i] {
			sum += v / (float64(len(r)) * p * shortfall[i])
		}
	}
	return sum + 1
}

// AcerbiLimit is the value of Z below which the shortfall is rejected at 5 %.
const AcerbiLimit = -0.70
