package document

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/aqsha/aqsha/market"
)

//go:embed rules.json
var rulesFile []byte

// Rule recommends something when a figure lies beyond a threshold.
type Rule struct {
	ID        string    `json:"id"`
	Figure    string    `json:"figure"`
	Is        string    `json:"is"` // above, below
	Threshold float64   `json:"threshold"`
	Others    []float64 `json:"others"` // at which the rule is tried as well
	Systems   []string  `json:"systems"`
	Source    string    `json:"source"`
}

// Recommendation is a rule with the figure that it looked at.
type Recommendation struct {
	Rule
	Value  *float64 `json:"value"` // null: not available, the rule says nothing
	Unit   string   `json:"unit"`
	From   string   `json:"from"`
	Fires  bool     `json:"fires"`
	Others []Trial  `json:"others"`
}

// Trial is the rule at another threshold.
type Trial struct {
	Threshold float64 `json:"threshold"`
	Fires     bool    `json:"fires"`
}

// Rules as shipped.
func Rules() ([]Rule, error) {
	var file struct {
		Format string `json:"format"`
		Rules  []Rule `json:"rules"`
	}
	if err := json.Unmarshal(rulesFile, &file); err != nil {
		return nil, fmt.Errorf("rules.json: %w", err)
	}
	for _, r := range file.Rules {
		if r.Is != "above" && r.Is != "below" || r.Figure == "" || len(r.Systems) == 0 {
			return nil, market.Refuse("rules", r.ID, "want a figure, systems, and above or below")
		}
	}
	return file.Rules, nil
}

// fires at a threshold; a figure that lies on it does not.
func (r Rule) fires(v, threshold float64) bool {
	if r.Is == "above" {
		return v > threshold
	}
	return v < threshold
}

// Judge applies the rule to a figure.
func (r Rule) Judge(f Figure) Recommendation {
	out := Recommendation{Rule: r, Value: f.Value, Unit: f.Unit, From: f.Source}
	if f.Value == nil || math.IsNaN(*f.Value) {
		out.Value = nil
		return out
	}
	out.Fires = r.fires(*f.Value, r.Threshold)
	for _, t := range r.Others {
		out.Others = append(out.Others, Trial{t, r.fires(*f.Value, t)})
	}
	return out
}

// recommend asks every rule of the system and writes down what each says, those too that do not fire.
func (b *builder) recommend() error {
	rules, err := Rules()
	if err != nil {
		return err
	}
	s := Section{Key: "recommendations", Paragraphs: []Sentence{{Word: "recommendations.about"}}}
	t := Table{Title: "recommendations.table", Heads: []string{"figure", "value", "rule", "result",
		"at other thresholds"}}
	for _, r := range rules {
		if !slices.Contains(r.Systems, b.Options.System) {
			continue
		}
		i := slices.IndexFunc(b.Figures, func(f Figure) bool { return f.Key == r.Figure })
		f := Figure{Key: r.Figure}
		if i >= 0 {
			f = b.Figures[i]
		}
		// A figure that is not there is judged too, and says nothing: a rule that was not asked would look like one
		// that does not fire.
		judged := r.Judge(f)
		b.Recommendations = append(b.Recommendations, judged)
		result := "does not fire"
		switch {
		case judged.Value == nil:
			result = "says nothing"
		case judged.Fires:
			result = "fires"
			s.Paragraphs = append(s.Paragraphs,
				Sentence{Word: "rule." + r.ID, Cells: []Cell{significant(judged.Value), plain(r.Threshold)}})
		}
		var trials Cell
		// At other thresholds as well: how much of a recommendation hangs on the one that was chosen.
		for _, trial := range judged.Others {
			mark := "–"
			if trial.Fires {
				mark = "✓"
			}
			trials.List = append(trials.List, plain(trial.Threshold), text(mark+" "))
		}
		v := significant(judged.Value)
		if v.Value != nil {
			v.Unit = judged.Unit
		}
		t.Rows = append(t.Rows, []Cell{word(r.Figure), v, {List: []Cell{word(r.Is), plain(r.Threshold)}}, word(result),
			trials})
	}
	if len(s.Paragraphs) == 1 {
		s.Paragraphs = append(s.Paragraphs, Sentence{Word: "recommendations.none"})
	}
	s.Tables = append(s.Tables, t)
	b.add(s)
	return nil
}

// plain is a number with the digits that it has.
func plain(v float64) Cell {
	digits := 0
	if s := strconv.FormatFloat(v, 'f', -1, 64); len(s) > 0 {
		if i := slices.Index([]byte(s), '.'); i >= 0 {
			digits = len(s) - i - 1
		}
	}
	return value(v, digits)
}

func year(y int) string { return strconv.Itoa(y) }

// summary comes first: the figures that the rules looked at, in sentences. It is made last, when every section has
// added its figures and every rule was asked. It counts the rules that fire and, apart from those that do not, the
// ones that could not be asked for want of a figure: silence for want of data is not a finding.
func (b *builder) summary() {
	s := Section{Key: "summary",
		Paragraphs: []Sentence{{Word: "summary.about." + b.Options.System,
			Cells: []Cell{text(b.risks.From), text(b.risks.To)}}}}
	t := Table{Title: "summary.table", Heads: []string{"figure", "value", "source"}}
	for _, f := range b.Figures {
		v := significant(f.Value)
		if v.Value != nil {
			v.Unit = f.Unit
		}
		t.Rows = append(t.Rows, []Cell{word(f.Key), v, text(f.Source)})
	}
	fired, silent := 0, 0
	for _, r := range b.Recommendations {
		if r.Fires {
			fired++
		}
		if r.Value == nil {
			silent++
		}
	}
	s.Paragraphs = append(s.Paragraphs,
		Sentence{Word: "summary.rules", Cells: []Cell{value(float64(len(b.Recommendations)), 0),
			value(float64(fired), 0), value(float64(silent), 0)}})
	s.Tables = append(s.Tables, t)
	b.Sections = append([]Section{s}, b.Sections...)
}
