package verify_test

import (
	"context"
	"fmt"

	"github.com/aqsha/aqsha/market/verify"
)

func Example() {
	report, err := verify.Synthetic(context.Background(), func(string) {})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(report.Off, "figures off")
	// Output: 0 figures off
}
