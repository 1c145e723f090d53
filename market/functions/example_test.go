package functions_test

import (
	"fmt"

	"github.com/aqsha/aqsha/market/functions"
)

func Example() {
	anchors, err := functions.ParseAnchors(functions.DefaultAnchors())
	if err != nil {
		fmt.Println(err)
		return
	}
	card := anchors.Score("steady", map[string]float64{"volatility of the basket's price": 3, "quarters beyond 3 %": 0.375}, nil)
	fmt.Printf("%s: %.0f\n", card.Functions[1].Function, *card.Functions[1].Score)
	// Output: unit of account: 75
}
