package market_test

import (
	"fmt"

	"github.com/aqsha/aqsha/market"
)

// A file is read, checked and, only on request, repaired.
func Example() {
	file := "date,open,high,low,close,Volume BTC,Volume USD\n" +
		"2021-01-01,100,110,90,100,5,500\n" +
		"2021-01-02,100,120,95,110,770,7\n"
	table, err := market.Parse("day.csv", []byte(file), market.ReadOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, f := range market.Check(table) {
		fmt.Printf("line %d: %s: %s\n", f.FirstLine, f.Code, f.Repair)
	}
	fmt.Println(market.Repair(table, market.Check(table), "volume_swapped"), "repaired")
	// Output:
	// line 3: volume_swapped: swap volume_base and volume_quote
	// 1 repaired
}
