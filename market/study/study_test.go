package study

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/market"
	"github.com/aqsha/aqsha/market/functions"
	"github.com/aqsha/aqsha/market/garch"
	"github.com/aqsha/aqsha/market/risks"
	"github.com/aqsha/aqsha/market/synthetic"
	"github.com/aqsha/aqsha/market/usage"
	"github.com/aqsha/aqsha/words"
)

func table(t testing.TB, name string) *market.Table {
	t.Helper()
	for _, f := range synthetic.Files() {
		if f.Name == name {
			table, err := market.Parse(f.Name, f.Data, market.ReadOptions{Origin: synthetic.Origin})
			if err != nil {
				t.Fatal(err)
			}
			return table
		}
	}
	t.Fatal("no such file ", name)
	return nil
}

func TestVolatilityUsesWhatTheFileHas(t *testing.T) {
	daily, err := StudyVolatility(Input{Table: table(t, "bitstamp_btcusd_d.csv"), From: "2021-01-01", To: "2021-12-31"})
	if err != nil || daily.Ranges == nil || daily.Ranges.N != 365 || daily.Origin.Annual != 365 || daily.HAR != nil {
		t.Errorf("%+v, %v", daily, err)
	}
	hourly, err := StudyVolatility(Input{Table: table(t, "bitstamp_btcusd_1h.csv")})
	if err != nil || len(hourly.HAR) != 2 || hourly.Origin.Annual != 8760 {
		t.Errorf("%+v, %v", hourly.Origin, err)
	}
	exchange, err := StudyVolatility(Input{Table: table(t, "sp500_close.csv")})
	if err != nil || exchange.Origin.Annual != 252 || exchange.Ranges != nil {
		t.Errorf("%+v, %v", exchange.Origin, err)
	}
	var b strings.Builder
	exchange.Print(&b, words.English)
	if !strings.Contains(b.String(), "annualised on 252") || !strings.Contains(b.String(), "not available") {
		t.Error(b.String())
	}
}

func TestGarchStudy(t *testing.T) {
	in := Input{Table: table(t, "cm_btc_daily.csv"), From: "2021-01-01", To: "2025-12-31"}
	g, err := StudyGarch(context.Background(), in, GarchOptions{Spec: garch.Spec{Law: garch.StudentT}, Days: 3,
		Paths: 500, Level: 0.9, Seed: 7})
	if err != nil || g.Forecast == nil || len(g.Forecast.Horizons) != 3 || g.Standardised.SignBias == nil {
		t.Fatalf("%+v, %v", g, err)
	}
	if *g.Raw.ArchLM5 == *g.Standardised.ArchLM5 || g.Standardised.Squares10.P < g.Raw.Squares10.P {
		t.Error("the model left the residuals as they were")
	}
	p, err := ParametersOf(in, g)
	if err != nil || p.Format != ParametersFormat || p.Values["nu"] != g.Fit.Value("nu") || p.LastDay != "2025-12-31" ||
		!(p.LastPrice > 0) {
		t.Errorf("%+v, %v", p, err)
	}
	data, err := json.Marshal(g)
	if err != nil || !strings.Contains(string(data), `"sha256"`) {
		t.Error(err)
	}
	like, err := StudyGarch(context.Background(), in, GarchOptions{Like: garch.Arch})
	if err != nil || like.Reported[0].Name != "mu" || like.Fit.Spec.Initial != garch.Backcast {
		t.Errorf("%+v, %v", like.Reported, err)
	}
}

func TestRiskStudy(t *testing.T) {
	in := Input{Table: table(t, "cm_btc_daily.csv"), From: "2025-01-01", To: "2025-12-31"}
	r, err := StudyRisk(context.Background(), in, 0.05, true, nil)
	if err != nil || len(r.League) != 8 || r.From != "2025-01-01" || r.League[0].Coverage.N != 365 {
		t.Errorf("%+v, %v", r, err)
	}
	in.Table, in.From = table(t, "cm_btc_daily.csv"), ""
	in.To = "2015-06-30"
	if _, err := StudyRisk(context.Background(), in, 0.05, true, nil); err == nil {
		t.Error("a back-test without a past was accepted")
	}
}

