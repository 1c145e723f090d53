package cli

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/internal/errtext"
)

// When it is said that an answer is waited for: soon, for silence looks like a standstill, and then seldom.
const (
	waitingFirst = 2 * time.Second
	waitingAgain = 10 * time.Second
)

// Waiting says to people, on stderr, that a node has not answered yet and since when. It is for
// api.Client.WhileWaiting; of several requests that wait at once it speaks of one. Who asked for JSON hears nothing.
func Waiting(command *cobra.Command) func(base string) (answered func()) {
	if WantsJSON(command) {
		return func(string) func() { return func() {} }
	}
	return (&waiter{w: command.ErrOrStderr(), after: time.After}).wait
}

// waiter says on w, at first and then again and again, that a node has not answered yet. Of several requests at once
// it speaks of one.
type waiter struct {
	w     io.Writer
	after func(time.Duration) <-chan time.Time
	mu    sync.Mutex // over the writer: held by the request that is spoken of, so that others beside it say nothing
}

// wait begins to wait for an answer; answered must be called, and returns only when nothing more will be written.
func (s *waiter) wait(base string) (answered func()) {
	if !s.mu.TryLock() {
		return func() {}
	}
	done, said := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(said)
		waited := waitingFirst
		for next := waitingFirst; ; next, waited = waitingAgain, waited+waitingAgain {
			select {
			case <-s.after(next):
				fmt.Fprintf(s.w, "waiting for %s, %d s: no answer yet; Ctrl-C interrupts\n",
					errtext.Redact(base), waited/time.Second)
			case <-done:
				return
			}
		}
	}()
	return func() {
		close(done)
		<-said // nothing is said of it beside the answer
		s.mu.Unlock()
	}
}
