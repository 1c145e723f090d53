package alert_test

import (
	"encoding/json"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aqsha/aqsha/farm/alert"
	"github.com/aqsha/aqsha/farm/fleet"
	"github.com/aqsha/aqsha/farm/protocol"
	"github.com/aqsha/aqsha/farm/simulate"
	"github.com/aqsha/aqsha/farm/usage"
)

var dawn = usage.At(time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC))

const interval = 30 * usage.Second

// watched is a simulated machine under a detector.
type watched struct {
	unit     *simulate.Unit
	detector alert.Detector
	pools    []string
}

func newWatched(unit *simulate.Unit) *watched {
	return &watched{unit: unit, pools: []string{unit.Pool + " simulated."}}
}

// poll lets the detector see the machine at an instant.
func (w *watched) poll(at usage.Instant) []alert.Change {
	reading, ok := w.unit.Reading(at)
	return w.see(at, reading, ok)
}

// see lets the detector see what was read of the machine.
func (w *watched) see(at usage.Instant, reading *protocol.Reading, ok bool) []alert.Change {
	o := alert.Observation{At: at, Answered: ok, Why: "no answer"}
	if w.unit.Has(simulate.Garbage, at) {
		o.Garbled = true
	}
	if ok {
		o.Poll = w.unit.Machine.Observe(reading, at.Time(), w.pools)
		o.Accepted, o.Rejected, o.HotLimit = reading.Accepted, reading.Rejected, w.unit.Machine.Catalogue().HeatLimit
	}
	return w.detector.Observe(o)
}

// campaign is how many machines the long runs have; DETECTION_MACHINES asks for more.
func campaign(t *testing.T, few int) int {
	t.Helper()
	if n, err := strconv.Atoi(os.Getenv("DETECTION_MACHINES")); err == nil && n > 0 {
		return n
	}
	return few
}

// Clean machines, watched for 100 hours, raise nothing at all.
func TestCleanHoursRaiseNothing(t *testing.T) {
	machines := campaign(t, 7)
	for i := range machines {
		w := newWatched(simulate.NewUnit(i, 11, "", dawn))
		for at := dawn + interval; at <= dawn+100*usage.Hour; at += interval {
			if changes := w.poll(at); len(changes) > 0 {
				t.Errorf("machine %d (%s), after %.1f h: %+v", i, w.unit.Machine.Protocol, float64(at-dawn)/float64(usage.Hour), changes)
			}
		}
	}
	t.Logf("%d machines, %.0f machine-days, no alarm", machines, float64(machines)*100/24)
}

// Clean machines that are asked and understood in the words of each firmware raise nothing either: twelve hours of each, and
// in the long run as many machines as it has, a hundred hours each.
func TestCleanHoursInEveryDialect(t *testing.T) {
	spoken := append(slices.Clone(simulate.Spoken), simulate.Aside...)
	machines := campaign(t, len(spoken))
	hours := usage.Instant(12)
	if machines > len(spoken) {
		hours = 100
	}
	for i := range machines {
		w := newWatched(simulate.NewUnit(i, 31, spoken[i%len(spoken)], dawn))
		for at := dawn + interval; at <= dawn+hours*usage.Hour; at += interval {
			reading, err := fleet.PollOver(t.Context(), simulate.Link{Unit: w.unit, At: at}, &w.unit.Machine)
			if err != nil {
				t.Fatalf("machine %d (%s): %v", i, w.unit.Machine.Protocol, err)
			}
			if changes := w.see(at, reading, true); len(changes) > 0 {
				t.Errorf("machine %d (%s), after %.1f h: %+v", i, w.unit.Machine.Protocol, float64(at-dawn)/float64(usage.Hour), changes)
			}
		}
	}
	t.Logf("%d machines in the words of %d firmwares, %.1f machine-days, no alarm", machines, len(spoken),
		float64(machines)*float64(hours)/24)
}

