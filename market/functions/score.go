package functions

import (
	"math/rand/v2"
	"slices"

	"github.com/aqsha/aqsha/market/stats"
)

// FunctionScore is one function's score, 0 to 100; nil when no indicator of it
// is available.
type FunctionScore struct {
	Function string   `json:"function"`
	Score    *float64 `json:"score"`
	Low      *float64 `json:"low"` // 5 % and 95 % of the sensitivity draws
	High     *float64 `json:"high"`
	Known    int      `json:"indicators_known"`
	Of       int      `json:"indicators"`
	Verdict  string   `json:"verdict"`  // performs, does not perform, undecided, not available
	Performs *bool    `json:"performs"` // null unless the verdict is one of the first two
}

// The verdicts on a function of money.
const (
	Performs     = "performs"
	PerformsNot  = "does not perform"
	Undecided    = "undecided" // the band spans the threshold: it hangs on anchors and weights
	NotAvailable = "not available"
)

// decide sets the verdict. One indicator, or fewer than half of a function's,
// is not enough to speak of the function.
func (s *FunctionScore) decide(threshold float64) {
	s.Verdict = NotAvailable
	if s.Score == nil || s.Known < 2 || 2*s.Known < s.Of {
		return
	}
	performs := *s.Score >= threshold
	switch {
	case *s.Low < threshold && *s.High >= threshold:
		s.Verdict = Undecided
		return
	case performs:
		s.Verdict = Performs
	default:
		s.Verdict = PerformsNot
	}
	s.Performs = &performs
}

// Card is the scorecard of one money.
type Card struct {
	Name      string             `json:"name"`
	Values    map[string]float64 `json:"values"` // indicators; absent: not available
	Functions []FunctionScore    `json:"functions"`
	Score     *float64           `json:"score"` // null unless every function is available
	Low       *float64           `json:"low"`
	High      *float64           `json:"high"`
	Remarks   []string           `json:"remarks,omitempty"`
}

// total scores values: each function, then the weighted whole over known ones.
func (a Anchors) total(values map[string]float64) (whole float64, functions []float64, known []int) {
	weights := 0.0
	for _, f := range a.Functions {
		sum, weight, n := 0.0, 0.0, 0
		for _, i := range f.Indicators {
			if x, ok := values[i.Key]; ok {
				sum, weight, n = sum+i.weight()*i.score(x), weight+i.weight(), n+1
			}
		}
		score := 0.0
		if n > 0 && weight > 0 {
			score = 100 * sum / weight
			whole, weights = whole+f.Weight*score, weights+f.Weight
		}
		functions, known = append(functions, score), append(known, n)
	}
	if weights > 0 {
		whole /= weights
	}
	return whole, functions, known
}

const (
	// draws of weights and anchors, over which the bands are taken
	draws = 2000
	// Sensitivity: weights times or divided by up to two, each anchor moved by
	// up to a quarter of the distance between the two.
	weightSpread = 2.0
	anchorSpread = 0.25
)

// shaken is the anchors with weights and anchors varied, each on its own. A factor f or, as often, 1/f is drawn for a
// weight, so that doubling and halving are as likely. The order of the draws is that of the file, and with the same
// seed the bands are the same.
func (a Anchors) shaken(r *rand.Rand) Anchors {
	out := a
	out.Functions = nil
	factor := func() float64 {
		if f := 1 + (weightSpread-1)*r.Float64(); r.IntN(2) == 0 {
			return f
		} else {
			return 1 / f
		}
	}
	for _, f := range a.Functions {
		f.Weight *= factor()
		f.Indicators = slices.Clone(f.Indicators)
		for j := range f.Indicators {
			i := &f.Indicators[j]
			span := i.Best - i.Worst
			i.Best += span * anchorSpread * (2*r.Float64() - 1)
			i.Worst += span * anchorSpread * (2*r.Float64() - 1)
			i.Weight = i.weight() * factor()
		}
		out.Functions = append(out.Functions, f)
	}
	return out
}

// Score fills the card from its values, with the sensitivity band.
func (a Anchors) Score(name string, values map[string]float64, remarks []string) Card {
	c := Card{Name: name, Values: values, Remarks: remarks}
	whole, functions, known := a.total(values)
	r := rand.New(rand.NewPCG(1, 0x5c04e))
	wholes, parts := make([]float64, draws), make([][]float64, len(functions))
	for d := range draws {
		w, f, _ := a.shaken(r).total(values)
		wholes[d] = w
		for j := range f {
			parts[j] = append(parts[j], f[j])
		}
	}
	band := func(x []float64) (low, high *float64) {
		slices.Sort(x)
		l, h := stats.Quantile(x, 0.05), stats.Quantile(x, 0.95)
		return &l, &h
	}
	every := true
	for j, f := range a.Functions {
		s := FunctionScore{Function: f.Name, Known: known[j], Of: len(f.Indicators)}
		if known[j] > 0 {
			score := functions[j]
			s.Score = &score
			s.Low, s.High = band(parts[j])
		}
		if s.decide(a.Threshold); s.Verdict == NotAvailable {
			every = false
		}
		c.Functions = append(c.Functions, s)
	}
	// A whole of some functions cannot be held against a whole of others.
	if every {
		c.Score = &whole
		c.Low, c.High = band(wholes)
	}
	return c
}
