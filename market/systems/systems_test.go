package systems

import (
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/aqsha/aqsha/market"
	"github.com/aqsha/aqsha/market/usage"
	"github.com/aqsha/aqsha/words"
)

// Rosenfeld (2014), table 1: q = 10 %, 6 confirmations: 0.0591 %; 30 %, 6: 15.645 %.
func TestReversalKnownValues(t *testing.T) {
	for _, c := range []struct {
		q    float64
		z    int
		want float64
	}{{0.1, 1, 0.2}, {0.1, 6, 0.000591}, {0.3, 6, 0.15645}, {0.5, 100, 1}, {0, 1, 0}, {0.2, 0, 1}} {
		got, err := Reversal(c.q, c.z)
		if err != nil || math.Abs(got-c.want) > 1e-5 {
			t.Errorf("q = %g, z = %d: %v, want %v, %v", c.q, c.z, got, c.want, err)
		}
	}
	for _, bad := range []float64{-0.1, 1.1, math.NaN()} {
		if _, err := Reversal(bad, 6); err == nil {
			t.Errorf("share %v accepted", bad)
		}
	}
	if z, _ := Confirmations(0.1, 0.001); z != 6 {
		t.Errorf("%d confirmations", z)
	}
}

func TestReversalFallsWithDepthAndRisesWithShare(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		q, z := rapid.Float64Range(0.01, 0.48).Draw(t, "q"), rapid.IntRange(1, 60).Draw(t, "z")
		a, _ := Reversal(q, z)
		deeper, _ := Reversal(q, z+1)
		stronger, _ := Reversal(q+0.01, z)
		if a < 0 || a > 1 || deeper > a+1e-12 || stronger < a-1e-12 {
			t.Fatalf("%v, deeper %v, stronger %v", a, deeper, stronger)
		}
	})
}

func TestSupply(t *testing.T) {
	b := Schedules["bitcoin"]
	if s := b.Supply(517_983); s != 16_974_787.5 {
		t.Errorf("%v", s)
	}
	if s := b.Supply(1e9); math.Abs(s-21e6) > 1 {
		t.Errorf("%v", s)
	}
	if s := Schedules["litecoin"].Supply(1e10); math.Abs(s-84e6) > 1 {
		t.Errorf("%v", s)
	}
}

// Four cards, the same fields, every cell with source and date.
func TestCards(t *testing.T) {
	cards, err := Load(nil)
	if err != nil || len(cards) != 4 {
		t.Fatal(len(cards), err)
	}
	for _, c := range cards {
		for i, cell := range c.Cells {
			if cell.Field != cards[0].Cells[i].Field {
				t.Errorf("%s: field %d is %s", c.Name, i, cell.Field)
			}
		}
	}
	if _, err := Load([]byte(`{"systems":[{"name":"x","cells":[{"field":"a","value":"b"}]}]}`)); err == nil {
		t.Error("a cell without a source was accepted")
	}
	table, err := market.Parse("n.csv", []byte("date,PriceUSD,HashRate,IssTotNtv,FeeTotNtv\n2025-01-01,100000,800000000,450,10\n"), market.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	cards[0].FromNetwork(table, []usage.Energy{{Day: "2025-01-01", BestTWh: 150}}, usage.CBECI, "")
	cards[3].FromTenge(usage.System{Source: "node", To: "2025-01-01", Values: map[string]float64{"transactions": 5000}})
	var b strings.Builder
	Print(&b, words.English, cards, func(text string) string { return text })
	for _, want := range []string{"1916667 USD", "800 EH/s", "5000 a day", "not available"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
}
