package experts

import (
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/aqsha/aqsha/market"
	"github.com/aqsha/aqsha/words"
)

// Score that an expert gave a system by a criterion.
type Score struct {
	Expert, System, Criterion string
	Value                     float64
}

// most scores of a file, and bytes of it.
const (
	maxScores = 50_000
	maxBytes  = 4 << 20
)

// Read takes scores from a CSV with the columns expert, system, criterion, score, in any order; an empty score is
// none. At most maxScores scores and maxBytes bytes are read; a line that scores the same a second time is refused.
// columns of a file of scores, by what they may be called.
var columns = [][]string{{"expert", "эксперт", "сарапшы"}, {"system", "система", "жүйе"},
	{"criterion", "критерий", "өлшем", "өлшемшарт"}, {"score", "оценка", "балл", "баға", "ұпай"}}

// Read takes scores from a table with the columns expert, system, criterion, score, in any order and in one of three
// languages, as people's programs write it (market.ReadSheet): separated by commas, semicolons or tabs, in any
// encoding, or a workbook. decimal is "." or ",", or empty to recognise it. An empty score is none.
func Read(name string, r io.Reader, decimal string) ([]Score, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxBytes+1))
	if err != nil {
		return nil, err
	}
	sheet, err := market.ReadSheet(name, data, columns, market.ReadOptions{Decimal: decimal})
	if err != nil {
		var refused *market.Error
		if errors.As(err, &refused) && (refused.Code == "market-column-missing" || refused.Code == "market-empty") {
			return nil, market.Refuse("scores", refused.Field, "no such column; want expert, system, criterion, score")
		}
		return nil, err
	}
	if len(sheet.Cells) > maxScores {
		return nil, market.Refuse("too-large", "scores", "more than %d", maxScores)
	}
	values, err := sheet.Numbers(3)
	if err != nil {
		return nil, err
	}
	var out []Score
	seen := map[[3]string]bool{}
	for i, row := range sheet.Cells {
		s, line := Score{row[0], row[1], row[2], values[i]}, "line "+strconv.Itoa(sheet.Lines[i])
		if s.Expert == "" || s.System == "" || s.Criterion == "" {
			return nil, market.Refuse("scores", line, "expert, system and criterion must each be named")
		}
		key := [3]string{s.Expert, s.System, s.Criterion}
		if seen[key] {
			return nil, market.Refuse("scores", line, "%s scored %s by %s before", s.Expert, s.System, s.Criterion)
		}
		// Before the empty score is left out: the same cell a second time is a slip, whichever of the two is empty.
		seen[key] = true
		if math.IsNaN(s.Value) {
			continue
		}
		if math.Abs(s.Value) > 1e9 {
			return nil, market.Refuse("not-a-number", line, "%g is not a score", s.Value)
		}
		out = append(out, s)
	}
	return out, nil
}

// Standing of a system.
type Standing struct {
	System string    `json:"system"`
	Score  float64   `json:"score"` // at the weights given
	Rank   int       `json:"rank"`
	Ranks  []float64 `json:"share_of_ranks"` // share of the drawn weights at which it stands first, second …
}

// Agreement on a criterion; null where it cannot be told.
type Agreement struct {
	Criterion string   `json:"criterion"` // "" for all together
	Alpha     *float64 `json:"alpha"`
	Why       string   `json:"why,omitempty"`
	Units     int      `json:"units"`
}

// Study of scores.
type Study struct {
	Experts   []string           `json:"experts"`
	Criteria  []string           `json:"criteria"`
	Weights   map[string]float64 `json:"weights"` // add up to one
	Level     Level              `json:"level"`
	Agreement []Agreement        `json:"agreement"`
	Standings []Standing         `json:"standings"`
	Draws     int                `json:"draws"`
	Spread    string             `json:"spread"` // of the drawn weights
	// Stable is the share of drawn weights that leave the whole order as it is.
	Stable float64 `json:"stable_order"`
}

