package usage_test

import (
	"fmt"

	"github.com/aqsha/aqsha/market/usage"
)

func Example() {
	site, err := usage.Site([]usage.Machine{
		{Name: "slow", CalendarHours: 720, HoursFact: 720, NormTHs: 100, FactTHs: 90},
		{Name: "dead", CalendarHours: 720, NormTHs: 100},
	})
	fmt.Printf("K_ext %.2f, K_int %.2f, extensive reserve %.0f, intensive %.0f TH/s·h, %v\n", site.Ext, site.Int, site.Extensive, site.Intensive, err)
	// Output: K_ext 0.50, K_int 0.90, extensive reserve 72000, intensive 7200 TH/s·h, <nil>
}
