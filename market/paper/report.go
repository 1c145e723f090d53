package paper

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/aqsha/aqsha/market"
	"github.com/aqsha/aqsha/market/concentration"
	"github.com/aqsha/aqsha/words"
)

// Report is the whole check of the paper.
type Report struct {
	Paper   string   `json:"paper"`
	Results []Result `json:"results"`
	// identities with this verdict: one that is solved for three figures counts once
	Verdicts      map[string]int       `json:"verdicts"`
	Claims        map[string]int       `json:"claims"`     // figures with this verdict
	Identities    int                  `json:"identities"` // tested, of all verdicts
	Table1        Table1               `json:"table1"`
	Table3        []Channel            `json:"table3"`
	Concentration concentration.Bounds `json:"concentration"`
	About         concentration.Bounds `json:"concentration_if_about"` // 49 % instead of 50 %
	Assets        []Asset              `json:"assets"`
	Legal         []Legal              `json:"legal"`
	Data          []market.Provenance  `json:"data"`
}

// Miners is the population in which the paper's concentration is stated
// (Makarov & Schoar 2021 speak of about 50,000).
const Miners = 50_000

// Check runs every claim. dir is a folder of real extracts, or empty. What is synthetic is listed among the data, and
// no claim is judged by it: a figure of the paper is not wrong because invented data have another.
func Check(dir string) (Report, error) { return judge(dir, true) }

// CheckEarlier judges by whatever the folder holds, as documents sealed in the formats 1 to 5 did.
func CheckEarlier(dir string) (Report, error) { return judge(dir, false) }

// judge computes the report: facts and claims become names of the expressions, a folder adds the data's figures, and
// each claim is checked against them. Verdicts are counted by claim in Claims, and by finding in Verdicts. real says
// that a synthetic file gives the claims no values.
func judge(dir string, real bool) (Report, error) {
	file, err := Load()
	if err != nil {
		return Report{}, err
	}
	env := environment{values: map[string]float64{}, own: map[string]bool{}, functions: issuanceFunctions(),
		dates: map[string]string{}}
	for _, f := range file.Facts {
		env.values[f.ID] = f.Value
	}
	for _, c := range file.Claims {
		if _, twice := env.values[c.ID]; twice {
			return Report{}, fmt.Errorf("claims.json: %s twice", c.ID)
		}
		env.values[c.ID], env.own[c.ID] = c.Value, true
	}
	r := Report{Paper: file.Paper, Verdicts: map[string]int{}, Claims: map[string]int{}, Assets: assets, Legal: legal}
	if r.Table1, err = readTable1(file.Claims); err != nil {
		return Report{}, err
	}
	env.values["t1_rows"], env.values["t1_sum_cap"] = float64(len(r.Table1.Rows)), r.Table1.Capitalisation
	if err := r.concentration(env); err != nil {
		return Report{}, err
	}
	if dir != "" {
		if r.Data, err = env.addData(dir, real); err != nil {
			return Report{}, err
		}
	}
	r.Table3 = channels(env)
	seen := map[[2]string]bool{}
	identities := map[string]bool{}
	for _, c := range file.Claims {
		result, err := env.check(c)
		if err != nil {
			return Report{}, err
		}
		r.Results = append(r.Results, result)
		r.Claims[result.Verdict]++
		key := [2]string{result.Verdict, result.Identity}
		if result.Identity == "" {
			key[1] = c.ID
		} else {
			identities[result.Identity] = true
		}
		// An equation between five figures is one claim however many of them it is solved for, or verdicts would be
		// counted five times.
		if !seen[key] {
			seen[key] = true
			r.Verdicts[result.Verdict]++
		}
	}
	r.Identities, r.Table1.DateByData = len(identities), env.dates["btc"]
	return r, nil
}

