package systems

import (
	"math"

	"github.com/aqsha/aqsha/market"
)

// Reversal is the probability that an attacker with the share q of the hash
// rate overtakes z confirmations (Rosenfeld 2014, theorem 1: the attacker's
// progress is negative binomial; Nakamoto's Poisson figure is a little lower).
func Reversal(q float64, z int) (float64, error) {
	if !(q >= 0 && q <= 1) || z < 0 || z > 10_000 {
		return 0, market.Refuse("reversal", "share",
			"want a share between 0 and 1 and 0 to 10,000 confirmations, not %g and %d", q, z)
	}
	p := 1 - q
	if q >= p || z == 0 {
		return 1, nil
	}
	if q == 0 {
		return 0, nil
	}
	sum, logC := 0.0, 0.0 // ln C(m+z−1, m)
	for m := 0; m <= z; m++ {
		if m > 0 {
			logC += math.Log(float64(m+z-1)) - math.Log(float64(m))
		}
		sum += math.Exp(logC+float64(z)*math.Log(p)+float64(m)*math.Log(q)) -
			math.Exp(logC+float64(m)*math.Log(p)+float64(z)*math.Log(q))
	}
	return min(1, max(0, 1-sum)), nil
}

// Confirmations is the least number of confirmations at which an attacker with
// share q reverses with probability below risk; −1 for a majority.
func Confirmations(q, risk float64) (int, error) {
	if q >= 0.5 {
		return -1, nil
	}
	for z := 0; z <= 2000; z++ {
		r, err := Reversal(q, z)
		if err != nil {
			return 0, err
		}
		if r < risk {
			return z, nil
		}
	}
	return -1, nil
}

// Issuance is a halving schedule.
type Issuance struct {
	Subsidy      float64 `json:"subsidy"`
	Interval     int     `json:"interval"` // blocks
	BlockSeconds float64 `json:"block_seconds"`
	Start        int     `json:"start"` // year
}

// Schedules of the coins that have one.
var Schedules = map[string]Issuance{"bitcoin": {50, 210_000, 600, 2009}, "litecoin": {50, 840_000, 150, 2011}}

// Point of a supply curve, at the rule's own pace.
type Point struct {
	Year      int     `json:"year"`
	Supply    float64 `json:"supply"`
	Inflation float64 `json:"inflation"` // of the year to come, fraction
}

// Curve gives the supply at the end of each year.
func (i Issuance) Curve(years int) []Point {
	perYear := 365.25 * 86400 / i.BlockSeconds
	var out []Point
	for y := 1; y <= years; y++ {
		now, next := i.Supply(perYear*float64(y)), i.Supply(perYear*float64(y+1))
		out = append(out, Point{i.Start + y - 1, now, next/now - 1})
	}
	return out
}

// Supply after so many blocks.
func (i Issuance) Supply(blocks float64) float64 {
	supply, subsidy := 0.0, i.Subsidy
	for range 33 {
		if blocks <= float64(i.Interval) {
			return supply + subsidy*blocks
		}
		supply, blocks, subsidy = supply+subsidy*float64(i.Interval), blocks-float64(i.Interval), subsidy/2
	}
	return supply
}
