package simulate_test

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"github.com/aqsha/aqsha/farm/fleet"
	"github.com/aqsha/aqsha/farm/protocol"
	"github.com/aqsha/aqsha/farm/simulate"
	"github.com/aqsha/aqsha/farm/usage"
)

// A simulated machine that speaks over HTTP only is polled as a real one, and tells what it is; broken, it tells that.
func TestAWebMachineIsPolled(t *testing.T) {
	now := usage.At(time.Now())
	units := simulate.Units(3, 7, protocol.AxeOS, now, nil)
	units[1].Break(simulate.Fault{Kind: simulate.BoardDead, From: now - 1})
	units[2].Break(simulate.Fault{Kind: simulate.Garbage, From: now - 1})
	if err := simulate.Settle(units, netip.MustParseAddr("127.92.0.1")); err != nil {
		t.Fatal(err)
	}
	later := func() time.Time { return time.Now().Add(time.Minute) } // faults take time to show
	server := &simulate.Server{Units: units, Now: later}
	if err := server.Listen(); err != nil {
		t.Skip("this system has no such loopback address, or the port is taken: ", err)
	}
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- server.Serve(ctx) }()
	defer func() { stop(); <-served }()
	for i, u := range units {
		got, err := fleet.Poll(t.Context(), &u.Machine)
		if i == 2 {
			if err == nil {
				t.Errorf("nonsense was read as %+v", got)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		want, _ := u.Reading(usage.At(later()))
		if off := got.ElapsedSeconds - want.ElapsedSeconds; off > 0 || off < -60 || got.MAC != u.Machine.MAC ||
			got.PowerWatts < 0 || got.PowerWatts > 20 || got.ChipTemp != want.ChipTemp || got.IdealMHs != want.IdealMHs ||
			got.ActivePool().URL != u.Pool || got.ActivePool().User != u.User || (got.RateMHs > 0) != (i == 0) {
			t.Errorf("%d: got %+v\nwant %+v", i, got, want)
		}
	}
}
