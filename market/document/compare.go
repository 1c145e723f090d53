package document

import (
	"math"
	"slices"
	"strings"

	"github.com/aqsha/aqsha/market/functions"
	"github.com/aqsha/aqsha/market/risks"
)

// dangers are the paper's seven risks, each with its own indicator.
func (b *builder) dangers() {
	s := Section{Key: "risks",
		Paragraphs: []Sentence{{Word: "risks.about", Cells: []Cell{text(b.risks.From), text(b.risks.To)}}}}
	t := Table{Title: "risks.table", Heads: []string{"number", "risk", "measure", "value", "period", "state of data"}}
	row := func(i risks.Indicator, first bool) []Cell {
		cells := []Cell{text(""), text(""), named(measureOf(i.Measure)), measured(i.Value, 2, i.Unit), text("–"),
			word("measured")}
		if first {
			cells[0], cells[1] = value(float64(i.Number), 0), word(i.Risk)
		}
		if i.From != "" {
			cells[4] = text(i.From + "…" + i.To)
		}
		// What is missing is said as missing: an empty cell would read as no risk.
		if i.Value == nil {
			cells[5] = word("data needed")
		} else if i.Needs != "" {
			cells[5] = word("measured in part")
		}
		return cells
	}
	for _, i := range b.risks.Indicators {
		t.Rows = append(t.Rows, row(i, true))
		for _, beside := range i.Beside {
			t.Rows = append(t.Rows, row(beside, false))
		}
	}
	s.Tables = append(s.Tables, t)
	if e := b.risks.Events; e != nil {
		s.Paragraphs = append(s.Paragraphs,
			Sentence{Word: "risks.events", Cells: []Cell{value(float64(len(e.Reactions)), 0), value(e.MeanDay0, 2),
				value(e.PDay0, 4)}})
	}
	b.add(s)
}

// measureOf drops what an indicator adds to its name for its own years.
func measureOf(name string) string {
	before, after, ok := strings.Cut(name, ", ")
	if ok && strings.HasPrefix(before, "payments by card") && strings.Contains(after, "first year") {
		return before
	}
	return name
}

// comparison sets the systems beside each other, groups moneys by how alike
// they serve, and repeats the paper's classification by substance and purpose.
func (b *builder) comparison() {
	s := Section{Key: "comparison", Paragraphs: []Sentence{{Word: "comparison.about"}}}
	names, distances := distances(b.functions)
	s.Tables = append(s.Tables, b.groups(names, distances))
	classes := Table{Title: "classes.table", Heads: []string{"currency", "symbol", "substance", "purpose", "mineable",
		"date"}}
	for _, a := range b.paper.Assets {
		mineable := "no"
		if a.Mineable {
			mineable = "yes"
		}
		classes.Rows = append(classes.Rows, []Cell{text(a.Name), text(a.Ticker), word(a.Substance), word(a.Purpose),
			word(mineable), text(a.AsOf)})
	}
	s.Tables = append(s.Tables, classes)
	b.add(s)
}

// distances between moneys by Gower (1971): the mean, over the indicators that
// both have, of the difference between their scores of 0 to 1. NaN where two
// share fewer than two.
func distances(s functions.Study) (names []string, d [][]float64) {
	score := func(i functions.Indicator, x float64) float64 {
		return min(1, max(0, (x-i.Worst)/(i.Best-i.Worst)))
	}
	for _, a := range s.Cards {
		names = append(names, a.Name)
		row := make([]float64, len(s.Cards))
		for j, c := range s.Cards {
			sum, n := 0.0, 0
			for _, f := range s.Anchors.Functions {
				for _, i := range f.Indicators {
					x, have := a.Values[i.Key]
					y, too := c.Values[i.Key]
					if have && too {
						sum, n = sum+math.Abs(score(i, x)-score(i, y)), n+1
					}
				}
			}
			if row[j] = math.NaN(); n >= 2 {
				row[j] = sum / float64(n)
			}
		}
		d = append(d, row)
	}
	return names, d
}

// Merge is a step of grouping: two groups that become one.
type Merge struct {
	First, Second []int
	Distance      float64
}

// Linkage groups by average linkage (UPGMA, Sokal & Michener 1958): at each
// step the two groups with the least mean distance are joined. Pairs without a
// distance are left out of the means; groups without any stay apart.
func Linkage(d [][]float64) []Merge {
	var groups [][]int
	for i := range d {
		groups = append(groups, []int{i})
	}
	var out []Merge
	for len(groups) > 1 {
		best, at := math.Inf(1), [2]int{}
		for i := range groups {
			for j := i + 1; j < len(groups); j++ {
				if m := between(d, groups[i], groups[j]); m < best {
					best, at = m, [2]int{i, j}
				}
			}
		}
		if math.IsInf(best, 1) {
			return out
		}
		x, y := groups[at[0]], groups[at[1]]
		out = append(out, Merge{x, y, best})
		groups = slices.Delete(groups, at[1], at[1]+1)
		groups[at[0]] = append(slices.Clone(x), y...)
	}
	return out
}

