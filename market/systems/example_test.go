package systems_test

import (
	"fmt"

	"github.com/aqsha/aqsha/market/systems"
)

func Example() {
	p, err := systems.Reversal(0.1, 6)
	fmt.Printf("10 %% of the hash rate undoes six confirmations with probability %.3f %%, %v\n", 100*p, err)
	// Output: 10 % of the hash rate undoes six confirmations with probability 0.059 %, <nil>
}
