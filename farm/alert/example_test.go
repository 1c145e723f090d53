package alert_test

import (
	"fmt"

	"github.com/aqsha/aqsha/farm/alert"
	"github.com/aqsha/aqsha/farm/use"
)

func Example() {
	var d alert.Detector
	for i := range use.Instant(3) {
		for _, change := range d.Observe(alert.Observation{At: i * 30 * use.Second, Why: "connection refused"}) {
			fmt.Println(change.Kind, change.Raised, "at", change.At/use.Second, "s:", change.Detail)
		}
	}
	// Output: offline true at 30 s: connection refused
}