// Faults that a poll shows are raised by the second poll after they begin; random ones within their
// stated delay. Nothing else is raised beside them, and what ends is cleared.
func TestDetection(t *testing.T) {
	stated := map[simulate.Kind]struct {
		kind  alert.Kind
		polls int // by which 95 % are found
	}{
		simulate.Offline: {alert.Offline, 2}, simulate.Silent: {alert.Offline, 2}, simulate.Hung: {alert.Hung, 2}, simulate.Garbage: {alert.Hung, 2}, simulate.BoardDead: {alert.Board, 2},
		simulate.FanDead: {alert.Fan, 2}, simulate.WrongPool: {alert.Pool, 2}, simulate.NoPool: {alert.NoPool, 2},
		simulate.LowHash: {alert.LowHash, 16}, simulate.Rejects: {alert.Rejects, 60}, simulate.Theft: {alert.Delivery, 900},
	}
	runs := campaign(t, 14)
	for _, fault := range slices.Sorted(maps.Keys(stated)) {
		want := stated[fault]
		var delays []int
		tried, false1, uncleared := 0, 0, 0
		for i := range runs {
			unit := simulate.NewUnit(i, 23, "", dawn)
			if unit.Machine.Protocol == protocol.WhatsminerV3 && (fault == simulate.Rejects || fault == simulate.Theft) {
				continue // it tells no shares
			}
			tried++
			w := newWatched(unit)
			begin := dawn + 7*usage.Hour + usage.Instant(i)*7
			end := begin + 8*usage.Hour
			unit.Break(simulate.Fault{Kind: fault, From: begin, To: end})
			raised, polls, on := -1, 0, false
			for at := dawn + interval; at <= end+6*usage.Hour; at += interval {
				if at >= begin {
					polls++
				}
				for _, c := range w.poll(at) {
					switch {
					case c.Kind == want.kind && c.Raised && at >= begin && at < end:
						if raised < 0 {
							raised = polls
						}
						on = true
					case c.Kind == want.kind && !c.Raised:
						on = false
					default:
						false1++
						t.Logf("%s of machine %d: also %+v", fault, i, c)
					}
				}
			}
			if raised >= 0 {
				delays = append(delays, raised)
			}
			if on {
				uncleared++
			}
		}
		slices.Sort(delays)
		if len(delays) < tried || false1 > 0 || uncleared > 0 {
			t.Errorf("%s: %d of %d found, %d other alarms, %d not cleared", fault, len(delays), tried, false1, uncleared)
			continue
		}
		sum := 0
		for _, d := range delays {
			sum += d
		}
		late := delays[(len(delays)*95+99)/100-1]
		if late > want.polls {
			t.Errorf("%s: 95 %% are found by poll %d, stated is %d", fault, late, want.polls)
		}
		t.Logf("%-10s found by poll %.1f on average, %d at the worst", fault, float64(sum)/float64(len(delays)), delays[len(delays)-1])
	}
}

// Heat takes its time; the alert comes by the second poll after the limit is passed.
func TestHot(t *testing.T) {
	w := newWatched(simulate.NewUnit(0, 3, "", dawn))
	w.unit.Break(simulate.Fault{Kind: simulate.Hot, From: dawn + usage.Hour, To: dawn + 2*usage.Hour})
	limit, over, raised, cleared := int(w.unit.Machine.Catalogue().HeatLimit), usage.Instant(0), usage.Instant(0), usage.Instant(0)
	for at := dawn + interval; at < dawn+3*usage.Hour; at += interval {
		for _, c := range w.poll(at) {
			if c.Kind != alert.Hot {
				t.Errorf("also %+v", c)
			} else if c.Raised {
				raised = at
			} else {
				cleared = at
			}
		}
		if r, ok := w.unit.Reading(at); ok && r.ChipTemp >= limit && over == 0 {
			over = at
		}
	}
	if over == 0 || raised-over > interval || cleared < dawn+2*usage.Hour {
		t.Errorf("over the limit at %d, raised at %d, cleared at %d", over-dawn, raised-dawn, cleared-dawn)
	}
}

// A machine that was told to sleep raises nothing, in every dialect that is simulated and tells it.
func TestSleepersRaiseNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slept := 0
		for _, d := range simulate.Spoken {
			begun := usage.At(time.Now())
			unit := simulate.NewUnit(0, 5, d, begun)
			w, m := newWatched(unit), unit.Machine
			for at := begun; at <= begun+4*usage.Hour; at = usage.At(time.Now()) {
				time.Sleep(30 * time.Second)
				if since := at - begun; since < 10*usage.Minute {
					continue // it starts
				} else {
					unit.Sleep(since > usage.Hour && since < 3*usage.Hour)
				}
				r, err := fleet.PollOver(t.Context(), simulate.Link{Unit: unit}, &m)
				if err != nil {
					t.Fatal(d, err)
				}
				if unit.Sleeping() && !r.Sleeping {
					break // it is not told
				}
				if r.Sleeping {
					slept++
				}
				for _, c := range w.detector.Observe(alert.Observation{At: at, Answered: true, Poll: m.Observe(r, at.Time(), w.pools),
					Accepted: r.Accepted, Rejected: r.Rejected, HotLimit: m.HeatLimit()}) {
					t.Errorf("%s after %d s: %+v", d, int64(at-begun)/10, c)
				}
			}
		}
		if slept < 3*200 {
			t.Errorf("%d polls of sleep", slept)
		}
	})
}

