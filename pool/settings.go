package pool

import (
	"context"
	"maps"

	"github.com/aqsha/aqsha/pool/books"
)

// restoreSettings takes over what an earlier run kept of the workers.
func (p *Pool) restoreSettings(ctx context.Context) error {
	settings, err := p.accounts.books.Workers(ctx)
	if err != nil {
		return err
	}
	r := p.registry
	r.mu.Lock()
	defer r.mu.Unlock()
	r.settings = settings
	for name, w := range r.byName {
		w.take(settings[name])
	}
	return nil
}

// take makes kept settings a worker's own.
func (w *worker) take(s books.WorkerSetting) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.floor, w.last, w.kept = s.Floor, s.Last, s
}

// changed returns a worker's settings if they differ from what is kept: the wish in any way, what
// suits it by more than a step of vardiff's.
func (w *worker) changed() (s books.WorkerSetting, yes bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	s = books.WorkerSetting{Floor: w.floor, Last: w.last}
	moved := w.last > vardiffBand*w.kept.Last || w.last < w.kept.Last/vardiffBand
	return s, s.Floor != w.kept.Floor || moved
}

// keepSettings writes the settings that have changed. Only workers that have earned are kept, so
// that names alone cost nothing.
func (p *Pool) keepSettings(ctx context.Context) error {
	fresh := map[string]books.WorkerSetting{}
	workers := p.registry.all()
	for _, w := range workers {
		if s, yes := w.changed(); yes {
			fresh[w.fullName()] = s
		}
	}
	if len(fresh) == 0 {
		return nil
	}
	if err := p.accounts.books.KeepWorkers(ctx, fresh); err != nil {
		return err
	}
	for _, w := range workers {
		if s, yes := fresh[w.fullName()]; yes {
			w.mu.Lock()
			w.kept = s
			w.mu.Unlock()
		}
	}
	r := p.registry
	r.mu.Lock()
	defer r.mu.Unlock()
	maps.Copy(r.settings, fresh)
	return nil
}