// concentration reads the claim as two points of a Lorenz curve, exactly and
// with "about 50 %" taken as 49.
func (r *Report) concentration(env environment) error {
	v := func(id string) float64 { return env.values[id] / 100 }
	points := []concentration.Point{{Population: 1 - v("conc_10"), Held: 1 - v("conc_90")},
		{Population: 1 - v("conc_01"), Held: 1 - v("conc_50")}}
	var err error
	if r.Concentration, err = concentration.BoundsFrom(points, Miners); err != nil {
		env.values["lorenz_possible"] = 0
		return nil //nolint:nilerr // that no curve has these points is a figure of the report
	}
	env.values["lorenz_possible"] = 1
	points[1].Held += 0.01
	r.About, err = concentration.BoundsFrom(points, Miners)
	return err
}

// Print writes the report for a terminal, in a language; verdict limits it to claims with that verdict ("" for
// all). The claims themselves, what was found of them and their sources are quoted as claims.json has them, in English.
func (r Report) Print(w io.Writer, l words.Language, verdict string) {
	tab := tabwriter.NewWriter(w, 2, 0, 2, ' ', 0)
	fmt.Fprintln(tab, l.Text("paper.columns"))
	for _, c := range r.Results {
		if verdict != "" && c.Verdict != verdict {
			continue
		}
		expected := l.Text("paper.none")
		if c.Expected != nil {
			expected = fmt.Sprintf("%.8g", *c.Expected)
		}
		word := strings.ToUpper(l.Phrase("market-word", c.Verdict))
		switch {
		case c.Missing != "":
			word = l.Text("paper.without-data", "verdict", word)
		case c.Finding != "":
			word += ": " + c.Finding
		}
		fmt.Fprintf(tab, "%s: %s\t%.10g %s\t%s\t%s\t%s\n", c.Place, c.Claim.Claim, c.Value, c.Unit, expected, word,
			c.Source)
		if c.Note != "" && (verdict != "" || !c.Holds) {
			fmt.Fprintf(tab, "    %s\t\t\t\t\n", c.Note)
		}
	}
	tab.Flush()
	// Asked for one verdict, one wants its claims; the tables beside are of all of them.
	if verdict != "" {
		return
	}
	r.Table1.print(w, l)
	printChannels(w, l, r.Table3)
	c, whole := r.Concentration, func(v float64) string { return fmt.Sprintf("%.0f", v) }
	fmt.Fprintf(w, "\n%s\n", l.Text("paper.concentration", "low", fmt.Sprintf("%.4f", c.Gini.Low), "high",
		fmt.Sprintf("%.4f", c.Gini.High), "hhi", fmt.Sprintf("%.1f", c.HHI.Low), "nakamoto", whole(c.Nakamoto.Low),
		"from", whole(r.About.Nakamoto.Low), "to", whole(r.About.Nakamoto.High)))
	printAssets(w, l, r.Assets, r.Legal)
	fmt.Fprintf(w, "\n%s\n", l.Text("paper.identities", "figures", len(r.Results), "identities", r.Identities))
	missing := 0
	for _, result := range r.Results {
		if result.Missing != "" {
			missing++
		}
	}
	for _, v := range Verdicts {
		fmt.Fprintln(tab, l.Text("paper.verdict", "verdict", l.Phrase("market-word", v), "count", r.Verdicts[v],
			"figures", r.Claims[v], "meaning", l.Phrase("market-word", meaning[v])))
	}
	tab.Flush()
	for _, p := range r.Data {
		if invented(p) {
			fmt.Fprintln(w, l.Text("paper.synthetic", "file", p.File))
		}
	}
	if missing > 0 {
		fmt.Fprintln(w, l.Text("paper.missing", "count", missing))
	}
}

// meaning of each verdict in a line.
var meaning = map[string]string{
	Confirmed: "by data, a dated fact or a protocol's rule", Consistent: "with the paper's other figures only",
	Possible: "inside a bound, or implausible", Wrong: "the check gives another figure",
	NotCheckable: "no check, no date, or no data",
}
