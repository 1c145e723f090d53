package garch_test

import (
	"context"
	"fmt"

	"github.com/aqsha/aqsha/market/garch"
)

func Example() {
	returns, err := garch.Simulate(garch.Spec{Mean: garch.Zero}, []float64{0.2, 0.1, 0.85}, 2000, 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	fit, err := garch.Estimate(context.Background(), returns, garch.Spec{Mean: garch.Zero})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%d starts, start %d won, converged %v, stationary %v\n", len(fit.Convergence.Starts), fit.Convergence.Won, fit.Convergence.Converged, fit.Stationary)
	// Output: 3 starts, start 1 won, converged true, stationary true
}
