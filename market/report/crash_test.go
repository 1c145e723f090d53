package report

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/aqsha/aqsha/market"
	"github.com/aqsha/aqsha/market/study"
)

// crashed is a quiet price with a split of ratio for one between two days and a fall of 58 % on another; adjusted allows
// for the split.
func crashed(t testing.TB, ratio float64) *market.Table {
	t.Helper()
	var b strings.Builder
	b.WriteString("Date,Open,High,Low,Close,Adj Close,Volume\n")
	price, day := 100.0, time.Date(2023, 1, 2, 0, 0, 0, 0, time.UTC)
	for i := range 400 {
		before := price
		price *= 1 + 0.01*math.Sin(float64(i*i)) // no law of chance: the same on every machine
		if i == 300 {
			price *= 0.42
		}
		factor := ratio
		if i >= 150 {
			factor = 1
		}
		open := before * (1 + 0.001*math.Cos(float64(3*i)))
		high, low := math.Max(open, price)*1.002, math.Min(open, price)*0.998
		fmt.Fprintf(&b, "%s,%.6f,%.6f,%.6f,%.6f,%.6f,1000\n", day.Format("2006-01-02"), open*factor, high*factor, low*factor,
			price*factor, price)
		day = day.AddDate(0, 0, 1)
	}
	table, err := market.Parse("crashed.csv", []byte(b.String()), market.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// testdata/seal-5.json is what the program sealed that took an expansion which falls everywhere for a distribution,
// and bars as they were traded beside a close that was adjusted.
func TestACrashAndASplit(t *testing.T) {
	r, err := Build(context.Background(), Options{Asset: "TEST", Input: study.Input{Table: crashed(t, 4)}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, risk := range r.Risks {
		for _, m := range risk.Measures {
			if m.Method == "cornish-fisher" && (m.VaR != nil || m.ES != nil || m.Refused == "") {
				t.Errorf("p = %g: a fall of 58 %% makes a loss of %v", risk.P, m.VaR)
			}
			if m.VaR != nil && *m.VaR < 0 {
				t.Errorf("p = %g, %s: %v is no loss", risk.P, m.Method, *m.VaR)
			}
		}
	}
	// What was adjusted is what would have been without the split, bars included.
	whole, err := study.StudyVolatility(study.Input{Table: crashed(t, 1)})
	if err != nil {
		t.Fatal(err)
	}
	for i, e := range r.Volatility.Estimates {
		if want := whole.Estimates[i]; e.Name != want.Name || math.Abs(e.Percent/want.Percent-1) > 1e-6 {
			t.Errorf("%s: %.4f, without the split %.4f", e.Name, e.Percent, want.Percent)
		}
	}
	if whole.Ranges == nil {
		t.Error("no bars")
	}
	if runtime.GOARCH != "amd64" {
		t.Skip("another architecture rounds otherwise than the one that sealed")
	}
	entry, err := os.ReadFile("testdata/seal-5.json")
	if err != nil {
		t.Fatal(err)
	}
	var s Seal
	if err := json.Unmarshal(entry, &s); err != nil {
		t.Fatal(err)
	}
	open := func(string, market.ReadOptions) (*market.Table, error) { return crashed(t, 4), nil }
	if err := s.Rederive(context.Background(), open, nil); err != nil {
		t.Error(err)
	}
	s.Format = SealFormat
	if err := s.Rederive(context.Background(), open, nil); err == nil {
		t.Error("a hash over what was written then passes for one over today's")
	}
}
