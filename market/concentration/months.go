package concentration

import (
	"github.com/aqsha/aqsha/market"
)

// Month is one period of a panel: who held how much.
type Month struct {
	Month   string    `json:"month"` // 2006-01, or a day for daily panels
	Names   []string  `json:"names"`
	Values  []float64 `json:"values"`
	Measure Measures  `json:"measures"`
}

// ByMonth splits a panel (pools by blocks, countries by share) into months;
// rows of one name in one month (daily panels) are added up.
func ByMonth(t *market.Table, label, value string) ([]Month, error) {
	names, err := t.Text(label)
	if err != nil {
		return nil, err
	}
	values, err := t.Column(value)
	if err != nil {
		return nil, err
	}
	var months []Month
	at := map[string]int{}
	for i := range t.Lines {
		month := "" // a plain list of holders has one period
		if t.Times != nil {
			month = t.Times[i].Format("2006-01")
		}
		if len(months) == 0 || months[len(months)-1].Month != month {
			months = append(months, Month{Month: month})
			clear(at)
		}
		m := &months[len(months)-1]
		j, ok := at[names[i]]
		if !ok {
			j = len(m.Names)
			at[names[i]] = j
			m.Names, m.Values = append(m.Names, names[i]), append(m.Values, 0)
		}
		m.Values[j] += values.Values[i]
	}
	for i := range months {
		exact, err := Integers(months[i].Values)
		if err != nil {
			return nil, err
		}
		if months[i].Measure, err = Measure(exact); err != nil {
			return nil, err
		}
	}
	return months, nil
}

// BothWays measures the month with a residual ("Other", "unknown") counted as
// one holder and left out: the truth, the residual being many, lies in
// between or beyond the second.
func (m Month) BothWays(residual string) (withIt, without Measures, err error) {
	var kept []float64
	for i, name := range m.Names {
		if name != residual {
			kept = append(kept, m.Values[i])
		}
	}
	exact, err := Integers(kept)
	if err != nil {
		return Measures{}, Measures{}, err
	}
	without, err = Measure(exact)
	return m.Measure, without, err
}
