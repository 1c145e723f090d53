package synthetic_test

import (
	"fmt"

	"github.com/aqsha/aqsha/market"
	"github.com/aqsha/aqsha/market/synthetic"
)

func Example() {
	for _, f := range synthetic.Files() {
		if f.Name != "cm_btc_daily.csv" {
			continue
		}
		table, err := market.Parse(f.Name, f.Data, market.ReadOptions{})
		fmt.Println(table.Provenance.Form, table.Rows(), table.Provenance.Origin, err)
	}
	// Output: coinmetrics 4052 synthetic: simulated by aqsha, not a market <nil>
}
