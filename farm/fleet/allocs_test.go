package fleet_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/aqsha/aqsha/farm/fleet"
	"github.com/aqsha/aqsha/farm/protocol"
	"github.com/aqsha/aqsha/farm/simulate"
	"github.com/aqsha/aqsha/farm/usage"
)

// canned answers as a machine did once.
type canned map[string][]byte

func (c canned) Command(_ context.Context, request string, _ bool) ([]byte, error) {
	if reply, known := c[request]; known {
		return reply, nil
	}
	return nil, fmt.Errorf("nobody has asked %s", request)
}

func (c canned) Web(ctx context.Context, _ protocol.Protocol, request string) ([]byte, error) {
	return c.Command(ctx, request, false)
}

// recorder keeps the answers of a simulated machine.
type recorder struct {
	simulate.Link
	kept canned
}

func (r recorder) Command(ctx context.Context, request string, framed bool) ([]byte, error) {
	reply, err := r.Link.Command(ctx, request, framed)
	if err == nil {
		r.kept[request] = append([]byte{}, reply...)
	}
	return reply, err
}

// onePoll is a poll of a simulated machine whose answers are there: gather, parse, read, observe.
func onePoll(t testing.TB, d protocol.Protocol) func() {
	t.Helper()
	u := simulate.NewUnit(1, 1, d, usage.At(time.Now())-usage.Hour)
	m := u.Machine
	kept := canned{}
	if _, err := fleet.PollOver(t.Context(), recorder{simulate.Link{Unit: u}, kept}, &m); err != nil {
		t.Fatal(err)
	}
	ctx, now, pools := t.Context(), time.Now(), []string{u.Pool + " simulated."}
	return func() {
		r, err := fleet.PollOver(ctx, kept, &m)
		if err != nil {
			t.Fatal(err)
		}
		m.Observe(r, now, pools)
	}
}

// maxAllocations of a poll, without the network. They are what the collector costs a watch of thousands: whoever adds
// to them sees it here.
var maxAllocations = map[protocol.Protocol]float64{protocol.AntminerNew: 20, protocol.AntminerOld: 21,
	protocol.WhatsminerV2: 43, protocol.LuxOS: 28, protocol.Braiins: 18, protocol.WhatsminerV3: 21,
	protocol.Cgminer: 15}

func TestAPollAllocatesLittle(t *testing.T) {
	if raceEnabled {
		t.Skip("under the race detector pools give away at random what they keep")
	}
	for _, d := range simulate.Spoken {
		got := testing.AllocsPerRun(200, onePoll(t, d))
		if got > maxAllocations[d] {
			t.Errorf("%s: %.0f allocations a poll, %.0f are allowed", d, got, maxAllocations[d])
		}
	}
}

func BenchmarkPoll(b *testing.B) {
	for _, d := range simulate.Spoken {
		b.Run(string(d), func(b *testing.B) {
			poll := onePoll(b, d)
			b.ReportAllocs()
			for b.Loop() {
				poll()
			}
		})
	}
}
