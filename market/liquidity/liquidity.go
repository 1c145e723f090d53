package liquidity

import (
	"math"

	"github.com/aqsha/aqsha/market"
	"github.com/aqsha/aqsha/market/stats"
)

// Bars are equally long columns; Value is what was traded, in the quote
// currency (nil: not known). High and Low may be nil.
type Bars struct{ High, Low, Close, Value []float64 }

// Measures of liquidity; null is not available.
type Measures struct {
	N int `json:"n"`
	// Amihud is the mean absolute return, percent, a million of the quote currency traded.
	Amihud *float64 `json:"amihud"`
	// Roll is 2√−cov(Δp_t, Δp_{t−1}) of log prices, percent of the price; null where the covariance is positive.
	Roll           *float64 `json:"roll_spread"`
	RollCovariance float64  `json:"roll_covariance"`
	// CorwinSchultz is the mean over pairs of bars, percent of the price; negative pairs count as 0, as in the paper.
	CorwinSchultz *float64 `json:"corwin_schultz_spread"`
	NegativePairs float64  `json:"corwin_schultz_negative_share"`
	// Kyle is the slope of returns (percent) on the root of the value traded (in millions), with the
	// return's own sign, since bars do not say who began a trade: an upper figure.
	Kyle   *float64 `json:"kyle_lambda"`
	KyleSE *float64 `json:"kyle_se"` // Newey–West, 5 lags
}

// Measure needs 30 bars. A bar without trade counts for no price impact.
func Measure(b Bars) (Measures, error) {
	if err := stats.Finite("close", b.Close, 30); err != nil {
		return Measures{}, err
	}
	for _, c := range [][]float64{b.High, b.Low, b.Value} {
		if c != nil && len(c) != len(b.Close) {
			return Measures{}, market.Refuse("liquidity", "bars", "columns of %d and %d rows", len(c), len(b.Close))
		}
	}
	for i, c := range b.Close {
		if !(c > 0) {
			return Measures{}, market.Refuse("price", "close", "bar %d: %g is no price", i+1, c)
		}
	}
	out := Measures{N: len(b.Close) - 1}
	r := make([]float64, 0, out.N)
	for i := 1; i < len(b.Close); i++ {
		r = append(r, 100*math.Log(b.Close[i]/b.Close[i-1]))
	}
	out.RollCovariance = stats.Covariance(r[1:], r[:len(r)-1])
	// Roll's spread (1984) is the root of minus the covariance: where prices trend there is none, and it is left out.
	if out.RollCovariance <= 0 {
		spread := 2 * math.Sqrt(max(0, -out.RollCovariance)) // no −0
		out.Roll = &spread
	}
	if b.High != nil && b.Low != nil {
		out.highLow(b)
	}
	if b.Value != nil {
		return out, out.impact(r, b.Value[1:])
	}
	return out, nil
}

// highLow is Corwin and Schultz's estimator, with their adjustment for the night: a bar that lies wholly above or
// below the close before it is moved there. With β the sum of two bars' (ln H/L)², γ that of their common range and k
// = 3 − 2√2, α = (√(2β) − √β)/k − √(γ/k) and the spread is 2(e^α − 1)/(1 + e^α): the range over two bars has twice the
// variance of one, and the spread once. A pair without a proper range is passed over.
func (m *Measures) highLow(b Bars) {
	k := 3 - 2*math.Sqrt2
	sum, pairs, negative := 0.0, 0.0, 0.0
	for i := 1; i < len(b.Close); i++ {
		h0, l0, h1, l1, close := b.High[i-1], b.Low[i-1], b.High[i], b.Low[i], b.Close[i-1]
		if !(l0 > 0 && l1 > 0 && h0 >= l0 && h1 >= l1) { // false for NaN too
			continue
		}
		if gap := l1 - close; gap > 0 {
			h1, l1 = h1-gap, l1-gap
		} else if gap := close - h1; gap > 0 {
			h1, l1 = h1+gap, l1+gap
		}
		square := func(h, l float64) float64 { return math.Pow(math.Log(h/l), 2) }
		beta, gamma := square(h0, l0)+square(h1, l1), square(max(h0, h1), min(l0, l1))
		alpha := (math.Sqrt(2*beta)-math.Sqrt(beta))/k - math.Sqrt(gamma/k)
		spread := 2 * math.Expm1(alpha) / (1 + math.Exp(alpha))
		pairs++
		if spread < 0 {
			negative++
		} else {
			sum += spread
		}
	}
	if pairs > 0 {
		mean := 100 * sum / pairs
		m.CorwinSchultz, m.NegativePairs = &mean, negative/pairs
	}
}

// impact is what a trade does to the price: Amihud's mean of |r|/value and the slope of r on ±√value. Fewer than 30
// bars with a trade leave both out.
func (m *Measures) impact(r, value []float64) error {
	var returns, flow []float64
	sum := 0.0
	for i, v := range value {
		if !(v > 0) || math.IsInf(v, 0) {
			continue
		}
		millions := v / 1e6
		sum += math.Abs(r[i]) / millions
		returns = append(returns, r[i])
		// Who began a trade is not in the data: the price's direction stands for it, and the root for that impact
		// grows more slowly than size.
		flow = append(flow, math.Copysign(math.Sqrt(millions), r[i]))
		if r[i] == 0 {
			flow[len(flow)-1] = 0
		}
	}
	if len(returns) < 30 {
		return nil
	}
	amihud := sum / float64(len(returns))
	m.Amihud = &amihud
	if !(stats.Variance(flow) > 0) {
		return nil
	}
	fit, err := stats.Fit(returns, flow)
	if err != nil {
		return err
	}
	m.Kyle, m.KyleSE = &fit.Coefficients[1], &fit.NeweyWest(5)[1]
	return nil
}
