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
	Paper     string `json:"paper"`
	Verdict   string `json:"verdict"`   // confirmed, not confirmed, undecided, not available
	Confirmed *bool  `json:"confirmed"` // null: undecided or not available
	Words     string `json:"words"`
}

// sayOf is a function's verdict with its numbers.
func sayOf(f FunctionScore) string {
	switch {
	case f.Score == nil:
		return "is not available"
	case f.Verdict == NotAvailable:
		return fmt.Sprintf("is not available: %d of %d indicators are too few", f.Known, f.Of)
	}
	verb, why := f.Verdict, ""
	if f.Verdict == Undecided {
		verb, why = "is undecided", "; the band spans the threshold, so the verdict hangs on anchors and weights"
	}
	return fmt.Sprintf("%s (%.0f, band %.0f–%.0f, %d of %d indicators%s)", verb, *f.Score, *f.Low, *f.High, f.Known,
		f.Of, why)
}

// judge is a finding that says these functions perform (want) or do not.
func judge(paper, words string, want bool, functions ...FunctionScore) Finding {
	f := Finding{Paper: paper, Words: words}
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
		judge("Bitcoin works well … as a medium of exchange.", "As a medium of exchange bitcoin "+sayOf(exchange)+".",
			true, exchange),
		judge("Bitcoin must evolve two important roles: it struggles to function as a unit of account and store of value.",
			"As a unit of account bitcoin "+sayOf(account)+"; as a store of value it "+sayOf(store)+"."+s.flipWords(),
			false, account, store),
		s.riskFinding(card, w), issueFinding(network, s.From, s.To),
	}
}

// decided sets the verdict of a finding that was measured.
func (f *Finding) decided(confirmed bool) {
	f.Confirmed, f.Verdict = &confirmed, map[bool]string{true: "confirmed", false: "not confirmed"}[confirmed]
}

// flipWords say at which volatility a verdict would turn.
func (s *Study) flipWords() string {
	var parts []string
	for _, f := range s.Anchors.Functions {
		if v, ok := s.Flip.Functions[f.Name]; ok {
			parts = append(parts, fmt.Sprintf("%s at %.1f %% a year", f.Name, v))
		}
	}
	if parts == nil {
		return " No volatility between a fiftieth and three times the present one turns a verdict."
	}
	return fmt.Sprintf(" At %.1f %% a year as it is, the verdict turns for %s.", s.Flip.Volatility,
		strings.Join(parts, ", for "))
}

// riskFinding: "significant" is read as at least three times the tenge's
// volatility and a shortfall beyond 5 % a day.
func (s *Study) riskFinding(card Card, w context) Finding {
	f := Finding{Verdict: NotAvailable, Paper: "Investing in Bitcoin carries significant risk due to its volatility."}
	ratio := s.Flip.Volatility / w.tengeVol
	es, known := card.Values["expected shortfall 5 %"]
	if math.IsNaN(ratio) || !known {
		f.Words = fmt.Sprintf("Not available: it needs the tenge's rate over the window. Bitcoin's own volatility is "+
			"%.1f %% a year.", s.Flip.Volatility)
		return f
	}
	f.decided(ratio >= 3 && es >= 5)
	f.Words = fmt.Sprintf("Volatility is %.1f %% a year, %.1f times the tenge's; the worst twentieth of days loses "+
		"%.1f %% on average, the deepest fall was %.0f %%. Significant is read as three times and 5 %%.",
		s.Flip.Volatility, ratio, es, -100*card.Values["maximum drawdown"])
	return f
}

// issueFinding checks autonomy where it can be measured: coins issued a block
// follow the subsidy rule, by nobody's decision.
func issueFinding(network *market.Table, from, to string) Finding {
	f := Finding{Verdict: NotAvailable,
		Paper: "Bitcoin operates autonomously, without the support of a central authority."}
	issued, err1 := network.Series("issuance_native")
	blocks, err2 := network.Series("blocks")
	if err1 != nil || err2 != nil {
		f.Words = "Not available: the file lacks issuance or blocks."
		return f
	}
	_, v := market.Align(issued.Window(from, to), blocks.Window(from, to))
	if len(v) < 2 || len(v[0]) == 0 {
		f.Words = "Not available: no day has both issuance and blocks."
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
	f.Words = fmt.Sprintf("On %.2f %% of %d days the coins issued a block are exactly 50 halved a whole number of "+
		"times (days of a halving mix two); mean turnout of blocks is %.1f a day. This shows the rule of issue, not "+
		"who could stop the network (see risks and architecture).", 100*share, len(v[0]), stats.Mean(v[1]))
	return f
}

// Print writes the study for a terminal, in a language; verdicts, findings and notes are in English.
func (s Study) Print(w io.Writer, l words.Language) {
	fmt.Fprintln(w, l.Text("market.functions-head", "from", s.From, "to", s.To, "threshold", s.Anchors.Threshold))
	tab := tabwriter.NewWriter(w, 2, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(tab, l.Text("market.functions-columns"))
	for _, c := range s.Cards {
		fmt.Fprintf(tab, "%s\t", c.Name)
	}
	fmt.Fprintln(tab)
	for j, f := range s.Anchors.Functions {
		for _, i := range f.Indicators {
			fmt.Fprintf(tab, "%s, %s\t%g\t%g\t", i.Key, i.Unit, i.Worst, i.Best)
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
		fmt.Fprintf(tab, "%s\t\t\t", l.Text("market.functions-weight", "name", strings.ToUpper(f.Name), "weight",
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
		var words []string
		for _, f := range c.Functions {
			words = append(words, f.Function+": "+f.Verdict)
		}
		fmt.Fprintf(w, "%s  %s\n", c.Name, strings.Join(words, "; "))
	}
	for _, f := range s.Findings {
		fmt.Fprintf(w, "%s: %q\n    %s\n", strings.ToUpper(f.Verdict), f.Paper, f.Words)
	}
	for _, n := range s.Notes {
		fmt.Fprintln(w, l.Text("market.note", "text", n))
	}
}

// band is a score with the range in which the anchors leave it.
func band(l words.Language, score, low, high *float64) string {
	if score == nil {
		return l.Text("market.functions-none")
	}
	return fmt.Sprintf("%.0f [%.0f–%.0f]", *score, *low, *high)
}
