package risk

import (
	"math"
	"slices"

	"github.com/aqsha/aqsha/market"
	"github.com/aqsha/aqsha/market/stats"
)

// Pareto is a generalised Pareto law fitted by maximum likelihood to losses
// beyond a threshold (McNeil and Frey 2000).
type Pareto struct {
	Threshold float64 `json:"threshold"` // a loss, in the returns' unit
	N         int     `json:"n"`
	Beyond    int     `json:"beyond"` // losses above the threshold
	Shape     float64 `json:"shape"`  // ξ; from ½ on the variance is infinite, from 1 the mean
	ShapeSE   float64 `json:"shape_se"`
	Scale     float64 `json:"scale"`
	LogLik    float64 `json:"log_lik"`
}

// leastBeyond is how few losses a tail may be fitted to.
const leastBeyond = 30

// FitTail takes the worst share of the returns (0.1: the worst tenth) as tail. It needs 100 returns and 30 losses
// beyond the threshold, which is itself a quantile of the sample.
func FitTail(r []float64, share float64) (Pareto, error) {
	if err := stats.Finite("returns", r, 100); err != nil {
		return Pareto{}, err
	}
	if !(share > 0 && share <= 0.25) {
		return Pareto{}, market.Refuse("tail", "tail", "%g of the returns is no tail; want up to 0.25", share)
	}
	losses := make([]float64, len(r))
	for i, v := range r {
		losses[i] = -v
	}
	slices.Sort(losses)
	out := Pareto{Threshold: stats.Quantile(losses, 1-share), N: len(r)}
	var y []float64
	for _, l := range losses {
		if l > out.Threshold {
			y = append(y, l-out.Threshold)
		}
	}
	if out.Beyond = len(y); len(y) < leastBeyond {
		return Pareto{}, market.Refuse("too-short", "tail", "%d losses beyond the threshold; a tail needs %d", len(y),
			leastBeyond)
	}
	out.fit(y)
	if out.Shape > -0.5 { // else the usual errors do not hold (Smith 1985)
		out.ShapeSE = (1 + out.Shape) / math.Sqrt(float64(len(y)))
	}
	return out, nil
}

// fit maximises along θ = ξ/σ, on which ξ has a closed form (Grimshaw 1993): ξ(θ) is the mean of ln(1 + θy), and ln L
// = −n·(ln(ξ/θ) + ξ + 1). A grid, then golden sections around its best point: the profile may have more than one top,
// and none towards θ = −1/max y, where the likelihood grows without bound as ξ falls below −1, which is shut out.
func (p *Pareto) fit(y []float64) {
	largest, mean, middle := y[len(y)-1], stats.Mean(y), y[len(y)/2] // y is sorted; a heavy tail has no mean to go by
	profile := func(theta float64) (shape, logLik float64) {
		if math.Abs(theta)*mean < 1e-9 { // the exponential law
			return 0, -float64(len(y)) * (math.Log(mean) + 1)
		}
		sum, product := 0.0, 1.0 // a logarithm of eight factors, each far from what a product cannot hold
		for i, v := range y {
			if product *= 1 + theta*v; i&7 == 7 {
				sum += stats.Log(product)
				product = 1
			}
		}
		sum += stats.Log(product)
		shape = sum / float64(len(y))
		if shape <= -1 || shape/theta <= 0 {
			return shape, math.Inf(-1)
		}
		return shape, -float64(len(y)) * (math.Log(shape/theta) + shape + 1)
	}
	const points = 120
	low := -(1 - 1e-6) / largest
	at := func(i int) float64 { // from the lower bound through 0 to where tails have no mean
		if i < points/4 {
			return low * (1 - float64(i)/float64(points/4))
		}
		return math.Pow(float64(i-points/4+1)/float64(3*points/4), 3) * 50 / middle
	}
	best, top := 0, math.Inf(-1)
	for i := range points {
		if _, v := profile(at(i)); v > top {
			best, top = i, v
		}
	}
	a, b := at(max(best-1, 0)), at(min(best+1, points-1))
	ratio := (math.Sqrt(5) - 1) / 2
	for range 70 {
		c, d := b-ratio*(b-a), a+ratio*(b-a)
		if _, left := profile(c); left > second(profile(d)) {
			b = d
		} else {
			a = c
		}
	}
	theta := (a + b) / 2
	p.Shape, p.LogLik = profile(theta)
	if p.Scale = mean; p.Shape != 0 {
		p.Scale = p.Shape / theta
	}
}

func second(_, v float64) float64 { return v }

// At gives value at risk and expected shortfall at p, a probability inside the tail: with u the threshold and F the
// share of losses beyond it, VaR = u + σ/ξ·((p/F)^−ξ − 1) and ES = (VaR + σ − ξu)/(1 − ξ). The shortfall is null where
// the tail has no mean (ξ ≥ 1).
func (p Pareto) At(tail float64) (value float64, shortfall *float64, err error) {
	share := float64(p.Beyond) / float64(p.N)
	if !(tail > 0 && tail <= share) {
		return 0, nil, market.Refuse("tail", "p", "%g is not inside the tail of %.3g", tail, share)
	}
	ratio := tail / share
	if math.Abs(p.Shape) < 1e-9 {
		value = p.Threshold - p.Scale*math.Log(ratio)
	} else {
		value = p.Threshold + p.Scale*math.Expm1(-p.Shape*math.Log(ratio))/p.Shape
	}
	if p.Shape < 1 {
		es := (value + p.Scale - p.Shape*p.Threshold) / (1 - p.Shape)
		shortfall = &es
	}
	return value, shortfall, nil
}
