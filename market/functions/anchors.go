package functions

import (
	_ "embed"
	"encoding/json"

	"github.com/aqsha/aqsha/market"
)

//go:embed anchors.json
var defaultAnchors []byte

// Indicator with its anchors: worst scores 0, best 1, linear between.
type Indicator struct {
	Key    string  `json:"key"`
	Unit   string  `json:"unit"`
	Worst  float64 `json:"worst"`
	Best   float64 `json:"best"`
	Weight float64 `json:"weight,omitempty"` // inside its function; 0 means 1
	Why    string  `json:"why"`
}

// Function of money with its weight in the whole.
type Function struct {
	Name       string      `json:"name"`
	Weight     float64     `json:"weight"`
	Indicators []Indicator `json:"indicators"`
}

// Anchors are the scorecard's visible assumptions.
type Anchors struct {
	Format    string     `json:"format"`
	Threshold float64    `json:"threshold"` // a function performs from this score on
	Functions []Function `json:"functions"`
}

// DefaultAnchors as shipped, in the form to edit.
func DefaultAnchors() []byte { return defaultAnchors }

// ParseAnchors reads and checks an anchors file of at most 1 MiB. Worst may lie above best, where less is better; they
// may not be equal, since scores are divided by their difference. Weights need not add up to 1: they are divided by
// their sum where they are used.
func ParseAnchors(data []byte) (Anchors, error) {
	var a Anchors
	if len(data) > 1<<20 {
		return a, market.Refuse("too-large", "anchors", "more than 1 MiB")
	}
	if err := json.Unmarshal(data, &a); err != nil {
		return a, market.Refuse("anchors", "anchors", "%v", err)
	}
	total := 0.0
	for _, f := range a.Functions {
		if f.Weight < 0 || len(f.Indicators) == 0 {
			return a, market.Refuse("anchors", f.Name, "a weight below zero or no indicators")
		}
		total += f.Weight
		for _, i := range f.Indicators {
			if i.Best == i.Worst || i.Weight < 0 {
				return a, market.Refuse("anchors", i.Key, "best and worst are equal, or a weight is below zero")
			}
		}
	}
	if !(total > 0) || !(a.Threshold > 0 && a.Threshold < 100) {
		return a, market.Refuse("anchors", "threshold", "want a threshold between 0 and 100 and weights above zero")
	}
	return a, nil
}

// score is linear from worst (0) to best (1) and is cut off beyond them: an indicator twice as good as its best does
// not make up for another.
func (i Indicator) score(x float64) float64 {
	return min(1, max(0, (x-i.Worst)/(i.Best-i.Worst)))
}

// weight is 1 where nothing is said.
func (i Indicator) weight() float64 {
	if i.Weight == 0 {
		return 1
	}
	return i.Weight
}
