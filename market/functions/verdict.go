package functions

import (
	"fmt"
	"io"
	"math"
	"strings"
	"text/tabwriter"

	"github.com/aqsha/aqsha/market"
	"github.com/aqsha/aqsha/market/stats"
	"github.com/aqsha/aqsha/market/volatility"
	"github.com/aqsha/aqsha/words"
)

// Flip is the volatility at which the verdict on bitcoin changes, everything
// else kept: returns are shrunk or stretched about their mean.
type Flip struct {
	Volatility float64 `json:"volatility_percent_a_year"` // as it is
	// percent a year; absent: never between 1/50 and 3 times
	Functions map[string]float64 `json:"flips_at"`
	Whole     *float64           `json:"whole_flips_at"`
}

// flip bisects the stretch at which each function's score crosses the
// threshold.
func (s *Study) flip(w context, h holding, exchange map[string]float64) (Flip, error) {
	r, err := h.prices.LogReturns()
	if err != nil {
		return Flip{}, err
	}
	f := Flip{Volatility: volatility.Realised(r.Values, volatility.EveryDay), Functions: map[string]float64{}}
	score := func(c float64, function int) float64 { // −1: the whole
		values, err := w.holdingValues(h, c)
		if err != nil {
			return math.NaN()
		}
		whole, functions, known := s.Anchors.total(s.merge(values, exchange))
		if function < 0 {
			return whole
		}
		if known[function] == 0 {
			return math.NaN()
		}
		return functions[function]
	}
	cross := func(function int) (float64, bool) {
		low, high := 0.02, 3.0
		a, b := score(low, function)-s.Anchors.Threshold, score(high, function)-s.Anchors.Threshold
		if math.IsNaN(a) || math.IsNaN(b) || a*b > 0 {
			return 0, false
		}
		for range 40 {
			middle := math.Sqrt(low * high)
			if (score(middle, function)-s.Anchors.Threshold)*a > 0 {
				low = middle
			} else {
				high = middle
			}
		}
		return math.Sqrt(low*high) * f.Volatility, true
	}
	for j, function := range s.Anchors.Functions {
		if v, ok := cross(j); ok {
			f.Functions[function.Name] = v
		}
	}
	if v, ok := cross(-1); ok {
		f.Whole = &v
	}
	return f, nil
}

// Finding is one of the paper's conclusions with what the numbers say.
type Finding struct {
	Paper     string     `json:"paper"`
	Verdict   string     `json:"verdict"`   // confirmed, not confirmed, undecided, not available
	Confirmed *bool      `json:"confirmed"` // null: undecided or not available
	Words     words.Said `json:"words"`
}

// sayOf is a function's verdict with its numbers.
func sayOf(f FunctionScore) words.Said {
	switch {
	case f.Score == nil:
		return words.Say("functions.says-none")
	case f.Verdict == NotAvailable:
		return words.Say("functions.says-few", "known", f.Known, "of", f.Of)
	}
	whole := func(v *float64) string { return fmt.Sprintf("%.0f", *v) }
	figures := []any{"score", whole(f.Score), "low", whole(f.Low), "high", whole(f.High), "known", f.Known, "of", f.Of}
	switch f.Verdict {
	case Performs:
		return words.Say("functions.says-performs", figures...)
	case Undecided:
		return words.Say("functions.says-undecided", figures...)
	}
	return words.Say("functions.says-not", figures...)
}

// judge is a finding that says these functions perform (want) or do not.
func judge(paper string, said words.Said, want bool, functions ...FunctionScore) Finding {
	f := Finding{Paper: paper, Words: said}
	holds, verdict := true, "confirmed"
	for _, x := range functions {
		switch {
		case x.Verdict == NotAvailable:
			verdict = NotAvailable
		case x.Verdict == Undecided && verdict != NotAvailable:
			verdict = Undecided
		case x.Performs != nil && *x.Performs != want:
			holds = false
		}
	}
	// One function that decidedly does the contrary refutes a finding on both.
	if !holds {
		verdict = "not confirmed"
	}
	if f.Verdict = verdict; verdict == "confirmed" || verdict == "not confirmed" {
		f.Confirmed = &holds
	}
	return f
}

// findings words each verdict from the bitcoin card and the network's issue.
func (s *Study) findings(network *market.Table, w context) []Finding {
	card := s.Cards[0]
	by := map[string]FunctionScore{}
	for _, f := range card.Functions {
		by[f.Function] = f
	}
	exchange, account, store := by["medium of exchange"], by["unit of account"], by["store of value"]
	return []Finding{
		judge("Bitcoin works well … as a medium of exchange.", words.Say("functions.exchange", "says", sayOf(exchange)),
			true, exchange),
		judge("Bitcoin must evolve two important roles: it struggles to function as a unit of account and store of value.",
			words.Say("functions.account", "account", sayOf(account), "store", sayOf(store), "flip", s.flipWords()),
			false, account, store),
		s.riskFinding(card, w), issueFinding(network, s.From, s.To),
	}
}

// decided sets the verdict of a finding that was measured.
func (f *Finding) decided(confirmed bool) {
	f.Confirmed, f.Verdict = &confirmed, map[bool]string{true: "confirmed", false: "not confirmed"}[confirmed]
}

// flipWords say at which volatility a verdict would turn.
func (s *Study) flipWords() words.Said {
	var turns turning
	for _, f := range s.Anchors.Functions {
		if v, ok := s.Flip.Functions[f.Name]; ok {
			turns = append(turns, flip{f.Name, v})
		}
	}
	if turns == nil {
		return words.Say("functions.flip-none")
	}
	return words.Say("functions.flip", "vol", fmt.Sprintf("%.1f", s.Flip.Volatility), "turns", turns)
}

