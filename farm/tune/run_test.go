package tune_test

import (
	"context"
	"errors"
	"net/netip"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/farm/control"
	"github.com/aqsha/aqsha/farm/fleet"
	"github.com/aqsha/aqsha/farm/protocol"
	"github.com/aqsha/aqsha/farm/simulate"
	"github.com/aqsha/aqsha/farm/tune"
	"github.com/aqsha/aqsha/farm/usage"
)

// hall is simulated machines whose chips differ: the first draw a seventh less than their model, the last a third
// more. Their time runs 3,000 times as fast as ours.
type hall struct {
	units    []*simulate.Unit
	machines []*fleet.Machine
	control  *control.Controller
}

const machinesInHall = 14

func newHall(t *testing.T, first string) *hall {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("other systems have no loopback addresses beyond 127.0.0.1")
	}
	began := time.Now()
	h := &hall{units: simulate.Units(machinesInHall, 5, protocol.LuxOS, usage.At(began), nil)}
	for i, u := range h.units {
		u.Thirst = -0.15 + 0.50*float64(i)/(machinesInHall-1)
	}
	if err := simulate.Settle(h.units, netip.MustParseAddr(first)); err != nil {
		t.Fatal(err)
	}
	server := &simulate.Server{Units: h.units, Now: func() time.Time { return began.Add(3000 * time.Since(began)) }}
	if err := server.Listen(); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(ctx) })
	for _, u := range h.units {
		m := u.Machine
		h.machines = append(h.machines, &m)
	}
	audit, err := control.OpenAudit(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	h.control = &control.Controller{Allow: true, Who: "test", Audit: audit, StepKW: 20, Settle: time.Millisecond,
		Timeout: 10 * time.Second}
	t.Cleanup(func() {
		stop()
		serving.Wait()
		if err := audit.Close(); err != nil {
			t.Error(err)
		}
	})
	return h
}

// names of LuxOS's profiles that simulated machines have, and their parts of the nameplate's watts and rate.
var names = []string{"default", "445MHz", "290MHz"}

func (h *hall) runner(t *testing.T, bitcoin string) *tune.Runner {
	t.Helper()
	r := &tune.Runner{Control: h.control, Terms: terms(t, bitcoin, 2000), Held: 30, Seed: 3,
		Settle: 50 * time.Millisecond, Measure: 900 * time.Millisecond, Every: 9 * time.Millisecond}
	for _, name := range names {
		r.Profiles = append(r.Profiles, control.Order{Action: control.Profile, Profile: name})
	}
	return r
}

// truth is what an hour of a machine earns in each profile, by the physics of the simulated ones.
func truth(t *testing.T, terms tune.Terms, u *simulate.Unit) (net [3]farm.MicroTiyn) {
	t.Helper()
	for p, part := range [][2]float64{{1, 1}, {0.87, 0.80}, {0.73, 0.60}} {
		rate := float64(u.Model.RateGHs) * 1000 * u.Skill() * part[0]
		watts := float64(u.Model.Watts) * (0.02 + 0.98*part[1]) * (1 + u.Thirst)
		var err error
		if net[p], err = terms.Net(tune.Window{RateMHs: int64(rate), Watts: int64(watts)}); err != nil {
			t.Fatal(err)
		}
	}
	return net
}

// Each machine ends in the profile that its own chips make the best, the held ones stay as they were, and the gain that
// is shown is the true one.
func TestTuning(t *testing.T) {
	t.Parallel()
	h := newHall(t, "127.97.0.1")
	r := h.runner(t, "48000000")
	out, err := r.Run(t.Context(), h.machines)
	if err != nil {
		t.Fatal(err)
	}
	chosen, tuned := map[int]int{}, 0
	var gain farm.MicroTiyn
	for i, m := range out.Machines {
		u := h.units[i]
		mode, _, _, _ := u.Settings()
		if m.Problem != "" || m.Held && mode != 0 || !m.Held && mode != m.Best {
			t.Errorf("%+v runs in %d", m, mode)
		}
		if m.Held {
			continue
		}
		tuned++
		chosen[m.Best]++
		net := truth(t, r.Terms, u)
		best := max(net[0], net[1], net[2])
		gain += net[m.Best] - net[0]
		if lost := best - net[m.Best]; lost > best/10 {
			t.Errorf("%s (%+.2f) runs in %s, true is %v", m.Machine, u.Thirst, names[m.Best], net)
		}
	}
	gain /= farm.MicroTiyn(tuned)
	if len(chosen) < 2 || tuned != 9 || !out.Shown || out.Returned != 0 || out.Gain.Low > gain+gain/4 ||
		out.Gain.High < gain-gain/4 {
		t.Errorf("chosen %v of %d, gain %+v, true %d, returned %d", chosen, tuned, out.Gain, gain, out.Returned)
	}
}

