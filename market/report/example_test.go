package report_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"

	"github.com/aqsha/aqsha/market"
	"github.com/aqsha/aqsha/market/report"
	"github.com/aqsha/aqsha/market/study"
	"github.com/aqsha/aqsha/market/synthetic"
)

func Example() {
	var prices *market.Table
	for _, f := range synthetic.Files() {
		if f.Name == "cm_btc_daily.csv" {
			prices, _ = market.Parse(f.Name, f.Data, market.ReadOptions{Origin: synthetic.Origin})
		}
	}
	r, err := report.Build(context.Background(), report.Options{Asset: "BTC", From: "2025-01-01", To: "2025-12-31", Input: study.Input{Table: prices}}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	var page bytes.Buffer
	fmt.Println(r.HTML(&page, report.Kazakh), strings.Contains(page.String(), "Нарық есебі: BTC"))
	// Output: <nil> true
}
