package study_test

import (
	"fmt"

	"github.com/aqsha/aqsha/market"
	"github.com/aqsha/aqsha/market/study"
)

func Example() {
	table, err := market.Parse("p.csv", []byte("date,close\n2021-01-01,100\n2021-01-02,110\n2021-01-03,99\n2021-01-04,105\n"), market.ReadOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	v, err := study.StudyVolatility(study.Input{Table: table})
	fmt.Printf("%s: %.0f percent a year, on %g days, %v\n", v.Estimates[0].Name, v.Estimates[0].Percent, v.Origin.Annual, err)
	// Output: realised, whole window: 204 percent a year, on 365 days, <nil>
}
