package performance

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/aqsha/aqsha/market"
	"github.com/aqsha/aqsha/market/stats"
)

// Sharpe, Sortino and alpha are over the rate: by hand for one figure, and a
// series that stands at the same figure gives the same.
func TestRiskFreeRate(t *testing.T) {
	prices := market.Series{Name: "p"}
	p := 100.0
	for i := range 400 {
		p *= 1 + 0.001 + 0.01*math.Sin(float64(i*i))
		prices.Times, prices.Values = append(prices.Times, time.Date(2020, 1, 1+i, 0, 0, 0, 0, time.UTC)), append(prices.Values, p)
	}
	rate, err := Rate(14.5)
	if err != nil {
		t.Fatal(err)
	}
	value := func(free *RiskFree, key string) float64 {
		m, err := MeasureOver(prices, prices, 365, free)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range m.Figures {
			if f.Key == key {
				return *f.Value
			}
		}
		return math.NaN()
	}
	simple, err := Simple(prices)
	if err != nil {
		t.Fatal(err)
	}
	daily := math.Pow(1.145, 1/365.0) - 1
	x := make([]float64, simple.Len())
	for i, r := range simple.Values {
		x[i] = r - daily
	}
	if got, want := value(rate, "sharpe"), stats.Mean(x)/stats.SD(x)*math.Sqrt(365); math.Abs(got-want) > 1e-12 || got >= value(nil, "sharpe") {
		t.Errorf("Sharpe %v, want %v", got, want)
	}
	if got := value(rate, "sortino"); math.Abs(got-stats.Mean(x)/downside(x)*math.Sqrt(365)) > 1e-12 {
		t.Errorf("Sortino %v", got)
	}
	if got := value(rate, "alpha"); math.Abs(got) > 1e-12 { // against itself there is none, whatever the rate
		t.Errorf("alpha %v", got)
	}
	table, err := market.Parse("r.csv", []byte("quarter,cpi,tonia_rate\n2019Q3,100,14.5\n2020Q2,101,14.5\n"), market.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	series, err := RateFrom(table, "")
	if err != nil || math.Abs(value(series, "sharpe")-value(rate, "sharpe")) > 1e-12 {
		t.Errorf("%+v, %v", series, err)
	}
	late, err := market.Parse("r.csv", []byte("quarter,cpi,tonia_rate\n2020Q2,100,14.5\n2020Q3,101,14.5\n"), market.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	begins, err := RateFrom(late, "tonia_pct")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := MeasureOver(prices, market.Series{}, 365, begins); err == nil {
		t.Error("a rate that begins after the prices was used")
	}
	for _, bad := range []float64{-100, 1e4, math.NaN()} {
		if _, err := Rate(bad); err == nil {
			t.Errorf("%v is a rate", bad)
		}
	}
}

// The rate's column is found as its file writes it, alone or beside others; what cannot be found is refused in words of
// the rate's file, never with the options by which the prices are declared.
func TestRateIsFoundInItsFile(t *testing.T) {
	const two, three = "date,tonia\n2019-01-01,9.5\n2020-01-01,9.25\n", "date,tonia,base\n2019-01-01,9.5,9\n2020-01-01,9.25,10\n"
	read := func(data, column string) (*RiskFree, error) {
		return ReadRate(func(o market.ReadOptions) (*market.Table, error) {
			return market.Parse("rates.csv", []byte(data), o)
		}, column)
	}
	for _, c := range []struct {
		data, column string
		first        float64
	}{
		{two, "", 9.5}, {two, "tonia", 9.5}, {two, "TONIA", 9.5}, {two, "value", 9.5}, {three, "tonia", 9.5},
		{three, "base", 9}, {"date,rate\n2019-01-01,9.5\n2020-01-01,9\n", "", 9.5},
	} {
		got, err := read(c.data, c.column)
		if err != nil || got.series.Values[0] != c.first {
			t.Errorf("%q of %q: %+v %v", c.column, c.data, got, err)
			continue
		}
		// A sealed report names the column as it was found, and finds it again.
		if again, err := read(c.data, got.Column); err != nil || again.series.Values[0] != c.first {
			t.Errorf("again %q of %q: %+v %v", got.Column, c.data, again, err)
		}
	}
	for _, c := range []struct{ data, column, says string }{
		{two, "nosuch", `no column of numbers called "nosuch"; it has: tonia`},
		{three, "nosuch", "it has: tonia, base"}, {three, "", "several columns of numbers: tonia, base"},
		{"foo,tonia\nabc,9.5\nxyz,9\n", "tonia", "needs a column of days"},
		{"date,price_usd\n2019-01-01,9.5\n2020-01-01,9\n", "", "is in USD, no rate"},
		{"date,bank,rate\n2019-01-01,a,9.5\n2019-01-01,b,9\n", "", "2 series by this column: a, b"},
		{"date,bank\n2019-01-01,a\n2020-01-01,b\n", "", "rates.csv"},
	} {
		_, err := read(c.data, c.column)
		var refused *market.Error
		if !errors.As(err, &refused) || refused.Code != "market-risk-free" || !strings.Contains(refused.Detail, c.says) ||
			strings.Contains(refused.Detail, "--") {
			t.Errorf("%q of %q: %v", c.column, c.data, err)
		}
	}
}
