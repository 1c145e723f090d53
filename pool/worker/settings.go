package worker

import (
	"context"
	"maps"

	"github.com/aqsha/aqsha/pool/books"
)

// settingsBand is by how much a worker's difficulty must have moved to be written anew: a step of vardiff's.
const settingsBand = 2.0

// RestoreSettings takes over what an earlier run kept of the workers.
func (r *Registry) RestoreSettings(settings map[string]books.WorkerSetting) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.settings = settings
	for name, w := range r.byName {
		w.take(settings[name])
	}
}

// take makes kept settings a worker's own.
func (w *Worker) take(s books.WorkerSetting) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.floor, w.last, w.kept = s.Floor, s.Last, s
}

// changed returns a worker's settings if they differ from what is kept: the wish in any way, what
// suits it by more than a step of vardiff's.
func (w *Worker) changed() (s books.WorkerSetting, yes bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	s = books.WorkerSetting{Floor: w.floor, Last: w.last}
	moved := w.last > settingsBand*w.kept.Last || w.last < w.kept.Last/settingsBand
	return s, s.Floor != w.kept.Floor || moved
}

// KeepSettings writes the settings that have changed. Only workers that have earned are kept, so
// that names alone cost nothing.
func (r *Registry) KeepSettings(ctx context.Context,
	keep func(context.Context, map[string]books.WorkerSetting) error) error {
	fresh := map[string]books.WorkerSetting{}
	workers := r.All()
	for _, w := range workers {
		if s, yes := w.changed(); yes {
			fresh[w.FullName()] = s
		}
	}
	if len(fresh) == 0 {
		return nil
	}
	if err := keep(ctx, fresh); err != nil {
		return err
	}
	for _, w := range workers {
		if s, yes := fresh[w.FullName()]; yes {
			w.mu.Lock()
			w.kept = s
			w.mu.Unlock()
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	maps.Copy(r.settings, fresh)
	return nil
}
