package risk_test

import (
	"fmt"

	"github.com/aqsha/aqsha/market/risk"
)

func Example() {
	v, e := risk.NormalLaw(0.1, 3, 0.01) // mean and standard deviation of daily returns, percent
	fmt.Printf("VaR %.2f %%, ES %.2f %%\n", v, e)
	// Output: VaR 6.88 %, ES 7.90 %
}
