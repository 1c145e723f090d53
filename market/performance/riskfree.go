package performance

import (
	"errors"
	"math"
	"sort"
	"strings"
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

// ReadRate is RateFrom of a file that open reads. A file of several numbers, of which a study of prices could choose
// none, is read here too, since the column says which is meant. Refusals speak of the rate's file: the options by
// which readers declare columns are those of the prices.
func ReadRate(open func(market.ReadOptions) (*market.Table, error), column string) (*RiskFree, error) {
	t, err := open(market.ReadOptions{})
	var refused *market.Error
	if errors.As(err, &refused) && refused.Code == "market-column-ambiguous" {
		// Declaring any of them makes a table of all.
		first := market.Declared{Name: strings.ToLower(refused.Field), Header: refused.Field, Unit: "undeclared"}
		t, err = open(market.ReadOptions{Columns: []market.Declared{first}})
	}
	if errors.As(err, &refused) && (refused.Code == "market-form-unknown" || strings.Contains(refused.Detail, "--")) {
		detail, _, _ := strings.Cut(refused.Detail, ";")
		return nil, market.Refuse("risk-free", "risk-free",
			"the rate's file cannot be read: %s: %s; it needs a column "+
				"of days, as 2024-01-31, and one of the rate", refused.Field, detail)
	}
	if err != nil {
		return nil, err
	}
	return RateFrom(t, column)
}

// rateColumn is our name of the column that is asked for, by that name or as the file's header writes it; for "" the
// only one in percent, or the only one of numbers, whatever it is called.
func rateColumn(t *market.Table, asked string) (string, error) {
	var headers, percent []string
	found, plain := "", true
	for _, c := range t.Columns {
		headers = append(headers, c.Header)
		if c.Unit == "percent" {
			percent = append(percent, c.Name)
		}
		plain = plain && (c.Unit == "undeclared" || c.Unit == "quote") // a price in USD is no rate
		if c.Name == asked || found == "" && strings.EqualFold(strings.TrimSpace(c.Header), strings.TrimSpace(asked)) {
			found = c.Name
		}
	}
	switch file := t.Provenance.File; {
	case len(headers) == 0:
		return "", market.Refuse("risk-free", "risk-free", "%s has no column of numbers", file)
	case asked != "" && found == "":
		return "", market.Refuse("risk-free", "risk-free", "%s has no column of numbers called %q; it has: %.300s",
			file, asked, strings.Join(headers, ", "))
	case asked != "":
		return found, nil
	case len(percent) == 1:
		return percent[0], nil
	case len(headers) == 1 && plain:
		return t.Columns[0].Name, nil
	case len(headers) == 1:
		return "", market.Refuse("risk-free", "risk-free",
			"%s of %s is in %s, no rate; name it, FILE:COLUMN, if it is one",
			headers[0], file, t.Columns[0].Unit)
	default:
		return "", market.Refuse("risk-free", "risk-free",
			"%s has several columns of numbers: %.300s; name the rate's: "+
				"FILE:COLUMN", file, strings.Join(headers, ", "))
	}
}

// RateFrom takes a column in percent a year ("" for the file's only one).
func RateFrom(t *market.Table, column string) (*RiskFree, error) {
	column, err := rateColumn(t, column)
	if err != nil {
		return nil, err
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

// over are the returns above the risk-free rate, which may be missing.
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
