package study

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/aqsha/aqsha/market"
	"github.com/aqsha/aqsha/market/stats"
	"github.com/aqsha/aqsha/words"
)

// A unit root is the verdict only where no test of it rejects, that with a trend too.
func TestVerdictOfContraryNulls(t *testing.T) {
	root := func(adf, level, trend, kpss float64) Root {
		r := Root{ADF: &stats.Test{P: adf}, KPSS: stats.Test{P: kpss}}
		r.PP.P, r.PPTrend.P = level, trend
		return r
	}
	for _, c := range []struct {
		root Root
		want string
	}{
		{root(0.5, 0.5, 0.5, 0.01), "unit root"},
		{root(0.5, 0.5, 0.034, 0.01), "undecided: the tests disagree"},
		{root(0.02, 0.5, 0.5, 0.01), "undecided: the tests disagree"},
		{root(0.01, 0.01, 0.01, 0.1), "stationary"},
		{root(0.5, 0.5, 0.5, 0.1), "undecided: the tests disagree"},
		{root(0.01, 0.01, 0.01, 0.01), "undecided: the tests disagree"},
	} {
		if got := c.root.verdict(); got != c.want {
			t.Errorf("%+v: %s, want %s", c.root, got, c.want)
		}
	}
}

// Of two whole years each has as many returns as days: the first uses the close of the year before, and a window's the
// close before the window.
func TestLiquidityCountsEveryReturn(t *testing.T) {
	in := Input{Table: table(t, "bitstamp_btcusd_d.csv"), From: "2020-01-01", To: "2021-12-31"}
	l, err := StudyLiquidity(in)
	if err != nil {
		t.Fatal(err)
	}
	if l.Whole.N != 731 || len(l.Years) != 2 || l.Years[0].N != 366 || l.Years[1].N != 365 || l.Origin.N != 731 {
		t.Errorf("%d returns, and %+v", l.Whole.N, l.Years)
	}
}

// Stretches are dated only where the test of bubbles rejects.
func TestBubblesAreDatedWhereTheyAreShown(t *testing.T) {
	shown, not := 0, 0
	for seed := uint64(1); not < 2 && seed < 30; seed++ {
		random := rand.New(rand.NewPCG(seed, 3))
		var b strings.Builder
		b.WriteString("date,close\n")
		price := 100.0
		for i := range 260 {
			price *= 1 + random.NormFloat64()/100
			fmt.Fprintf(&b, "%s,%.6f\n", day(i), price)
		}
		walk, err := market.Parse("walk.csv", []byte(b.String()), market.ReadOptions{})
		if err != nil {
			t.Fatal(err)
		}
		found, err := StudyBreaks(t.Context(), Input{Table: walk}, BreaksOptions{Regimes: 1, Paths: 99, Seed: 1})
		if err != nil {
			t.Fatal(err)
		}
		if found.Bubbles.GSADF > found.Bubbles.Critical {
			shown++
			continue
		}
		not++
		if len(found.Bubbles.From)+len(found.Bubbles.Episodes) > 0 {
			t.Errorf("seed %d: %v, where GSADF %.3f does not reach %.3f", seed, found.Bubbles.From, found.Bubbles.GSADF,
				found.Bubbles.Critical)
		}
		var text bytes.Buffer
		if found.Print(&text, words.English); !strings.Contains(text.String(), "no stretches are dated") {
			t.Errorf("seed %d: %s", seed, text.String())
		}
	}
	if not < 2 {
		t.Errorf("%d walks of %d with bubbles", shown, shown+not)
	}
}

// A quantile beyond all that was seen is said to be no measurement.
func TestValueAtRiskOfTooFewReturns(t *testing.T) {
	few := Input{Table: table(t, "cm_btc_daily.csv"), From: "2021-01-01", To: "2021-02-28"}
	for p, want := range map[float64]bool{0.01: true, 0.05: false} {
		r, err := StudyRisk(t.Context(), few, p, false, nil)
		if err != nil {
			t.Fatal(err)
		}
		if said := strings.Contains(r.Origin.Describe(words.English), "no measurement"); said != want {
			t.Errorf("p = %g of %d returns: %t", p, r.Origin.N, said)
		}
	}
}

func day(i int) string { return time.Date(2022, 1, 1+i, 0, 0, 0, 0, time.UTC).Format(time.DateOnly) }