func TestHugeGapsAreWarnedOf(t *testing.T) {
	gap, err := market.Parse("g.csv",
		[]byte("date,close\n2020-01-01,5\n2020-01-02,6\n2020-01-03,5\n2021-01-03,9\n2021-01-04,8\n"),
		market.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	v, err := StudyVolatility(Input{Table: gap})
	if err != nil || len(v.Origin.Warnings) != 1 ||
		!strings.Contains(v.Origin.Describe(words.English), "to 2021-01-03, spans 8784h") {
		t.Errorf("%+v, %v", v.Origin, err)
	}
	if whole, err := StudyVolatility(Input{Table: table(t, "sp500_close.csv")}); err != nil ||
		whole.Origin.Warnings != nil {
		t.Errorf("weekends are no gap: %+v, %v", whole.Origin, err)
	}
}

// A day that is none is refused before anything is computed, and not compared as text.
func TestBadWindows(t *testing.T) {
	prices := table(t, "cm_btc_daily.csv")
	for _, w := range []struct{ from, to, field string }{
		{"2019-13-01", "", "from"}, {"2019-1-1", "", "from"}, {"20190101", "", "from"}, {"2019-02-31", "", "from"},
		{"2019-12-31x", "", "from"}, {"-5", "", "from"}, {"", "banana", "to"}, {"", "2019-12-32", "to"},
		{"2020-01-02", "2020-01-01", "to"},
	} {
		in := Input{Table: prices, From: w.from, To: w.to}
		for name, ask := range map[string]func() error{
			"volatility": func() error { _, err := StudyVolatility(in); return err },
			"risk":       func() error { _, err := StudyRisk(t.Context(), in, 0.05, false, nil); return err },
			"garch":      func() error { _, err := StudyGarch(t.Context(), in, GarchOptions{}); return err },
			"memory":     func() error { _, err := StudyMemory(t.Context(), in, nil); return err },
			"breaks":     func() error { _, err := StudyBreaks(t.Context(), in, BreaksOptions{}); return err },
			"liquidity":  func() error { _, err := StudyLiquidity(in); return err },
			"use":        func() error { _, err := usage.OfFolder(usage.Options{From: w.from, To: w.to}); return err },
			"functions": func() error {
				_, err := functions.OfFolder(functions.Options{From: w.from, To: w.to})
				return err
			},
			"risks": func() error { _, err := risks.OfFolder(risks.Options{From: w.from, To: w.to}); return err },
		} {
			var refused *market.Error
			if err := ask(); !errors.As(err, &refused) || refused.Code != "market-window" || refused.Field != w.field {
				t.Errorf("%s from %q to %q: %v", name, w.from, w.to, err)
			}
		}
	}
}

func TestBadInputs(t *testing.T) {
	var refused *market.Error
	for _, in := range []Input{
		{Table: table(t, "pools_monthly.csv")}, {Table: table(t, "cm_btc_daily.csv"), From: "2030-01-01"},
		{Table: table(t, "cm_btc_daily.csv"), Column: "hash_price"},
	} {
		if _, err := StudyVolatility(in); !errors.As(err, &refused) {
			t.Errorf("%+v: %v", in.Column, err)
		}
	}
	two, err := market.Parse("two.csv", []byte("date,close\n2020-01-01,5\n2020-01-02,6\n2020-01-03,6\n"),
		market.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	v, err := StudyVolatility(Input{Table: two})
	if err != nil || math.IsNaN(v.Estimates[0].Percent) {
		t.Errorf("%+v, %v", v, err)
	}
	if _, err := json.Marshal(v); err != nil {
		t.Error(err)
	}
}
