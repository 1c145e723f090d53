package report

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/aqsha/aqsha/internal/chart"
	"github.com/aqsha/aqsha/market"
	"github.com/aqsha/aqsha/market/study"
)

// mild are prices of one constant variance, of which an EGARCH comes to no optimum.
func mild(t *testing.T, seed uint64) *market.Table {
	t.Helper()
	random := rand.New(rand.NewPCG(seed, 7))
	var b strings.Builder
	b.WriteString("date,close\n")
	price := 100.0
	for i := range 400 {
		price *= 1 + random.NormFloat64()/100
		fmt.Fprintf(&b, "%s,%.6f\n", day(i), price)
	}
	table, err := market.Parse("mild.csv", []byte(b.String()), market.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// A fit without an optimum is said in every language and form, and nothing that follows from it is shown.
func TestAReportSaysWhichFitDidNotConverge(t *testing.T) {
	var r *Report
	var fit study.Garch
	for seed := uint64(1); fit.Fit == nil; seed++ {
		if seed > 50 {
			t.Fatal("fifty mild series, and every fit of them converged")
		}
		var err error
		if r, err = Build(t.Context(), Options{Asset: "MILD", Input: study.Input{Table: mild(t, seed)}}, nil); err != nil {
			t.Fatal(err)
		}
		for _, g := range r.Fits {
			if !g.Fit.Convergence.Converged {
				fit = g
			}
		}
	}
	name := string(fit.Fit.Spec.Model) + "-" + string(fit.Fit.Spec.Law)
	for _, f := range r.Figures {
		if f.Key == name+": next volatility" && (f.Value != nil || f.Formula != unconverged) {
			t.Errorf("%+v", f)
		}
	}
	for _, lang := range []Language{English, Kazakh, Russian} {
		var page, text bytes.Buffer
		if err := r.HTML(&page, lang); err != nil {
			t.Fatal(err)
		}
		if err := r.Markdown(&text, lang); err != nil {
			t.Fatal(err)
		}
		w := r.writer(lang)
		for form, s := range map[string]string{"html": page.String(), "md": text.String()} {
			if !strings.Contains(s, w.word("fit without an optimum")) || !strings.Contains(s, w.word("not converged")) {
				t.Errorf("%s.%s says nothing of %s", form, lang, name)
			}
		}
	}
	for _, line := range r.impact(chart.Compact(false)).legend {
		if line == string(fit.Fit.Spec.Model) {
			t.Errorf("a news-impact curve of %s", name)
		}
	}
	// Earlier formats are derived as they were.
	r.Options.Input.Rules = 6
	if len(r.doubts(r.writer(English))) != 0 {
		t.Error("a report of format 6 has words of today")
	}
}

func day(i int) string { return time.Date(2022, 1, 1+i, 0, 0, 0, 0, time.UTC).Format(time.DateOnly) }
