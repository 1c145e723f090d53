package simulate_test

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/aqsha/aqsha/farm/fleet"
	"github.com/aqsha/aqsha/farm/protocol"
	"github.com/aqsha/aqsha/farm/simulate"
	"github.com/aqsha/aqsha/farm/usage"
)

var dawn = usage.At(time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC))

// read asks a unit in its own words and reads the answer as a client does.
func read(t *testing.T, u *simulate.Unit, at usage.Instant) (*protocol.Reading, error) {
	t.Helper()
	var replies [][]byte
	for _, request := range u.Machine.Protocol.Polls() {
		replies = append(replies, u.Answer([]byte(request.Text), at))
	}
	return protocol.Read(u.Machine.Protocol, replies)
}

// sharesOnly are firmwares that do not tell the work that shares stand for.
var sharesOnly = []protocol.Protocol{protocol.WhatsminerV3, protocol.BraiinsREST, protocol.BraiinsGraphQL,
	protocol.Proto, protocol.EPIC}

// What a unit says in its firmware's words is what it is: every protocol carries the same truth as far as it goes.
func TestWordsCarryTheReading(t *testing.T) {
	for i, d := range append(slices.Clone(simulate.Spoken), simulate.Aside...) {
		u := simulate.NewUnit(i, 7, d, dawn)
		if d == protocol.AxeOS {
			continue // one board, and figures in whole numbers
		}
		u.Break(simulate.Fault{Kind: simulate.BoardDead, From: dawn + usage.Hour})
		for _, after := range []usage.Instant{usage.Minute, 2 * usage.Hour} {
			got, err := fleet.PollOver(t.Context(), simulate.Link{Unit: u, At: dawn + after},
				&fleet.Machine{Protocol: d})
			if err != nil {
				t.Fatalf("%s: %v", d, err)
			}
			want, ok := u.Reading(dawn + after)
			if !ok {
				t.Fatal("says nothing")
			}
			near := func(name string, got, want, tolerance int64) {
				t.Helper()
				if off := got - want; got != protocol.Unknown && (off > tolerance || -off > tolerance) {
					t.Errorf("%s: %s is %d, the unit's %d", d, name, got, want)
				}
			}
			near("elapsed", got.ElapsedSeconds, want.ElapsedSeconds, 0)
			near("rate", got.RateMHs, want.RateMHs, 10)
			near("total", got.TotalMH, want.TotalMH, 1+6*want.ElapsedSeconds) // an average with two decimals of GH/s
			near("accepted", got.AcceptedMH, want.AcceptedMH, 5000)
			near("rejected", got.RejectedMH, want.RejectedMH, 5000)
			near("live boards", int64(got.LiveBoards()), int64(want.LiveBoards()), 0)
			near("chip temperature", int64(got.ChipTemp), int64(want.ChipTemp), 0)
			near("watts", got.PowerWatts, want.PowerWatts, 40)
			if g, w := got.ActivePool(), want.ActivePool(); g.URL != w.URL || g.User != w.User || g.Alive != w.Alive || g.Active != w.Active {
				t.Errorf("%s: pool %+v, the unit's %+v", d, got.ActivePool(), want.ActivePool())
			}
			if !slices.Contains(sharesOnly, d) && got.AcceptedMH == protocol.Unknown {
				t.Errorf("%s: accepted work is not told", d)
			}
		}
	}
}

// The five-second rate of a 95 TH machine scatters by about 5 %, and its work by less over longer times.
func TestNoise(t *testing.T) {
	u := simulate.NewUnit(0, 3, protocol.AntminerNew, dawn)
	var sum, squares, work, workSquares float64
	last, _ := u.Reading(dawn)
	const n = 4000
	for i := range n {
		r, ok := u.Reading(dawn + usage.Instant(i+1)*30*usage.Second)
		if !ok {
			t.Fatal("silent")
		}
		rate, made := float64(r.RateMHs)/95e6, float64(r.TotalMH-last.TotalMH)/95e6/30
		sum, squares, work, workSquares, last = sum+rate, squares+rate*rate, work+made, workSquares+made*made, r
	}
	deviation := func(sum, squares float64) float64 { return math.Sqrt(squares/n - sum/n*sum/n) }
	if s := deviation(sum, squares); s < 0.045 || s > 0.055 {
		t.Errorf("the rate's deviation is %.4f, want 0.05", s)
	}
	if s := deviation(work, workSquares); s < 0.018 || s > 0.023 {
		t.Errorf("the deviation of half a minute's work is %.4f, want 0.0204", s)
	}
	if mean := work / n; mean < 0.99 || mean > 1.01 {
		t.Errorf("mean %.4f of the nameplate", mean)
	}
}

