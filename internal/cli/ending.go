package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/aqsha/aqsha/node"
)

// endsWithin is how long a node may take to end after it was told to. What was answered is durable by then, whatever
// hangs.
const endsWithin = 9 * time.Second

// ExitHung is the exit code of a node that did not end by itself.
const ExitHung = 70

// EndInTime has the process ended when ctx is over and a ledger that was opened is not closed soon after: a stage that
// hangs, or a disk that does not answer, must not keep an operator from starting it again. The function that it returns
// says that the ledger is closed.
func EndInTime(ctx context.Context, stderr io.Writer) (closed func()) {
	done := make(chan struct{})
	context.AfterFunc(ctx, func() {
		select {
		case <-done:
		case <-time.After(endsWithin):
			stacks := node.Stacks()
			fmt.Fprintf(stderr, "the ledger did not close within %s of being ended and is left as it is; all that was "+
				"answered is in its log, and the next start takes longer%s\n", endsWithin, stacks)
			os.Exit(ExitHung)
		}
	})
	return func() { close(done) }
}
