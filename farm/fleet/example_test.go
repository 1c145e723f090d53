package fleet_test

import (
	"fmt"
	"strings"

	"github.com/aqsha/aqsha/farm/fleet"
)

func ExampleReadCSV() {
	machines, ignored, err := fleet.ReadCSV(strings.NewReader("ip_address,mac,model,rack,owner\n10.0.0.31,C6:08:29:00:44:11,Whatsminer M30S++,r2,Aliya\n"), "ekibastuz")
	m := machines[0]
	rate, watts, _ := m.Nameplate()
	fmt.Println(m.ID, m.Place, rate/1_000_000, "TH/s", watts, "W; ignored:", ignored, err)
	// Output: c6:08:29:00:44:11 ekibastuz//r2 112 TH/s 3472 W; ignored: [owner] <nil>
}
