package alert_test

import (
	"fmt"

	"github.com/aqsha/aqsha/farm/alert"
	"github.com/aqsha/aqsha/farm/usage"
)

func Example() {
	var d alert.Detector
	for i := range usage.Instant(3) {
		for _, change := range d.Observe(alert.Observation{At: i * 30 * usage.Second, Why: "connection refused"}) {
			fmt.Println(change.Kind, change.Raised, "at", change.At/usage.Second, "s:", change.Detail)
		}
	}
	// Output: offline true at 30 s: connection refused
}
