package performance

import (
	"math"
	"sort"
	"time"

	"github.com/aqsha/aqsha/market"
)

// RiskFree is the rate against which Sharpe, Sortino and alpha are taken: one
// figure, or a series such as a money-market or base rate, percent a year. The
// zero value is a rate of 0.
type RiskFree struct {
	Percent float64            `json:"percent,omitempty"`
	Column  string             `json:"column,omitempty"`
	Source  *market.Provenance `json:"source,omitempty"`

	series market.Series
}

// Rate is one figure for all days.
func Rate(percent float64) (*RiskFree, error) {
	if !(percent > -100 && percent < 1000) {
		return nil, market.Refuse("risk-free", "risk-free", "%g is not a rate in percent a year", percent)
	}
	return &RiskFree{Percent: percent}, nil
}

// RateFrom takes a column in percent a year ("" for the file's only one).
func RateFrom(t *market.Table, column string) (*RiskFree, error) {
	if column == "" {
		for _, c := range t.Columns {
			if c.Unit == "percent" {
				if column != "" {
					return nil, market.Refuse("risk-free", "risk-free",
						"%s has several columns in percent; name one: FILE:COLUMN", t.Provenance.File)
				}
				column = c.Name
			}
		}
	}
	if column == "" {
		return nil, market.Refuse("risk-free", "risk-free", "no column in percent in %s; name one: FILE:COLUMN",
			t.Provenance.File)
	}
	s, err := t.Series(column)
	if err != nil {
		return nil, err
	}
	for i, v := range s.Values {
		if !(v > -100 && v < 1000) {
			return nil, market.Refuse("risk-free", column, "%g on %s is not a rate in percent a year", v,
				s.Times[i].Format(time.DateOnly))
		}
	}
	return &RiskFree{Column: column, Source: &t.Provenance, series: s}, nil
}

// at are the rates a period on these days: the last one known on each. A series
// that begins later is refused, for a rate that was not yet is none.
func (f *RiskFree) at(times []time.Time, periods float64) ([]float64, error) {
	if f == nil {
		return nil, nil
	}
	out := make([]float64, len(times))
	for i, day := range times {
		rate := f.Percent
		if f.Source != nil {
			j := sort.Search(len(f.series.Times), func(j int) bool { return f.series.Times[j].After(day) }) - 1
			if j < 0 {
				return nil, market.Refuse("risk-free", f.Column, "the rate begins on %s, after %s", f.series.First(),
					day.Format(time.DateOnly))
			}
			rate = f.series.Values[j]
		}
		out[i] = math.Pow(1+rate/100, 1/periods) - 1
	}
	return out, nil
}

// excess is the returns over the rate.
func (s sample) excess() []float64 { return over(s.r, s.free) }

func over(r, free []float64) []float64 {
	if free == nil {
		return r
	}
	out := make([]float64, len(r))
	for i, v := range r {
		out[i] = v - free[i]
	}
	return out
}
