package speed_test

import (
	"context"
	"fmt"
	"time"

	"github.com/aqsha/aqsha/market/speed"
)

func Example() {
	began := time.Now()
	wall := func() time.Duration { return time.Since(began) } // a command uses CPU time
	r, err := speed.Measure(context.Background(), speed.Settings{Observations: 300, Windows: 10, WindowDays: 200, Repetitions: 1}, wall, nil)
	fmt.Println(r.Observations, r.Windows, r.Unconverged, err)
	// Output: 300 10 0 <nil>
}
