package past

import (
	"bytes"
	"encoding/json"
	"path/filepath"

	"github.com/aqsha/aqsha/farm/alert"
	"github.com/aqsha/aqsha/farm/simulate"
	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// raiser raises the alerts of the past as a watch would have, with the same detectors, so that the demo's
// alerts and its daily report stand on one state.
type raiser struct {
	lines     bytes.Buffer // of alerts.jsonl
	detectors []alert.Detector
	subjects  []alert.Subject
	changes   []alert.Change // of the round
	standing  alert.State
}

func newRaiser(units []*simulate.Unit) *raiser {
	r := &raiser{detectors: make([]alert.Detector, len(units)), subjects: make([]alert.Subject, len(units))}
	for i, u := range units {
		r.subjects[i] = alert.Subject{ID: u.Machine.ID, Place: u.Machine.Place.String()}
	}
	return r
}

// observe takes one poll of a machine.
func (r *raiser) observe(i int, o alert.Observation) {
	for _, c := range r.detectors[i].Observe(o) {
		c.Machine = i
		r.changes = append(r.changes, r.standing.End(c, r.subjects[i].ID))
	}
}

// notify writes down what a round of polls has changed.
func (r *raiser) notify() error {
	if len(r.changes) == 0 {
		return nil
	}
	encoder := json.NewEncoder(&r.lines)
	for _, n := range alert.Group(r.changes, r.subjects) {
		if err := encoder.Encode(n); err != nil {
			return err
		}
		r.standing.Take(n)
	}
	r.changes = r.changes[:0]
	return nil
}

// write stores what was told.
func (r *raiser) write(dir string) error {
	return durable.Create(vfs.OS, filepath.Join(dir, "alerts.jsonl"), r.lines.Bytes())
}
