package fleet_test

import (
	"fmt"
	"testing"

	"github.com/aqsha/aqsha/farm/fleet"
	"github.com/aqsha/aqsha/farm/protocol"
)

// A machine is read in the protocol that it speaks, whatever an inventory guessed, and polled so from then on.
func TestDetect(t *testing.T) {
	units, o := serve(t)
	for i, u := range units {
		right := u.Machine.Protocol
		for _, wrong := range []protocol.Protocol{protocol.Cgminer, protocol.AntminerNew, protocol.WhatsminerV2} {
			m := u.Machine
			if m.Protocol, m.HTTPPort = wrong, o.HTTPPort; wrong == right || right.Framed() {
				continue // a framed one listens at a port of its own, which is no default here
			}
			found, r := fleet.Detect(t.Context(), &m)
			if r == nil || found.Protocol != right || !r.TellsRate() {
				t.Errorf("%s taken for %s: %+v, %+v", right, wrong, found, r)
				continue
			}
			m.SpeakAs(found)
			if r, err := fleet.Poll(t.Context(), &m); err != nil || !r.TellsRate() || m.Address != fmt.Sprintf("127.77.0.%d:%d", i+1, o.Port) {
				t.Errorf("%s at %s: %+v, %v", right, m.Address, r, err)
			}
		}
	}
	if m, r := fleet.Detect(t.Context(), &fleet.Machine{Protocol: protocol.Cgminer, Address: "127.77.0.14:1", HTTPPort: 1}); r != nil {
		t.Errorf("nobody: %+v, %+v", m, r)
	}
}