// Each fault shows where it should.
func TestFaults(t *testing.T) {
	at := dawn + 10*usage.Minute
	broken := func(kind simulate.Kind) (*protocol.Reading, *protocol.Reading, error) {
		u := simulate.NewUnit(0, 5, protocol.AntminerOld, dawn)
		before, _ := u.Reading(dawn + usage.Minute)
		u.Break(simulate.Fault{Kind: kind, From: dawn + 2*usage.Minute})
		after, err := read(t, u, at)
		return before, after, err
	}
	for _, kind := range []simulate.Kind{simulate.Offline, simulate.Silent, simulate.Garbage} {
		if _, _, err := broken(kind); err == nil {
			t.Errorf("%s: answers", kind)
		}
	}
	for kind, shows := range map[simulate.Kind]func(before, after *protocol.Reading) bool{
		simulate.Hung: func(b, a *protocol.Reading) bool {
			return a.ElapsedSeconds == b.ElapsedSeconds && a.TotalMH == b.TotalMH
		},
		simulate.BoardDead: func(b, a *protocol.Reading) bool { return a.LiveBoards() == b.LiveBoards()-1 },
		simulate.Hot:       func(b, a *protocol.Reading) bool { return a.ChipTemp >= 95 && a.RateMHs < b.RateMHs*8/10 },
		simulate.FanDead:   func(b, a *protocol.Reading) bool { return a.SlowestFan() == 0 && b.SlowestFan() > 0 },
		simulate.WrongPool: func(b, a *protocol.Reading) bool { return a.ActivePool().User == "stranger.x" },
		simulate.NoPool:    func(b, a *protocol.Reading) bool { return !a.Pools[0].Alive },
		simulate.Reboot:    func(b, a *protocol.Reading) bool { return a.ElapsedSeconds < 600 && a.TotalMH < b.TotalMH },
		simulate.Counters:  func(b, a *protocol.Reading) bool { return a.ElapsedSeconds < 600 && a.TotalMH > 3e15 },
		simulate.Rejects: func(b, a *protocol.Reading) bool {
			return float64(a.Rejected-b.Rejected) > 0.04*float64(a.Accepted-b.Accepted)
		},
		simulate.LowHash: func(b, a *protocol.Reading) bool {
			return float64(a.TotalMH-b.TotalMH) < 0.95*50e6*540
		},
		simulate.Theft: func(b, a *protocol.Reading) bool {
			return float64(a.AcceptedMH-b.AcceptedMH) < float64(a.TotalMH-b.TotalMH)
		},
	} {
		before, after, err := broken(kind)
		if err != nil || !shows(before, after) {
			t.Errorf("%s does not show: %v\nbefore %+v\nafter  %+v", kind, err, before, after)
		}
	}
}

// The same seed is the same life.
func TestSeedRepeats(t *testing.T) {
	a, b := simulate.NewUnit(4, 9, "", dawn), simulate.NewUnit(4, 9, "", dawn)
	for i := range usage.Instant(50) {
		ra, _ := a.Reading(dawn + i*usage.Minute)
		rb, _ := b.Reading(dawn + i*usage.Minute)
		if ra.TotalMH != rb.TotalMH || ra.RateMHs != rb.RateMHs || ra.AcceptedMH != rb.AcceptedMH {
			t.Fatalf("minute %d: %+v and %+v", i, ra, rb)
		}
	}
}

func TestParseOrder(t *testing.T) {
	for text, want := range map[string]simulate.Order{
		"board:3":           {Kind: simulate.BoardDead, Machines: 3},
		"offline:300@1h+5m": {Kind: simulate.Offline, Machines: 300, After: time.Hour, For: 5 * time.Minute},
		"hot:1@90s":         {Kind: simulate.Hot, Machines: 1, After: 90 * time.Second},
	} {
		if got, err := simulate.ParseOrder(text); err != nil || got != want {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
	for _, bad := range []string{"", "board", "board:", "board:0", "board:x", "tired:1", "board:1@", "board:1@-5m", "board:1@5m+", "board:1@5m+0s"} {
		if got, err := simulate.ParseOrder(bad); err == nil {
			t.Errorf("%q is %+v", bad, got)
		}
	}
}

func FuzzAnswer(f *testing.F) {
	for _, d := range simulate.Spoken {
		for _, request := range d.Polls() {
			f.Add([]byte(request.Text))
		}
	}
	f.Add([]byte(`{"command":"logon"}`))
	f.Add([]byte(`{"command":"curtail","parameter":"x,sleep"}`))
	lux, v3 := simulate.NewUnit(0, 1, protocol.LuxOS, dawn), simulate.NewUnit(0, 1, protocol.WhatsminerV3, dawn)
	f.Fuzz(func(t *testing.T, request []byte) {
		if len(request) > 4<<10 {
			return
		}
		for _, u := range []*simulate.Unit{lux, v3} {
			if reply := u.Answer(request, dawn); len(reply) == 0 || len(reply) > protocol.MaxReply {
				t.Fatalf("a reply of %d bytes", len(reply))
			}
		}
	})
}

// Machines of two runs are other machines when the second begins at another number.
func TestRunsOfOtherNumbers(t *testing.T) {
	names := map[string]bool{}
	for _, first := range []int{0, 7} {
		for _, u := range simulate.UnitsFrom(first, 7, 1, "", usage.At(time.Unix(0, 0)), nil) {
			for _, name := range []string{u.Machine.ID, u.Machine.MAC, u.Machine.Worker} {
				if names[name] {
					t.Errorf("%s is there twice", name)
				}
				names[name] = true
			}
		}
	}
}
