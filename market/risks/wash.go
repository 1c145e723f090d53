package risks

import (
	"math"
	"strconv"

	"github.com/aqsha/aqsha/market"
	"github.com/aqsha/aqsha/market/stats"
)

// Wash holds indicators of invented volume (Cong, Li, Tang and Yang 2023). None
// proves anything alone; each names what honest figures would show.
type Wash struct {
	N         int        `json:"n"`
	Digits    [9]float64 `json:"first_digits"` // shares of 1 … 9
	Benford   stats.Test `json:"benford"`      // χ²₈
	MAD       float64    `json:"mean_absolute_deviation"`
	Spread    float64    `json:"decades"`     // log₁₀ of 99 % over 1 %: Benford needs two and more
	Clustered float64    `json:"round_sizes"` // share of sizes with at most two significant digits
	Same      float64    `json:"same_size"`   // share of the size that occurs most
	// reported volume over on-chain transfers, median; null: not available
	OverChain *float64 `json:"volume_over_chain"`
	Words     []string `json:"words"`
}

// MADLimit is Nigrini's (2012) bound of nonconformity for first digits.
const MADLimit = 0.015

// WashOf examines sizes: of trades, or (sums true) daily totals, whose rounding
// says nothing. chain and volume are aligned dollars a day, or nil.
func WashOf(sizes []float64, sums bool, volume, chain []float64) (Wash, error) {
	var w Wash
	var logs []float64
	counts := [9]float64{}
	round := 0
	for _, v := range sizes {
		if !(v > 0) || math.IsInf(v, 0) {
			continue
		}
		text := strconv.FormatFloat(v, 'e', -1, 64)
		counts[text[0]-'1']++
		logs = append(logs, math.Log10(v))
		if digits := len(text) - len(text[indexE(text):]); digits <= 3 { // d or d.d
			round++
		}
		w.N++
	}
	if w.N < 100 {
		return w, market.Refuse("too-short", "sizes", "%d sizes above zero; 100 are needed", w.N)
	}
	n := float64(w.N)
	w.Same = most(sizes) / n
	for d := range counts {
		expected := math.Log10(1 + 1/float64(d+1))
		w.Digits[d] = counts[d] / n
		w.Benford.Stat += n * (w.Digits[d] - expected) * (w.Digits[d] - expected) / expected
		w.MAD += math.Abs(w.Digits[d]-expected) / 9
	}
	w.Benford.P = stats.ChiSquareP(w.Benford.Stat, 8)
	sorted := stats.Sorted(logs)
	w.Spread = stats.Quantile(sorted, 0.99) - stats.Quantile(sorted, 0.01)
	w.Clustered = float64(round) / n
	if len(volume) > 0 && len(volume) == len(chain) {
		ratios := make([]float64, 0, len(volume))
		for i := range volume {
			if chain[i] > 0 {
				ratios = append(ratios, volume[i]/chain[i])
			}
		}
		if len(ratios) > 0 {
			m := stats.Quantile(stats.Sorted(ratios), 0.5)
			w.OverChain = &m
		}
	}
	w.word(sums)
	return w, nil
}

// most is how often the size occurs that occurs most.
func most(sizes []float64) float64 {
	times, top := map[float64]int{}, 0
	for _, v := range sizes {
		if v > 0 {
			times[v]++
			top = max(top, times[v])
		}
	}
	return float64(top)
}

func indexE(text string) int {
	for i := range text {
		if text[i] == 'e' {
			return i
		}
	}
	return len(text)
}

// word puts the findings into words: of first digits, of round sizes and of volume over transfers, always in that
// order, one of each. sums says that the sizes are daily totals, of which roundness says nothing. First digits are
// expected to follow Benford's law only where sizes span two decades or more.
func (w *Wash) word(sums bool) {
	switch {
	case w.Spread < 2:
		w.Words = append(w.Words, "first digits: not applicable, the sizes span less than two decades")
	case w.MAD > MADLimit:
		w.Words = append(w.Words, "first digits stray from Benford's law")
	case w.Benford.P < 0.05:
		w.Words = append(w.Words,
			"first digits are near Benford's law (mean deviation within Nigrini's limit), but the χ² test rejects "+
				"that they follow it")
	default:
		w.Words = append(w.Words, "first digits follow Benford's law")
	}
	switch {
	case sums:
		w.Words = append(w.Words, "round sizes: not applicable to daily totals, give a file of trades")
	case w.Same >= 0.5:
		w.Words = append(w.Words, "more than half of the sizes are one and the same: a machine's, not people's")
	case w.Clustered < 0.01:
		w.Words = append(w.Words, "hardly any round sizes: people trade round sizes, machines need not")
	default:
		w.Words = append(w.Words, "round sizes are there, as people trade them")
	}
	if w.OverChain == nil {
		w.Words = append(w.Words, "volume over transfers: not available")
	} else if *w.OverChain > 2 {
		w.Words = append(w.Words, "reported volume is more than twice what moved on the chain")
	}
}
