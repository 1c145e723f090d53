package study

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/aqsha/aqsha/market"
)

// splitBars are 120 days of a share whose price is a quarter from the middle
// on: traded says whether close is the price of its day, beside the adjusted one.
func splitBars(t *testing.T, traded bool) *market.Table {
	t.Helper()
	var b strings.Builder
	b.WriteString("date,open,high,low,close,adj close,volume\n")
	day := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range 120 {
		price := 400 * math.Exp(0.01*math.Sin(float64(i*i)))
		volume := 10000 + 100*float64(i%7)
		before := i < 60 // the split
		adjusted, close, shares := price, price, volume
		if traded {
			adjusted = price / 4
			if !before {
				close, shares = price/4, volume*4
			}
		}
		fmt.Fprintf(&b, "%s,%.8f,%.8f,%.8f,%.8f,%.8f,%.0f\n", day.AddDate(0, 0, i).Format(time.DateOnly), close,
			close*1.01, close*0.99, close, adjusted, shares)
	}
	table, err := market.Parse("split.csv", []byte(b.String()), market.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// The money that passed is the same whether a share was split or not, and so
// are the returns: every measure is.
func TestLiquidityAcrossASplit(t *testing.T) {
	split, err := StudyLiquidity(Input{Table: splitBars(t, true)})
	if err != nil {
		t.Fatal(err)
	}
	whole, err := StudyLiquidity(Input{Table: splitBars(t, false)})
	if err != nil {
		t.Fatal(err)
	}
	if split.Origin.Column != "adjusted_close" {
		t.Fatal("returns are of", split.Origin.Column)
	}
	a, b := split.Whole, whole.Whole
	for name, pair := range map[string][2]*float64{"Amihud": {a.Amihud, b.Amihud}, "Kyle": {a.Kyle, b.Kyle},
		"Roll": {a.Roll, b.Roll}, "Corwin-Schultz": {a.CorwinSchultz, b.CorwinSchultz}} {
		if (pair[0] == nil) != (pair[1] == nil) || pair[0] != nil && math.Abs(*pair[0] / *pair[1] - 1) > 1e-5 {
			t.Errorf("%s across the split and without one differ: %v, %v", name, value(pair[0]), value(pair[1]))
		}
	}
	if a.Amihud == nil || a.Kyle == nil || a.CorwinSchultz == nil {
		t.Error("not measured", a)
	}
}

func value(v *float64) string {
	if v == nil {
		return "none"
	}
	return fmt.Sprint(*v)
}