// draws of weights for the sensitivity of a ranking.
const draws = 10_000

// Rank studies scores. Weights name criteria; without any they are equal, and
// the sensitivity is over all weights there are, uniform on the simplex (as in
// stochastic multicriteria acceptability analysis, Lahdelma & Salminen 2001);
// with weights, over those times or divided by up to two.
func Rank(scores []Score, weights map[string]float64, level Level) (Study, error) {
	s := Study{Level: level, Draws: draws, Weights: map[string]float64{}}
	var systems []string
	for _, x := range scores {
		systems, s.Experts, s.Criteria = include(systems, x.System), include(s.Experts, x.Expert),
			include(s.Criteria, x.Criterion)
	}
	if len(systems) < 2 || len(s.Criteria) > 100 || len(systems) > 100 {
		return s, market.Refuse("scores", "systems", "%d systems by %d criteria; want 2 to 100 by at most 100",
			len(systems), len(s.Criteria))
	}
	means, err := s.means(scores, systems)
	if err != nil {
		return s, err
	}
	if err := s.weigh(weights); err != nil {
		return s, err
	}
	if err := s.agree(scores); err != nil {
		return s, err
	}
	s.stand(systems, means, weights != nil)
	return s, nil
}

// include keeps a sorted list of names, each once.
func include(list []string, name string) []string {
	if i, found := slices.BinarySearch(list, name); !found {
		return slices.Insert(list, i, name)
	}
	return list
}

// means of a system by a criterion over the experts. Every system must be
// scored by every criterion by somebody: a whole of some criteria cannot be
// held against a whole of others.
func (s *Study) means(scores []Score, systems []string) ([][]float64, error) {
	sums, counts := make([][]float64, len(systems)), make([][]float64, len(systems))
	for i := range systems {
		sums[i], counts[i] = make([]float64, len(s.Criteria)), make([]float64, len(s.Criteria))
	}
	for _, x := range scores {
		i, _ := slices.BinarySearch(systems, x.System)
		j, _ := slices.BinarySearch(s.Criteria, x.Criterion)
		sums[i][j] += x.Value
		counts[i][j]++
	}
	for i := range sums {
		for j := range sums[i] {
			if counts[i][j] == 0 {
				return nil, market.Refuse("scores", systems[i], "nobody scored it by %s", s.Criteria[j])
			}
			sums[i][j] /= counts[i][j]
		}
	}
	return sums, nil
}

// weigh takes the weights of criteria and divides them by their sum. None given weighs all alike; of those given, a
// criterion that is not named weighs nothing, and a name that is no criterion is refused, for a misspelt one would
// weigh nothing without a word.
func (s *Study) weigh(weights map[string]float64) error {
	total := 0.0
	for name, w := range weights {
		if !slices.Contains(s.Criteria, name) {
			return market.Refuse("weights", name, "no such criterion; there are %s", strings.Join(s.Criteria, ", "))
		}
		if !(w >= 0 && w < 1e9) {
			return market.Refuse("weights", name, "%g is not a weight", w)
		}
	}
	for _, c := range s.Criteria {
		if weights == nil {
			s.Weights[c] = 1
		} else {
			s.Weights[c] = weights[c]
		}
		total += s.Weights[c]
	}
	if total == 0 {
		return market.Refuse("weights", "weights", "all are zero")
	}
	for c := range s.Weights {
		s.Weights[c] /= total
	}
	return nil
}

// agree measures agreement criterion by criterion and over all.
func (s *Study) agree(scores []Score) error {
	if !slices.Contains(Levels, s.Level) {
		_, err := Alpha(nil, s.Level)
		return err
	}
	units := map[[2]string][]float64{}
	for _, x := range scores {
		k := [2]string{x.Criterion, x.System}
		units[k] = append(units[k], x.Value)
	}
	for _, criterion := range append([]string{""}, s.Criteria...) {
		a := Agreement{Criterion: criterion}
		var of [][]float64
		for k, u := range units {
			if criterion == "" || k[0] == criterion {
				of = append(of, u)
			}
		}
		slices.SortFunc(of, slices.Compare[[]float64]) // the sum's order, and so its last digit
		a.Units = len(of)
		alpha, err := Alpha(of, s.Level)
		if err != nil {
			a.Why = err.Error()
		} else {
			a.Alpha = &alpha
		}
		s.Agreement = append(s.Agreement, a)
	}
	return nil
}