// saying lets a machine be asked in its firmware's own words, every half minute, and gives what changed.
func saying(t *testing.T, w *watched, from, to usage.Instant) (changes []alert.Change) {
	t.Helper()
	for at := from; at < to; at += interval {
		reading, err := fleet.PollOver(t.Context(), simulate.Link{Unit: w.unit, At: at}, &w.unit.Machine)
		changes = append(changes, w.see(at, reading, err == nil)...)
	}
	return changes
}

// ordered gives a LuxOS a command that needs a session.
func ordered(t *testing.T, u *simulate.Unit, at usage.Instant, command, parameter string) {
	t.Helper()
	var reply struct {
		Session []struct{ SessionID string } `json:"SESSION"`
		Status  []struct{ Status string }    `json:"STATUS"`
	}
	for _, ask := range []string{`{"command":"logon"}`, "", ""} {
		id := ""
		if len(reply.Session) > 0 {
			id = reply.Session[0].SessionID
		}
		if ask == "" && command != "" {
			ask, command = `{"command":"`+command+`","parameter":"`+id+`,`+parameter+`"}`, ""
		} else if ask == "" {
			ask = `{"command":"logoff","parameter":"` + id + `"}`
		}
		session := reply.Session
		if err := json.Unmarshal(u.Answer([]byte(ask), at), &reply); err != nil || reply.Status[0].Status == "E" {
			t.Fatalf("%s: %+v, %v", ask, reply, err)
		}
		if len(reply.Session) == 0 {
			reply.Session = session
		}
	}
}

// A power limit that was ordered is a cap and no fault: not at once, not after sleep, nor when it is lifted again; a
// fall below what the machine does under it is found.
func TestAPowerLimitIsNoFault(t *testing.T) {
	unit := simulate.NewUnit(3, 11, protocol.LuxOS, dawn)
	unit.Break(simulate.Fault{Kind: simulate.LowHash, From: dawn + 8*usage.Hour})
	w := newWatched(unit)
	at := dawn + interval
	for _, step := range []struct{ command, parameter string }{{"profileset", "445MHz"}, {"curtail", "sleep"},
		{"curtail", "wakeup"}, {"profileset", "default"}, {"profileset", "445MHz"}} {
		if changes := saying(t, w, at, at+90*usage.Minute); len(changes) > 0 {
			t.Errorf("before %s %s: %+v", step.command, step.parameter, changes)
		}
		at += 90 * usage.Minute
		ordered(t, unit, at, step.command, step.parameter)
	}
	reading, err := fleet.PollOver(t.Context(), simulate.Link{Unit: unit, At: at}, &unit.Machine)
	if err != nil {
		t.Fatal(err)
	}
	p := unit.Machine.Observe(reading, at.Time(), w.pools)
	if p.CapPermille < 790 || p.CapPermille > 810 {
		t.Errorf("the limit leaves %d of 1000", p.CapPermille)
	}
	var account usage.Totals
	walker := usage.Walker{Emit: func(l usage.Leaf) {
		for c, work := range l.Work {
			account.Work[c] = account.Work[c].AddHashes(work)
		}
	}}
	walker.Add(p)
	later := at + 5*usage.Minute
	if reading, err = fleet.PollOver(t.Context(), simulate.Link{Unit: unit, At: later}, &unit.Machine); err != nil {
		t.Fatal(err)
	}
	walker.Add(unit.Machine.Observe(reading, later.Time(), w.pools))
	if account.Work[usage.CauseCap].Sign() <= 0 || account.Work[usage.CauseSlow].Sign() != 0 {
		t.Errorf("by cause: %+v", account.Work)
	}
	changes := saying(t, w, later+interval, dawn+10*usage.Hour)
	if len(changes) != 1 || changes[0].Kind != alert.LowHash || changes[0].At < dawn+8*usage.Hour ||
		changes[0].Finding.Code != "less-rate" {
		t.Errorf("after a fall of a tenth: %+v", changes)
	}
}

