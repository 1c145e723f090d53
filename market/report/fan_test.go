package report

import (
	"bytes"
	"context"
	"errors"
	"math"
	"regexp"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/market"
	"github.com/aqsha/aqsha/market/garch"
	"github.com/aqsha/aqsha/market/study"
	"github.com/aqsha/aqsha/market/synthetic"
)

// TestFan: the quantiles widen and stand in order about the last price, in each
// language, with the same bytes each time; without a forecast there is no page.
func TestFan(t *testing.T) {
	t.Parallel()
	var in study.Input
	for _, f := range synthetic.Files() {
		if f.Name == "cm_btc_daily.csv" {
			table, err := market.Parse(f.Name, f.Data, market.ReadOptions{Origin: synthetic.Origin})
			if err != nil {
				t.Fatal(err)
			}
			in = study.Input{Table: table, From: "2023-01-01"}
		}
	}
	spec := garch.Spec{Law: garch.StudentT}
	g, err := study.StudyGarch(context.Background(), in, study.GarchOptions{Spec: spec, Days: 10, Paths: 2000, Level: 0.9, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	width := 0.0
	for _, h := range g.Forecast.Horizons {
		for i := 1; i < len(h.Fan); i++ {
			if h.Fan[i] < h.Fan[i-1] {
				t.Errorf("day %d: quantiles %v", h.Day, h.Fan)
			}
		}
		if math.Abs(h.Fan[0]-h.ReturnLow) > 1e-9 || h.Fan[3] != h.ReturnMedian || math.Abs(h.Fan[6]-h.ReturnHigh) > 1e-9 {
			t.Errorf("day %d: the fan %v, the interval %g to %g", h.Day, h.Fan, h.ReturnLow, h.ReturnHigh)
		}
		if w := h.Fan[6] - h.Fan[0]; w < 0.9*width {
			t.Errorf("day %d is narrower than the day before", h.Day)
		} else {
			width = w
		}
	}
	write := func(lang Language) string {
		var b bytes.Buffer
		if err := Fan(&b, in, g, lang); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	for lang, want := range map[Language]string{English: "Price and its forecast", Kazakh: "Баға және оның болжамы", Russian: "Цена и её прогноз"} {
		page := write(lang)
		if !strings.Contains(page, want) || strings.Count(page, `class="area"`) != 3 || regexp.MustCompile(`NaN|fan\.`).MatchString(page) || page != write(lang) {
			t.Errorf("%s: the page has not what it must", lang)
		}
	}
	g.Forecast = nil
	var e *market.Error
	if err := Fan(&bytes.Buffer{}, in, g, English); !errors.As(err, &e) || e.Field != "fan" {
		t.Errorf("without a forecast: %v", err)
	}
}
