package study

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/aqsha/aqsha/market"
)

// One outlier in a quiet series lets only one regime be fitted: that is the answer, not a reason to give none.
func TestOneRegimeWhereMoreCannotBe(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString("date,close\n")
	const rows = 1200
	at, price := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), 100.0
	for i := range rows {
		if price *= 1 + 0.01*math.Sin(float64(i*i)); i == 900 {
			price *= 0.42
		}
		fmt.Fprintf(&b, "%s,%.6f\n", at.AddDate(0, 0, i).Format("2006-01-02"), price)
	}
	table, err := market.Parse("spike.csv", []byte(b.String()), market.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	found, err := StudyBreaks(context.Background(), Input{Table: table}, BreaksOptions{Paths: 99})
	if err != nil {
		t.Fatal(err)
	}
	for i, lasts := range found.Regimes.Durations {
		if lasts > rows {
			t.Errorf("regime %d lasts %v of %d observations", i+1, lasts, rows)
		}
	}
}