// lowMode is what a machine says in a mode that its firmware names, and tells no watts of: less rate for fewer watts.
func lowMode(r *protocol.Reading, rate, watts int64) *protocol.Reading {
	low := *r
	low.Mode, low.Boards = "low", slices.Clone(r.Boards)
	low.RateMHs, low.PowerWatts = r.RateMHs*rate/100, r.PowerWatts*watts/100
	for i := range low.Boards {
		low.Boards[i].RateMHs = r.Boards[i].RateMHs * rate / 100
	}
	return &low
}

// A mode that was chosen is a cap and no fault, whether its watts are told or not; a fall below what the machine does
// in it is found, and so is one after it was left.
func TestAModeIsNoFault(t *testing.T) {
	for _, d := range []protocol.Protocol{protocol.WhatsminerV2, protocol.WhatsminerV3} {
		w := newWatched(simulate.NewUnit(3, 11, d, dawn))
		counters := int64(0) // what is not hashed in the mode
		look := func(from, to usage.Instant, rate, watts int64) (changes []alert.Change, cap int64) {
			for at := from; at < to; at += interval {
				reading, ok := w.unit.Reading(at)
				if !ok {
					t.Fatal("no reading")
				}
				reading.Mode = "normal"
				if rate < 100 {
					counters += reading.RateMHs * int64(interval/usage.Second) * (100 - rate) / 100
					reading = lowMode(reading, rate, watts)
				}
				reading.TotalMH -= counters
				changes = append(changes, w.see(at, reading, true)...)
				cap = w.unit.Machine.Observe(reading, at.Time(), w.pools).CapPermille
			}
			return changes, cap
		}
		at := dawn + interval
		if changes, cap := look(at, at+8*usage.Hour, 100, 100); len(changes) > 0 || cap != 1000 {
			t.Errorf("%s as usual: %+v, cap %d", d, changes, cap)
		}
		at += 8 * usage.Hour
		if changes, cap := look(at, at+4*usage.Hour, 80, 70); len(changes) > 0 || cap < 650 || cap > 775 {
			t.Errorf("%s in the mode: %+v, cap %d", d, changes, cap)
		}
		at += 4 * usage.Hour
		changes, cap := look(at, at+2*usage.Hour, 68, 60)
		if len(changes) != 1 || changes[0].Kind != alert.LowHash || cap < 650 {
			t.Errorf("%s below what it did in the mode: %+v, cap %d", d, changes, cap)
		}
		at += 2 * usage.Hour
		if _, cap := look(at, at+usage.Hour, 100, 100); cap != 1000 {
			t.Errorf("%s after the mode: cap %d", d, cap)
		}
	}
}

// Another nameplate is no fall of the rate, whenever it is given; what a machine does below its nameplate from the first
// day is said to be that, and not to be less than it was.
func TestAnotherNameplateIsNoFall(t *testing.T) {
	for _, learned := range []usage.Instant{30 * usage.Minute, 10 * usage.Hour} {
		unit := simulate.NewUnit(0, 11, "", dawn)
		unit.Break(simulate.Fault{Kind: simulate.LowHash, From: dawn + learned + 2*usage.Hour})
		w := newWatched(unit)
		changes := saying(t, w, dawn+interval, dawn+learned)
		rate, _, _ := unit.Machine.Nameplate()
		unit.Machine.Given.RateMHs = rate * 2
		changes = append(changes, saying(t, w, dawn+learned, dawn+learned+2*usage.Hour)...)
		if len(changes) > 0 {
			t.Errorf("with another nameplate: %+v", changes)
		}
		changes = saying(t, w, dawn+learned+2*usage.Hour, dawn+learned+4*usage.Hour)
		if len(changes) != 1 || changes[0].Kind != alert.LowHash || changes[0].Finding.Code != "less-rate" {
			t.Errorf("after a fall of a tenth: %+v", changes)
		}
		// One that holds ends with the measure that it was taken by.
		unit.Machine.Given.RateMHs = rate
		at := dawn + learned + 4*usage.Hour
		if changes = saying(t, w, at, at+usage.Hour); len(changes) != 1 || changes[0].Raised {
			t.Errorf("with the old nameplate: %+v", changes)
		}
	}
	unit := simulate.NewUnit(0, 11, "", dawn)
	rate, _, _ := unit.Machine.Nameplate()
	unit.Machine.Given.RateMHs = rate * 2
	changes := saying(t, newWatched(unit), dawn+interval, dawn+usage.Hour)
	if len(changes) != 1 || changes[0].Kind != alert.LowHash || changes[0].Finding.Code != "less-nameplate" ||
		!strings.HasSuffix(changes[0].Detail, "% of its nameplate") {
		t.Errorf("half the nameplate from the first day: %+v", changes)
	}
}
