package drill

import (
	"context"
	"time"
)

// Play founds a network, has clients pay, plays what befalls it, and counts. Clients pay for duration before and
// after, so that there is something to lose and to see come back. An error is a drill that could not be played, or a
// group that served nobody again; payments that were lost are in the outcome.
func Play(ctx context.Context, say func(format string, args ...any), name string, play func(g *Group) error,
	clients int, duration time.Duration) (result Outcome, err error) {
	d, err := New(ctx, say, Result{Clients: clients, Acknowledgement: true})
	if err != nil {
		return result, err
	}
	defer d.StopAll()
	d.Say("%s: making a network, a leader and two followers …", name)
	g, err := NewGroup(d, duration)
	if err != nil {
		return result, err
	}
	stop := g.StartPaying()
	g.Wait(duration)
	err = play(g)
	if err == nil {
		err = g.UntilServed()
	}
	g.Wait(duration)
	stop()
	if err != nil {
		return result, err
	}
	return g.Count()
}
