package tune

import (
	"context"
	"sync"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/farm/protocol"
)

// meter collects a machine's polls of a window.
type meter struct {
	first, last *protocol.Reading
	polls       int64
	rate, watts int64 // sums
	watted      int64 // polls that told watts
	restarted   bool
}

func (m *meter) add(r *protocol.Reading) {
	if m.last != nil && r.ElapsedSeconds != protocol.Unknown && r.ElapsedSeconds < m.last.ElapsedSeconds {
		m.restarted = true
	}
	if m.first == nil {
		m.first = r
	}
	m.last = r
	m.polls++
	m.rate += max(0, r.RateMHs)
	if r.PowerWatts > 0 {
		m.watted++
		m.watts += r.PowerWatts
	}
}

// leastCounted is from how many seconds on a machine's counter of hashes says its rate better than its polls.
const leastCounted = 60

// window is what they come to, or why they come to nothing.
func (m *meter) window() (w Window, problem farm.Finding) {
	switch {
	case m.polls < 2:
		return w, farm.Found("not-heard")
	case m.restarted:
		return w, farm.Found("restarted")
	case m.watted < m.polls:
		return w, farm.Found("no-watts")
	}
	w = Window{RateMHs: m.rate / m.polls, Watts: m.watts / m.watted}
	hashed, seconds := m.last.TotalMH-m.first.TotalMH, m.last.ElapsedSeconds-m.first.ElapsedSeconds
	if m.first.TotalMH != protocol.Unknown && m.last.TotalMH != protocol.Unknown && hashed > 0 &&
		seconds >= leastCounted {
		w.RateMHs = hashed / seconds
	}
	if !w.Measured() {
		return w, farm.Found("not-hashing")
	}
	return w, farm.Finding{}
}

// atOnce is how many machines are asked at a time.
const atOnce = 256

// poll asks every machine that is still in it once.
func (r *Runner) poll(ctx context.Context, out *Result, meters []meter) {
	slots := make(chan struct{}, atOnce)
	var asked sync.WaitGroup
	for i := range out.Machines {
		if out.Machines[i].Problem != "" {
			continue
		}
		slots <- struct{}{}
		asked.Go(func() {
			defer func() { <-slots }()
			within, stop := context.WithTimeout(ctx, r.Control.Timeout)
			defer stop()
			m := *out.Machines[i].machine
			if reading, err := r.Query(within, &m); err == nil {
				meters[i].add(reading)
			}
		})
	}
	asked.Wait()
}