// between is the mean distance of two groups over the pairs that have one.
func between(d [][]float64, x, y []int) float64 {
	sum, n := 0.0, 0
	for _, i := range x {
		for _, j := range y {
			if !math.IsNaN(d[i][j]) {
				sum, n = sum+d[i][j], n+1
			}
		}
	}
	if n == 0 {
		return math.Inf(1)
	}
	return sum / float64(n)
}

// groups is the table of who joins whom, step by step.
func (b *builder) groups(names []string, d [][]float64) Table {
	t := Table{Title: "groups.table", Heads: []string{"step", "group", "joins", "distance"}}
	list := func(members []int) Cell {
		var c Cell
		for i, m := range members {
			if i > 0 {
				c.List = append(c.List, text("+"))
			}
			c.List = append(c.List, named(names[m]))
		}
		return c
	}
	for i, m := range Linkage(d) {
		t.Rows = append(t.Rows, []Cell{value(float64(i+1), 0), list(m.First), list(m.Second), value(m.Distance, 3)})
	}
	return t
}

// beside redraws the paper's figure and tables from data, beside what it prints.
func (b *builder) beside() {
	s := Section{Key: "paper",
		Paragraphs: []Sentence{{Word: "paper.about", Cells: []Cell{value(float64(len(b.paper.Results)), 0),
			value(float64(b.paper.Verdicts["wrong"]), 0)}}}}
	printed := map[string]float64{}
	for _, r := range b.paper.Results {
		printed[r.ID] = r.Value
	}
	figure := Picture{Title: "paper.figure", Unit: "percent", Names: []string{"printed", "by the data"}}
	for _, c := range []struct{ id, country string }{{"figure_us", "United States"}, {"figure_kz", "Kazakhstan"},
		{"figure_ru", "Russian Federation"}, {"figure_cn", "Mainland China"}} {
		pair := BarPair{Label: word(c.country), Second: b.share(c.country, "2021-08")}
		if v, ok := printed[c.id]; ok {
			pair.First = &v
		}
		figure.Bars = append(figure.Bars, pair)
	}
	s.Pictures = append(s.Pictures, figure)
	one := Table{Title: "paper.table1", Heads: []string{"number", "currency", "printed capitalisation, USD",
		"price × supply, USD", "deviation, %", "turnover, % a day", "share of the table, %"}}
	for _, r := range b.paper.Table1.Rows {
		one.Rows = append(one.Rows,
			[]Cell{value(float64(r.Rank), 0), {List: []Cell{text(r.Name), text("(" + r.Ticker + ")")}},
				// The printed capitalisation, back from its deviation: the table keeps one of the two.
				value(r.PriceSupply/(1+r.Deviation), 0), value(r.PriceSupply, 0),
				value(100*r.Deviation, 3), value(100*r.TurnoverDaily, 2), value(100*r.Share, 2)})
	}
	three := Table{Title: "paper.table3", Heads: []string{"channel", "year", "payments, bn", "value, tn KZT",
		"mean payment, KZT", "growth of payments, %", "growth of value, %", "share of payments, %"}}
	for _, c := range b.paper.Table3 {
		growth := func(v *float64) Cell {
			if v == nil {
				return text("–")
			}
			return value(100**v, 1)
		}
		three.Rows = append(three.Rows, []Cell{word(c.Channel), text(year(c.Year)), value(c.PaymentsBn, 2),
			value(c.ValueTn, 1), value(c.MeanTicketKZT, 0), growth(c.GrowthPayments), growth(c.GrowthValue),
			value(100*c.SharePayments, 1)})
	}
	verdicts := Table{Title: "paper.verdicts", Heads: []string{"verdict", "identities", "figures printed"}}
	for _, v := range []string{"confirmed", "consistent", "possible", "wrong", "not checkable"} {
		verdicts.Rows = append(verdicts.Rows, []Cell{word(v), value(float64(b.paper.Verdicts[v]), 0),
			value(float64(b.paper.Claims[v]), 0)})
	}
	s.Tables = append(s.Tables, one, three, verdicts)
	b.add(s)
}

// share is the percentage of the hash rate that the mining map gives a country in a month (YYYY-MM). Nil where the
// folder has no map, or the map no such month: the comparison says "not available" and does not fail.
func (b *builder) share(country, month string) *float64 {
	t, err := b.open("cbeci_country_share.csv")
	if err != nil || t == nil {
		return nil
	}
	shares, err := t.Column("share_pct")
	if err != nil {
		return nil
	}
	for _, names := range t.Texts {
		if names.Name != "country" {
			continue
		}
		for i, name := range names.Values {
			if name == country && t.Times[i].Format("2006-01") == month {
				v := shares.Values[i]
				return &v
			}
		}
	}
	return nil
}
