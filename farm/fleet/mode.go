package fleet

import (
	"time"

	"github.com/aqsha/aqsha/farm/protocol"
)

// ModeCap is what a machine does in a mode that makes less on purpose ("low"), of which its firmware tells the name and
// no watts.
type ModeCap struct {
	mode     string
	since    time.Time // the first poll in the mode
	permille int64     // of the nameplate; 0: not measured yet
}

const (
	// modeSettles is how long a machine tunes itself to another mode.
	modeSettles = 20 * time.Minute
	// modeStep rounds what was measured up, so that its noise is not another limit; modeLeast is the least that a mode
	// leaves: what is below it is a fault.
	modeStep, modeLeast = 25, 400
)

// capOfMode is what the machine's mode leaves of the nameplate, in thousandths; 1000 where it is none that makes less.
// It is measured once when the mode has settled, by the machine's own watts, or by its rate where it tells none: a
// later fall is one below it. Until then it follows what the machine does.
func (m *Machine) capOfMode(r *protocol.Reading, at time.Time, rate, watts int64) int64 {
	if r.Sleeping { // it goes on in its mode when it is woken
		return 1000
	}
	if !r.Reduced() {
		m.Mode = nil
		return 1000
	}
	if m.Mode == nil || m.Mode.mode != r.Mode {
		m.Mode = &ModeCap{mode: r.Mode, since: at}
	}
	if m.Mode.permille > 0 {
		return m.Mode.permille
	}
	does := int64(0)
	switch {
	case r.RateMHs <= 0:
		return 1000 // it does not hash: there is nothing to measure
	case r.PowerWatts > 0 && watts > 0:
		does = r.PowerWatts * 1000 / watts
	case rate > 0:
		does = r.RateMHs * 1000 / rate
	}
	left := min(1000, max(modeLeast, (does+modeStep-1)/modeStep*modeStep))
	if at.Sub(m.Mode.since) >= modeSettles && r.ElapsedSeconds >= int64(modeSettles/time.Second) {
		m.Mode.permille = left
	}
	return left
}
