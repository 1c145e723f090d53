package records

import (
	"slices"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/farm/alert"
	"github.com/aqsha/aqsha/farm/notify"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// Held is an alert that holds, and who sees to it.
type Held struct {
	alert.Standing
	Acknowledged *notify.Acknowledgement `json:"acknowledged,omitempty"`
}

// WithAcknowledgements says of each alert who sees to it.
func WithAcknowledgements(standing []alert.Standing, acks []notify.Acknowledgement) []Held {
	listed := make([]Held, 0, len(standing))
	for _, s := range standing {
		one := Held{Standing: s}
		if i := slices.IndexFunc(acks, func(a notify.Acknowledgement) bool { return a.Of(s) }); i >= 0 {
			one.Acknowledged = &acks[i]
		}
		listed = append(listed, one)
	}
	return listed
}

// MaxNote bounds what somebody says of an alert, in bytes.
const MaxNote = 500

// Acknowledge writes down that somebody sees to the alerts of these kinds, or of all, that hold for a selection of
// machines and of which nobody has said so. It returns what was added.
func (b *Records) Acknowledge(said notify.Acknowledgement, selector string,
	kinds []string) ([]notify.Acknowledgement, error) {
	for _, k := range kinds {
		if !slices.Contains(alert.Kinds, alert.Kind(k)) {
			return nil, farm.Refuse("farm-unknown-kind", "kind", "%q is not one of %v", k, alert.Kinds)
		}
	}
	if len(said.Note) > MaxNote {
		return nil, farm.Refuse("farm-too-large", "note", "want at most %d bytes", MaxNote)
	}
	machines, err := b.Fleet.Select(selector)
	if err != nil {
		return nil, err
	}
	selected := map[string]bool{}
	for _, m := range machines {
		selected[m.ID] = true
	}
	standing, _, err := b.Standing()
	if err != nil {
		return nil, err
	}
	before, err := notify.ReadAcknowledgements(vfs.OS, b.Dir)
	if err != nil {
		return nil, err
	}
	acks, held := []notify.Acknowledgement{}, 0
	said.At = said.At.UTC()
	for _, s := range WithAcknowledgements(standing, before) {
		if !selected[s.Machine] || len(kinds) > 0 && !slices.Contains(kinds, string(s.Kind)) {
			continue
		}
		if held++; s.Acknowledged == nil {
			// With its beginning: it is this alert that somebody sees to, and not the next of its kind.
			said.Machine, said.Kind, said.Since = s.Machine, s.Kind, s.Since
			acks = append(acks, said)
		}
	}
	if held == 0 {
		return nil, farm.Refuse("no-alert", "selector", "no such alert holds for %s", selector)
	}
	return acks, notify.Acknowledge(vfs.OS, b.Dir, acks)
}
