package records_test

import (
	"fmt"

	"github.com/aqsha/aqsha/farm/records"
)

func ExampleConfig_Month() {
	c, err := records.ReadConfig("no-such-folder") // every setting has a default
	if err != nil {
		panic(err)
	}
	from, to, err := c.Month("2026-10")
	fmt.Println(from.Time().Format("2006-01-02 15:04"), to.Time().Format("2006-01-02 15:04"), "UTC", err)
	// Output: 2026-09-30 19:00 2026-10-31 19:00 UTC <nil>
}