// stand ranks at the weights and at drawn ones.
func (s *Study) stand(systems []string, means [][]float64, given bool) {
	weights := make([]float64, len(s.Criteria))
	for j, c := range s.Criteria {
		weights[j] = s.Weights[c]
	}
	order := func(w []float64) (order []int, totals []float64) {
		for i := range systems {
			total := 0.0
			for j := range w {
				total += w[j] * means[i][j]
			}
			order, totals = append(order, i), append(totals, total)
		}
		slices.SortStableFunc(order, func(a, b int) int { return -cmpFloat(totals[a], totals[b]) })
		return order, totals
	}
	first, totals := order(weights)
	ranks := make([][]float64, len(systems))
	for i := range ranks {
		ranks[i] = make([]float64, len(systems))
	}
	s.Spread = "uniform over all weights"
	if given {
		s.Spread = "each weight times or divided by up to two"
	}
	r := rand.New(rand.NewPCG(1, 0xe4be7))
	drawn := make([]float64, len(weights))
	for range draws {
		sum := 0.0
		for j := range drawn {
			// Exponential draws that are scaled to one are uniform over all weights (Dirichlet with ones).
			if drawn[j] = r.ExpFloat64(); given {
				drawn[j] = weights[j] * math.Exp2(2*r.Float64()-1)
			}
			sum += drawn[j]
		}
		for j := range drawn {
			drawn[j] /= sum
		}
		o, _ := order(drawn)
		for rank, i := range o {
			ranks[i][rank] += 1.0 / draws
		}
		if slices.Equal(o, first) {
			s.Stable += 1.0 / draws
		}
	}
	for rank, i := range first {
		s.Standings = append(s.Standings, Standing{systems[i], totals[i], rank + 1, ranks[i]})
	}
}

func cmpFloat(a, b float64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// Print writes the study for a terminal, in a language: how far the experts agree on each criterion and on all, by
// Krippendorff's alpha or why there is none, then the systems with the share of draws in which each had each rank.
func (s Study) Print(w io.Writer, l words.Language) {
	fmt.Fprintln(w, l.Count("study.score-head", len(s.Experts), "criteria", len(s.Criteria), "level",
		s.Level))
	tab := tabwriter.NewWriter(w, 2, 0, 2, ' ', 0)
	fmt.Fprintln(tab, l.Text("study.score-columns"))
	for _, a := range s.Agreement {
		name, weight, alpha := a.Criterion, "", a.Why
		if name == "" {
			name = l.Text("study.score-all")
		} else {
			weight = fmt.Sprintf("%.3f", s.Weights[name])
		}
		if a.Alpha != nil {
			alpha = fmt.Sprintf("%.3f", *a.Alpha)
		}
		fmt.Fprintf(tab, "  %s\t%s\t%s\t%d\n", name, weight, alpha, a.Units)
	}
	fmt.Fprintln(tab, l.Text("study.score-ranks", "draws", s.Draws))
	for _, x := range s.Standings {
		var shares []string
		for _, r := range x.Ranks {
			shares = append(shares, fmt.Sprintf("%.2f", r))
		}
		fmt.Fprintf(tab, "  %d\t%s\t%.3f\t%s\n", x.Rank, x.System, x.Score, strings.Join(shares, " "))
	}
	tab.Flush()
	fmt.Fprintln(w, l.Text("study.score-stable", "share", fmt.Sprintf("%.1f", 100*s.Stable), "spread",
		l.Phrase("market-word", s.Spread)))
}
