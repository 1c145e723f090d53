package paper_test

import (
	"fmt"

	"github.com/aqsha/aqsha/market/paper"
)

func Example() {
	report, err := paper.Check("") // no data: the paper against itself, rules and dated facts
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, r := range report.Results {
		if r.ID == "russia_fourth" {
			fmt.Printf("%s: the paper says %.0f, the check %.0f: %s\n", r.Claim.Claim, r.Value, *r.Expected, r.Verdict)
		}
	}
	// Output: Russia's rank: the paper says 4, the check 3: wrong
}
