package use_test

import (
	"fmt"

	"github.com/aqsha/aqsha/farm/use"
)

// A machine of 95 TH/s with one of three boards dead, over a minute.
func Example() {
	before := use.Poll{At: 0, Elapsed: 600, NameplateMHs: 95_000_000, TotalMH: 1_000_000, AcceptedMH: 1_000_000, Boards: 2, BoardsDue: 3, CapPermille: 1000, PoolAlive: true}
	after := before
	after.At, after.Elapsed = use.Minute, 660
	after.TotalMH += 3_700_000_000
	after.AcceptedMH += 3_700_000_000
	var sum use.Cell
	walker := use.Walker{Emit: sum.Add}
	walker.Add(before)
	walker.Add(after)
	for _, cause := range []use.Cause{use.CauseBoards, use.CauseSlow, use.Accepted} {
		fmt.Println(cause, sum.Work[cause]/1_000_000_000_000, "TH")
	}
	// Output:
	// boards 1900 TH
	// slow 100 TH
	// accepted 3700 TH
}
