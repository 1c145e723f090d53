package risks_test

import (
	"fmt"

	"github.com/aqsha/aqsha/market/risks"
)

func Example() {
	events, err := risks.ParseEvents(nil)
	fmt.Println(events[len(events)-2].Name, err)
	// Output: FTX halts withdrawals <nil>
}
