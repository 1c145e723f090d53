package monitor

import (
	"slices"

	"github.com/aqsha/aqsha/farm/alert"
	"github.com/aqsha/aqsha/farm/records"
	"github.com/aqsha/aqsha/farm/usage"
)

// stand follows a notice that is written down.
func (d *Monitor) stand(n alert.Notice) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.standing.Take(n)
}

// Dir is the farm's folder.
func (d *Monitor) Dir() string { return d.records.Dir }

// Config are the settings that the farm is watched by.
func (d *Monitor) Config() records.Config { return d.records.Config }

// Views are the machines that are watched, as they are now, in the order of their identities.
func (d *Monitor) Views() []records.View {
	d.mu.Lock()
	defer d.mu.Unlock()
	views := make([]records.View, len(d.watcher.Machines))
	d.watcher.Locked(func() {
		for i, m := range d.watcher.Machines {
			views[i] = records.View{Machine: *m, Poll: d.latest[i], Answered: d.answered[i]}
			views[i].Machine.Pools, views[i].Machine.Mode = nil, nil // the observer's own
		}
	})
	records.Distribute(views, d.standing.Standing())
	return views
}

// Polls are a machine's polls in [from, to), in order; none of a machine that is not watched.
func (d *Monitor) Polls(machine string, from, to usage.Instant) ([]usage.Poll, error) {
	d.mu.Lock()
	at := slices.IndexFunc(d.subjects, func(s alert.Subject) bool { return s.ID == machine })
	if at < 0 {
		d.mu.Unlock()
		return nil, nil
	}
	number := d.numbers[at]
	d.mu.Unlock()
	return d.records.Store.Polls(number, from, to)
}
