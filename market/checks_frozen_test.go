package market

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"
)

// A feed that died is found however long it is dead; a rate that somebody sets, and a thin market, are no dead feeds.
func TestAFeedThatDied(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		name string
		rows int
		// value of a row; the same as the row before's where it stands still
		value func(row int) float64
		code  string
	}{
		{"last 30 of 300", 300, until(270), "stale"},
		{"last 100 of 300", 300, until(200), "frozen"},
		{"last 180 of 300", 300, until(120), "frozen"},
		{"in the middle", 300, func(i int) float64 {
			if i > 75 && i < 225 {
				i = 75
			}
			return walk(i)
		}, "frozen"},
		{"a base rate", 400, func(i int) float64 { return 9 + float64(i/130) }, ""},
		{"a thin market", 300, func(i int) float64 { return walk(i / 3) }, ""},
	} {
		var b strings.Builder
		b.WriteString("date,close\n")
		for i := range x.rows {
			fmt.Fprintf(&b, "%s,%.4f\n", dateOf(i), x.value(i))
		}
		table, err := Parse("x.csv", []byte(b.String()), ReadOptions{})
		if err != nil {
			t.Fatal(err)
		}
		codes := ""
		for _, f := range Check(table) {
			if f.Code == "stale" || f.Code == "frozen" {
				codes += f.Code
			}
		}
		if codes != x.code {
			t.Errorf("%s: found %q, want %q", x.name, codes, x.code)
		}
	}
}

func walk(i int) float64 { return 100 + math.Sin(float64(i*i)) }

func until(last int) func(int) float64 { return func(i int) float64 { return walk(min(i, last)) } }

func dateOf(i int) string { return time.Date(2020, 1, 1+i, 0, 0, 0, 0, time.UTC).Format("2006-01-02") }

// A rate of the National Bank is a price, whichever currency's; the number of units that it is of is none.
func TestTheRateOfACurrencyIsItsPrice(t *testing.T) {
	t.Parallel()
	table, err := Parse("krw.csv", []byte("Дата;Количество;KRW\n13.01.2022;100;34,76\n14.01.2022;100;34,64\n"), ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if s := Summarise(table, nil); table.PriceColumn() != "kzt_per_krw" || s.Price != "kzt_per_krw" ||
		s.FirstRow.Value == nil || math.Abs(*s.FirstRow.Value-0.3476) > 1e-12 {
		t.Errorf("price column %q, %q", table.PriceColumn(), s.Price)
	}
	table, err = Parse("two.csv", []byte("Дата;USD;EUR\n13.01.2022;434,76;500,1\n14.01.2022;434,64;500,2\n"), ReadOptions{})
	if err == nil && table.PriceColumn() == "kzt_per_eur" {
		t.Error("one of two rates was chosen")
	}
}
