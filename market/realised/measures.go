package realised

import (
	"math"
	"time"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/aqsha/aqsha/market"
)

// Day is what the returns inside a UTC day say of its variance; squares of the
// returns' unit (percent).
type Day struct {
	Day        string  `json:"day"`
	N          int     `json:"n"`      // returns
	RV         float64 `json:"rv"`     // sum of squares
	BV         float64 `json:"bv"`     // bipower (Barndorff-Nielsen and Shephard 2004)
	MedRV      float64 `json:"med_rv"` // Andersen, Dobrev and Schaumburg 2012
	TSRV       float64 `json:"tsrv"`   // two scales (Zhang, Mykland and Aït-Sahalia 2005), 5 grids
	Kernel     float64 `json:"kernel"` // realised kernel, Parzen's weights
	Bandwidth  int     `json:"kernel_bandwidth"`
	Quarticity float64 `json:"quarticity"` // tripower
	Down       float64 `json:"down"`       // negative semivariance
	Z          float64 `json:"z"`          // ratio test of jumps, Huang and Tauchen 2005
	P          float64 `json:"p"`
	Jump       float64 `json:"jump"` // RV − BV where P is below the level, else 0
	Return     float64 `json:"return"`
}

// grids of the two-scale estimator, and the fewest returns a day's measures need.
const (
	grids       = 5
	leastInADay = 10
)

// OfDay measures one day's returns. Level is the test's, such as 0.001. With n returns and each sum scaled for what
// its shift leaves out: BV = π/2·Σ|r_i||r_{i−1}|, MedRV = π/(6 − 4√3 + π)·Σ median(|r_{i−2}|, |r_{i−1}|, |r_i|)², TQ =
// n·μ⁻³·Σ|r_{i−2}r_{i−1}r_i|^{4/3} with μ = E|z|^{4/3}, and Z = (1 − BV/RV)/√((π²/4 + π − 5)/n·max(1, TQ/BV²)), which
// is normal where there is no jump. A jump is one factor of two products of BV and no median, and vanishes from both
// as n grows; in RV it stays whole.
func OfDay(day string, r []float64, level float64) (Day, error) {
	n := float64(len(r))
	if len(r) < leastInADay {
		return Day{}, market.Refuse("too-short", "intraday", "%s has %d returns; its measures need %d", day, len(r),
			leastInADay)
	}
	d := Day{Day: day, N: len(r)}
	absolute := make([]float64, len(r))
	for i, v := range r {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return Day{}, market.Refuse("not-finite", "intraday", "%s has a return that is no number", day)
		}
		absolute[i] = math.Abs(v)
		d.RV += v * v
		d.Return += v
		if v < 0 {
			d.Down += v * v
		}
	}
	mu := math.Pow(2, 2.0/3) * math.Gamma(7.0/6) / math.Gamma(0.5) // E|z|^(4/3)
	for i := 1; i < len(r); i++ {
		d.BV += absolute[i] * absolute[i-1]
		if i > 1 {
			m := median(absolute[i-2], absolute[i-1], absolute[i])
			d.MedRV += m * m
			d.Quarticity += math.Pow(absolute[i-2]*absolute[i-1]*absolute[i], 4.0/3)
		}
	}
	d.BV *= math.Pi / 2 * n / (n - 1)
	d.MedRV *= math.Pi / (6 - 4*math.Sqrt(3) + math.Pi) * n / (n - 2)
	d.Quarticity *= n * n / (n - 2) / (mu * mu * mu)
	d.TSRV = twoScales(r, d.RV)
	d.Kernel, d.Bandwidth = Kernel(r)
	d.P = 1
	if d.RV > 0 && d.BV > 0 {
		spread := math.Sqrt((math.Pi*math.Pi/4 + math.Pi - 5) / n * max(1, d.Quarticity/(d.BV*d.BV)))
		d.Z = (1 - d.BV/d.RV) / spread
		d.P = distuv.UnitNormal.Survival(d.Z)
	}
	if d.P < level {
		d.Jump = max(d.RV-d.BV, 0)
	}
	return d, nil
}

func median(a, b, c float64) float64 { return max(min(a, b), min(max(a, b), c)) }

// twoScales averages sums of squares over grids of every fifth price, less the noise that the finest grid shows:
// (sparse − n̄/n·RV)/(1 − n̄/n) with n̄ the returns on a grid; never below zero.
func twoScales(r []float64, rv float64) float64 {
	n := float64(len(r))
	sum := 0.0
	for first := 0; first+grids <= len(r); first++ {
		step := 0.0
		for _, v := range r[first : first+grids] {
			step += v
		}
		sum += step * step
	}
	sparse := sum / grids
	each := (n - grids + 1) / grids // returns on a grid
	return max((sparse-each/n*rv)/(1-each/n), 0)
}

// Days cuts prices into UTC days and measures each; the first return of a day
// begins at the last price of the day before. Days with fewer than half of the
// usual returns are left out and counted.
func Days(times []time.Time, prices []float64, level float64) (days []Day, short int, err error) {
	if len(times) != len(prices) || len(times) < 2*leastInADay {
		return nil, 0, market.Refuse("too-short", "intraday", "%d prices", len(prices))
	}
	if !(level > 0 && level < 0.5) {
		return nil, 0, market.Refuse("level", "level", "%g is no level of a test", level)
	}
	byDay := map[string][]float64{}
	var order []string
	for i := 1; i < len(prices); i++ {
		if !(prices[i] > 0) || !(prices[i-1] > 0) {
			return nil, 0, market.Refuse("price", "intraday", "%s: %g is no price", times[i].Format(time.RFC3339),
				prices[i])
		}
		// A bar's price is its close: one that begins at midnight belongs to the day that begins.
		day := times[i].UTC().Format(time.DateOnly)
		if len(order) == 0 || order[len(order)-1] != day {
			order = append(order, day)
		}
		byDay[day] = append(byDay[day], 100*math.Log(prices[i]/prices[i-1]))
	}
	usual := 0
	for _, r := range byDay {
		usual = max(usual, len(r))
	}
	if usual < leastInADay {
		return nil, 0, market.Refuse("too-short", "intraday", "at most %d returns a day; realised measures need %d",
			usual,
			leastInADay)
	}
	for _, day := range order {
		if 2*len(byDay[day]) < usual || len(byDay[day]) < leastInADay {
			short++
			continue
		}
		d, err := OfDay(day, byDay[day], level)
		if err != nil {
			return nil, 0, err
		}
		days = append(days, d)
	}
	return days, short, nil
}
