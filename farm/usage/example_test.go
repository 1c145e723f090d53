package usage_test

import (
	"fmt"

	"github.com/aqsha/aqsha/farm/usage"
)

// A machine of 95 TH/s with one of three boards dead, over a minute.
func Example() {
	before := usage.Poll{At: 0, Elapsed: 600, NameplateMHs: 95_000_000, TotalMH: 1_000_000, AcceptedMH: 1_000_000, Boards: 2, BoardsDue: 3, CapPermille: 1000, PoolAlive: true}
	after := before
	after.At, after.Elapsed = usage.Minute, 660
	after.TotalMH += 3_700_000_000
	after.AcceptedMH += 3_700_000_000
	var sum usage.Cell
	walker := usage.Walker{Emit: sum.Add}
	walker.Add(before)
	walker.Add(after)
	for _, cause := range []usage.Cause{usage.CauseBoards, usage.CauseSlow, usage.Accepted} {
		fmt.Println(cause, sum.Work[cause]/1_000_000_000_000, "TH")
	}
	// Output:
	// boards 1900 TH
	// slow 100 TH
	// accepted 3700 TH
}
