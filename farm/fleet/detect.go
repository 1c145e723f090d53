package fleet

import (
	"context"
	"net"

	"github.com/aqsha/aqsha/farm/protocol"
	"github.com/aqsha/aqsha/internal/fault"
)

// Detect finds out anew in which protocol the machine at a machine's address speaks: an inventory guesses it, and
// firmwares are changed. The reading is nil when nobody answers there, or nothing that tells a rate.
func Detect(ctx context.Context, m *Machine) (*Machine, *protocol.Reading) {
	host, text, err := net.SplitHostPort(m.Address)
	if err != nil {
		return nil, nil
	}
	port, err := net.LookupPort("tcp", text)
	if err != nil {
		return nil, nil
	}
	o := ScanOptions{HTTPPort: m.HTTPPort}
	switch {
	case m.Protocol.Framed():
		o.PortV3 = port
	case m.Protocol.HTTP() && m.Protocol != protocol.EPIC:
		o.HTTPPort = orDefault(m.HTTPPort, port)
	default:
		o.Port = port
	}
	found, reading := ReadAt(ctx, host, o)
	if reading == nil || !reading.TellsRate() {
		return nil, nil
	}
	if found.Machine.HTTPPort == 0 {
		found.Machine.HTTPPort = m.HTTPPort
	}
	return &found.Machine, reading
}

// SpeakAs takes over how a machine is asked.
func (m *Machine) SpeakAs(found *Machine) {
	m.Protocol, m.Address, m.HTTPPort, m.Single = found.Protocol, found.Address, found.HTTPPort, found.Single
	m.TLS, m.Certificate = found.TLS, found.Certificate
}

// misfit says whether the end of a poll leaves open that the machine speaks another protocol than is thought. An
// answer to a certificate that is not its own is none: nothing may lead from that to being asked in clear.
func misfit(reading *protocol.Reading, err error) bool {
	return err != nil && fault.Code(err) != "farm-certificate" || err == nil && !reading.TellsParts()
}

const (
	detectAfter  = 2   // polls in a row that do not fit
	detectRarely = 128 // and then after twice as many, at most so many: about once an hour
	detecting    = 16  // machines at a time
)

// detect asks a machine whose polls do not fit for its protocol, now and then: most of these are only away. said is
// what the poll told, if it did.
func (w *Watcher) detect(ctx context.Context, i int, m *Machine, said *protocol.Reading) (*protocol.Reading, error) {
	w.mu.Lock()
	s := &w.state[i]
	if s.misfits++; s.misfits < max(s.nextDetect, detectAfter) || w.detections >= detecting {
		w.mu.Unlock()
		return nil, nil
	}
	s.nextDetect = s.misfits + min(s.misfits, detectRarely)
	w.detections++
	w.mu.Unlock()
	ctx, stop := context.WithTimeout(ctx, min(w.Timeout, w.Interval-w.Timeout))
	defer stop()
	found, reading := w.Detect(ctx, m)
	w.mu.Lock()
	w.detections--
	w.mu.Unlock()
	if reading == nil || found.Protocol == m.Protocol && found.Address == m.Address {
		return nil, nil
	}
	if said != nil && said.TellsRate() && !reading.TellsParts() {
		return nil, nil // no better
	}
	if _, err := m.Confirm(reading.MAC, reading.Serial, reading.MinerID, reading.Model); err != nil {
		return nil, err
	}
	m.SpeakAs(found)
	return reading, nil
}
