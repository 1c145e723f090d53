package cli

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/internal/errtext"
	"github.com/aqsha/aqsha/internal/terminal"
)

// When it is said that an answer is waited for: soon, for silence looks like a standstill, and then seldom. The second
// time comes when a cluster without a quorum knows that it has none.
const (
	waitingFirst = 2 * time.Second
	waitingNext  = 4 * time.Second
	waitingAgain = 10 * time.Second
	reasonWithin = time.Second // that a node has to say why it does not answer
)

// Waiting says to people, on stderr, that a node has not answered yet, since when, and why, as far as the node says
// (/readyz). It is for api.Client.WhileWaiting; of several requests that wait at once it speaks of one. Who asked for
// JSON hears nothing.
func Waiting(command *cobra.Command) func(base string) (answered func()) {
	if WantsJSON(command) {
		return func(string) func() { return func() {} }
	}
	return (&waiter{w: command.ErrOrStderr(), after: time.After, why: reasonOf}).wait
}

// reasonOf is why a node is not ready, as it says itself; empty where it is, or says nothing in time.
func reasonOf(ctx context.Context, base string) string {
	ctx, cancel := context.WithTimeout(ctx, reasonWithin)
	defer cancel()
	return terminal.Plain(api.NewClient(base, "").NotReady(ctx))
}

// waiter says on w, at first and then again and again, that a node has not answered yet. Of several requests at once
// it speaks of one.
type waiter struct {
	w     io.Writer
	after func(time.Duration) <-chan time.Time
	why   func(ctx context.Context, base string) string // it does not answer; empty where that is not known
	// over the writer: held by the request that is spoken of, so that others beside it say nothing
	mu sync.Mutex
}

// wait begins to wait for an answer; answered must be called, and returns only when nothing more will be written.
func (s *waiter) wait(base string) (answered func()) {
	if !s.mu.TryLock() {
		return func() {}
	}
	ctx, done := context.WithCancel(context.Background())
	said := make(chan struct{})
	go func() {
		defer close(said)
		next, waited := waitingFirst, waitingFirst
		for {
			select {
			case <-s.after(next):
			case <-ctx.Done():
				return
			}
			reason := s.why(ctx, base)
			if ctx.Err() != nil {
				return // the answer has come meanwhile
			}
			if reason != "" {
				reason = " (" + reason + ")"
			}
			fmt.Fprintf(s.w, "waiting for %s, %d s: no answer yet%s; Ctrl-C interrupts\n", errtext.Redact(base),
				waited/time.Second, reason)
			if next = waitingAgain; waited == waitingFirst {
				next = waitingNext
			}
			waited += next
		}
	}()
	return func() {
		done()
		<-said // nothing is said of it beside the answer
		s.mu.Unlock()
	}
}