// Where power costs next to nothing no profile beats the first: nothing is shown, and everybody is as before.
func TestNoGainIsShown(t *testing.T) {
	t.Parallel()
	h := newHall(t, "127.97.1.1")
	r := h.runner(t, "585000000")
	r.Profiles = r.Profiles[:2]
	h.units[2].Deaf = true
	out, err := r.Run(t.Context(), h.machines)
	if err != nil {
		t.Fatal(err)
	}
	for i, m := range out.Machines {
		mode, _, _, _ := h.units[i].Settings()
		if mode != 0 || m.Best != 0 || (m.Problem != "") != (i == 2 && !m.Held) {
			t.Errorf("%+v runs in %d", m, mode)
		}
	}
	if out.Shown {
		t.Errorf("%+v", out.Gain)
	}
}

// Who stops a run has the machines as they were.
func TestAStoppedRunGoesBack(t *testing.T) {
	t.Parallel()
	h := newHall(t, "127.97.2.1")
	r := h.runner(t, "58500000")
	r.Profiles = []control.Order{r.Profiles[0], r.Profiles[2]}
	ctx, stop := context.WithCancel(t.Context())
	in := func(mode int) (n int) {
		for _, u := range h.units {
			if is, _, _, _ := u.Settings(); is == mode {
				n++
			}
		}
		return n
	}
	var once sync.Once
	r.Query = func(context.Context, *fleet.Machine) (*protocol.Reading, error) {
		if changed := in(2); changed > 0 {
			once.Do(func() {
				if changed != 9 {
					t.Errorf("%d machines were told before they are measured", changed)
				}
				stop()
			})
		}
		return &protocol.Reading{RateMHs: 100_000_000, PowerWatts: 3000, TotalMH: protocol.Unknown}, nil
	}
	out, err := r.Run(ctx, h.machines)
	if !errors.Is(err, context.Canceled) || out.Shown || out.Returned != 9 || in(0) != machinesInHall {
		t.Errorf("%v, %+v, %d in the first profile", err, out, in(0))
	}
}

// What cannot be tried is refused before anybody is told.
func TestRunnersAreChecked(t *testing.T) {
	h := newHall(t, "127.97.3.1")
	for name, change := range map[string]func(r *tune.Runner, machines *[]*fleet.Machine){
		"control-off":         func(r *tune.Runner, _ *[]*fleet.Machine) { r.Control = &control.Controller{} },
		"farm-bad-order":      func(r *tune.Runner, _ *[]*fleet.Machine) { r.Profiles = r.Profiles[:1] },
		"tune-too-few":        func(_ *tune.Runner, m *[]*fleet.Machine) { *m = (*m)[:3] },
		"farm-out-of-range":   func(r *tune.Runner, _ *[]*fleet.Machine) { r.Held = 95 },
		"farm-unknown-action": func(r *tune.Runner, _ *[]*fleet.Machine) { r.Profiles[1].Action = "sing" },
	} {
		r, machines := h.runner(t, "58500000"), h.machines
		change(r, &machines)
		var refused *farm.Error
		if _, err := r.Run(t.Context(), machines); !errors.As(err, &refused) || refused.Code != name {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Machines whose firmware has no such profile are no part of the comparison, and nothing is sent to them.
func TestMachinesWithoutTheProfile(t *testing.T) {
	var machines []*fleet.Machine
	for i, d := range []protocol.Protocol{protocol.LuxOS, protocol.Cgminer, protocol.WhatsminerV2, protocol.LuxOS, protocol.AntminerNew} {
		machines = append(machines, &fleet.Machine{ID: string(rune('a' + i)), Protocol: d, Address: "127.0.0.1:1"})
	}
	profile := func(names ...string) (list []control.Order) {
		for _, name := range names {
			list = append(list, control.Order{Action: control.Profile, Profile: name})
		}
		return list
	}
	able, missing := tune.Able(machines, profile("normal", "low"))
	if len(able) != 4 || len(missing) != 1 || missing["b"].IsZero() {
		t.Errorf("%d able, %v", len(able), missing)
	}
	able, missing = tune.Able(machines, profile("default", "445MHz"))
	if len(able) != 2 || len(missing) != 3 || missing["c"].IsZero() || missing["e"].IsZero() {
		t.Errorf("%d able, %v", len(able), missing)
	}
	r := tune.Runner{Control: &control.Controller{Allow: true}, Profiles: profile("default", "445MHz"), Held: 20, Measure: 2, Every: 1}
	var refused *farm.Error
	if _, err := r.Run(t.Context(), machines); !errors.As(err, &refused) || refused.Code != "tune-too-few" {
		t.Error(err)
	}
}

// Where nothing could be measured there is no gain, not one of nothing.
func TestNothingMeasuredIsNoGain(t *testing.T) {
	t.Parallel()
	h := newHall(t, "127.97.4.1")
	r := h.runner(t, "48000000")
	r.Measure, r.Every = 40*time.Millisecond, 9*time.Millisecond
	r.Query = func(ctx context.Context, m *fleet.Machine) (*protocol.Reading, error) {
		reading, err := fleet.Poll(ctx, m)
		if err == nil {
			reading.PowerWatts = protocol.Unknown
		}
		return reading, err
	}
	out, err := r.Run(t.Context(), h.machines)
	var refused *farm.Error
	if !errors.As(err, &refused) || refused.Code != "tune-too-few" || out == nil || out.Gain != nil || out.Shown {
		t.Errorf("%+v, %v", out, err)
	}
}