// flip is a volatility at which a function's verdict turns, turning all of them.
type (
	flip struct {
		function   string
		volatility float64
	}
	turning []flip
)

// In is the list in a language.
func (t turning) In(l words.Language) string {
	var parts []string
	for _, f := range t {
		parts = append(parts, l.Text("functions.flip-at", "name", l.Phrase("market-word", f.function), "vol",
			fmt.Sprintf("%.1f", f.volatility)))
	}
	return strings.Join(parts, ", ")
}

// riskFinding: "significant" is read as at least three times the tenge's
// volatility and a shortfall beyond 5 % a day.
func (s *Study) riskFinding(card Card, w context) Finding {
	f := Finding{Verdict: NotAvailable, Paper: "Investing in Bitcoin carries significant risk due to its volatility."}
	ratio := s.Flip.Volatility / w.tengeVol
	es, known := card.Values["expected shortfall 5 %"]
	if math.IsNaN(ratio) || !known {
		f.Words = words.Say("functions.risk-none", "vol", one(s.Flip.Volatility))
		return f
	}
	f.decided(ratio >= 3 && es >= 5)
	f.Words = words.Say("functions.risk", "vol", one(s.Flip.Volatility), "ratio", one(ratio), "es", one(es), "fall",
		fmt.Sprintf("%.0f", -100*card.Values["maximum drawdown"]))
	return f
}

// one is a figure with a digit behind the point.
func one(v float64) string { return fmt.Sprintf("%.1f", v) }

// issueFinding checks autonomy where it can be measured: coins issued a block
// follow the subsidy rule, by nobody's decision.
func issueFinding(network *market.Table, from, to string) Finding {
	f := Finding{Verdict: NotAvailable,
		Paper: "Bitcoin operates autonomously, without the support of a central authority."}
	issued, err1 := network.Series("issuance_native")
	blocks, err2 := network.Series("blocks")
	if err1 != nil || err2 != nil {
		f.Words = words.Say("functions.issue-file")
		return f
	}
	_, v := market.Align(issued.Window(from, to), blocks.Window(from, to))
	if len(v) < 2 || len(v[0]) == 0 {
		f.Words = words.Say("functions.issue-days")
		return f
	}
	ruled := 0
	for i := range v[0] {
		for subsidy := 50.0; subsidy > 1e-8; subsidy /= 2 {
			// As a ratio: a subsidy of 2028 is as exact as the first.
			if math.Abs(v[0][i]/v[1][i]/subsidy-1) < 1e-6 {
				ruled++
				break
			}
		}
	}
	share := float64(ruled) / float64(len(v[0]))
	f.decided(share > 0.99)
	f.Words = words.Say("functions.issue", "share", fmt.Sprintf("%.2f", 100*share), "days", len(v[0]), "blocks",
		one(stats.Mean(v[1])))
	return f
}

// Print writes the study for a terminal, in a language.
func (s Study) Print(w io.Writer, l words.Language) {
	fmt.Fprintln(w, l.Text("market.functions-head", "from", s.From, "to", s.To, "threshold", s.Anchors.Threshold))
	tab := tabwriter.NewWriter(w, 2, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(tab, l.Text("market.functions-columns"))
	for _, c := range s.Cards {
		fmt.Fprintf(tab, "%s\t", l.Phrase("market-word", c.Name))
	}
	fmt.Fprintln(tab)
	for j, f := range s.Anchors.Functions {
		for _, i := range f.Indicators {
			fmt.Fprintf(tab, "%s, %s\t%g\t%g\t", l.Phrase("market-word", i.Key), l.Phrase("market-word", i.Unit),
				i.Worst, i.Best)
			for _, c := range s.Cards {
				if v, ok := c.Values[i.Key]; ok {
					fmt.Fprintf(tab, "%.4g\t", v)
				} else {
					// Not available is no zero: a function's score is of what could be measured.
					fmt.Fprintf(tab, "%s\t", l.Text("market.functions-none"))
				}
			}
			fmt.Fprintln(tab)
		}
		fmt.Fprintf(tab, "%s\t\t\t", l.Text("market.functions-weight", "name",
			strings.ToUpper(l.Phrase("market-word", f.Name)), "weight",
			f.Weight))
		for _, c := range s.Cards {
			fmt.Fprintf(tab, "%s\t", band(l, c.Functions[j].Score, c.Functions[j].Low, c.Functions[j].High))
		}
		fmt.Fprintln(tab)
	}
	fmt.Fprintf(tab, "%s\t\t\t", l.Text("market.functions-whole"))
	for _, c := range s.Cards {
		fmt.Fprintf(tab, "%s\t", band(l, c.Score, c.Low, c.High))
	}
	fmt.Fprintln(tab)
	tab.Flush()
	for _, c := range s.Cards {
		var verdicts []string
		for _, f := range c.Functions {
			verdicts = append(verdicts, l.Phrase("market-word", f.Function)+": "+l.Phrase("market-word", f.Verdict))
		}
		fmt.Fprintf(w, "%s  %s\n", l.Phrase("market-word", c.Name), strings.Join(verdicts, "; "))
	}
	for _, f := range s.Findings {
		fmt.Fprintf(w, "%s: %q\n    %s\n", strings.ToUpper(l.Phrase("market-word", f.Verdict)),
			l.Phrase("market-word", f.Paper), f.Words.In(l))
	}
	for _, n := range s.said {
		fmt.Fprintln(w, l.Text("market.note", "text", n.In(l)))
	}
}

// band is a score with the range in which the anchors leave it.
func band(l words.Language, score, low, high *float64) string {
	if score == nil {
		return l.Text("market.functions-none")
	}
	return fmt.Sprintf("%.0f [%.0f–%.0f]", *score, *low, *high)
}
