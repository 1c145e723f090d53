package orders

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/farm/control"
	"github.com/aqsha/aqsha/farm/fleet"
)

// Hour is a time of a plan with the load that may run in it.
type Hour struct {
	From, To time.Time
	KW       int64
}

// Terms are what a curtailment keeps to.
type Terms struct {
	Groups  []string      // selectors, the first of which sleeps first; machines of none stay as they are
	MinRest time.Duration // a machine that was put to sleep stays so for at least this long
	MinRun  time.Duration // and one that was woken runs as long, unless there is no power for it
	Grace   time.Duration // by which an order may be late
	Second  bool          // its orders want a second person
	Plan    string        // name
	Who     string
	Now     time.Time
}

// Curtail makes the orders that keep machines to a plan: before each of its hours in which less may run, as many sleep
// as must, group by group and in each the machine first that draws most; where more may run, they are woken in the
// opposite order, once they have rested. Hours in the past are left out. The machines of no group draw their power all
// the time; where they alone draw more than an hour allows, that is refused: it cannot be kept to.
func Curtail(machines []*fleet.Machine, hours []Hour, terms Terms) ([]Entry, error) {
	if err := checkHours(hours); err != nil {
		return nil, err
	}
	var order []*fleet.Machine // in which they sleep
	fixed := int64(0)
	taken := map[string]bool{}
	for _, group := range terms.Groups {
		var members []*fleet.Machine
		for _, m := range machines {
			if m.Matches(group) && !taken[m.ID] {
				taken[m.ID] = true
				members = append(members, m)
			}
		}
		slices.SortStableFunc(members, func(a, b *fleet.Machine) int {
			return cmp.Or(cmp.Compare(b.LoadWatts(), a.LoadWatts()), cmp.Compare(a.ID, b.ID))
		})
		order = append(order, members...)
	}
	if len(order) == 0 {
		return nil, farm.Refuse("no-machine", "groups", "the groups %v mean no machine", terms.Groups)
	}
	for _, m := range machines {
		if !taken[m.ID] {
			fixed += m.LoadWatts()
		}
	}
	asleep, changed := map[string]bool{}, map[string]time.Time{}
	var out []Entry
	for _, h := range hours {
		if !h.To.After(terms.Now) {
			continue
		}
		if fixed > h.KW*1000 {
			return nil, farm.Refuse("farm-infeasible-plan", "kw",
				"%s allows %d kW, and machines of no group draw %d kW: name more groups",
				h.From.Format(inZone), h.KW, (fixed+999)/1000)
		}
		sleep, wake := step(order, asleep, changed, h, fixed, terms)
		for _, part := range []struct {
			action control.Action
			who    []*fleet.Machine
		}{{control.Sleep, sleep}, {control.Wake, wake}} {
			if len(part.who) == 0 {
				continue
			}
			e := Entry{At: terms.Now, Who: terms.Who, Step: Given, What: &control.Order{Action: part.action},
				From: h.From.UTC(), Until: h.From.Add(terms.Grace).UTC(), Second: terms.Second, Plan: terms.Plan}
			watts := int64(0)
			for _, m := range part.who {
				e.Machines = append(e.Machines, m.ID)
				watts += m.LoadWatts()
			}
			e.KW = (watts + 500) / 1000
			out = append(out, e)
		}
	}
	return out, nil
}

func checkHours(hours []Hour) error {
	for i, h := range hours {
		if !h.To.After(h.From) || h.KW < 0 || (i > 0 && h.From.Before(hours[i-1].To)) {
			return farm.Refuse("farm-bad-plan", "hours", "hour %d: want hours in order, each with 0 kW or more", i+1)
		}
	}
	if len(hours) == 0 || len(hours) > 24*400 {
		return farm.Refuse("farm-bad-plan", "hours", "want 1 to %d hours, got %d", 24*400, len(hours))
	}
	return nil
}

// step decides one hour. What must not run sleeps before anything is woken.
func step(order []*fleet.Machine, asleep map[string]bool, changed map[string]time.Time, h Hour, fixed int64,
	terms Terms) (sleep, wake []*fleet.Machine) {
	load, before := fixed, maps.Clone(changed)
	for _, m := range order {
		if !asleep[m.ID] {
			load += m.LoadWatts()
		}
	}
	// Twice: at first those that have run long enough, then, where power is lacking, the others too.
	for _, forced := range []bool{false, true} {
		for _, m := range order {
			if load <= h.KW*1000 {
				break
			}
			since, was := changed[m.ID]
			if asleep[m.ID] || (!forced && was && h.From.Sub(since) < terms.MinRun) {
				continue
			}
			asleep[m.ID], changed[m.ID] = true, h.From
			load -= m.LoadWatts()
			sleep = append(sleep, m)
		}
	}
	// A machine that draws much made room for smaller ones that were put to sleep before it.
	for _, m := range slices.Backward(sleep) {
		if load+m.LoadWatts() <= h.KW*1000 {
			delete(asleep, m.ID)
			changed[m.ID] = before[m.ID]
			load += m.LoadWatts()
		}
	}
	sleep = slices.DeleteFunc(sleep, func(m *fleet.Machine) bool { return !asleep[m.ID] })
	for _, m := range slices.Backward(order) {
		rested := h.From.Sub(changed[m.ID]) >= terms.MinRest
		if asleep[m.ID] && rested && !slices.Contains(sleep, m) && load+m.LoadWatts() <= h.KW*1000 {
			asleep[m.ID], changed[m.ID] = false, h.From
			load += m.LoadWatts()
			wake = append(wake, m)
		}
	}
	return sleep, wake
}

// Kept is an hour of the account of a plan: what its orders were to move, and what was seen to be moved.
type Kept struct {
	At      time.Time `json:"at"`
	SleepKW int64     `json:"sleep_kw"`
	SleptKW int64     `json:"slept_kw"`
	WakeKW  int64     `json:"wake_kw"`
	WokenKW int64     `json:"woken_kw"`
	// What machines that tell their watts drew less after they slept, and more after they woke, and how many told.
	SleptWatts int64 `json:"slept_measured_watts"`
	WokenWatts int64 `json:"woken_measured_watts"`
	Measured   int   `json:"measured_machines"`
	Missed     int   `json:"missed"` // orders
	NotEnded   int   `json:"not_ended"`
	Withdrawn  int   `json:"withdrawn"`
}

// Meter is what a machine drew on average in [from, to), in watts by its own word; false where it did not say.
type Meter func(machine string, from, to time.Time) (watts int64, known bool)

// Around an order, watts are compared over so much time, beginning so long after it has ended.
const (
	meteredFor   = 10 * time.Minute
	meteredAfter = 2 * time.Minute
)

// moved is by how much less the machines of an order that has ended drew after it, and how many of them have said.
func (o *Order) moved(meter Meter) (watts int64, measured int) {
	var begun time.Time
	for _, e := range o.Entries {
		if e.Step == Begun {
			begun = e.At
		}
	}
	if meter == nil || o.Last().Step != Ended {
		return 0, 0
	}
	settled := o.Last().At.Add(meteredAfter)
	for _, machine := range o.First().Machines {
		before, known := meter(machine, begun.Add(-meteredFor), begun)
		after, still := meter(machine, settled, settled.Add(meteredFor))
		if known && still {
			watts += before - after
			measured++
		}
	}
	return watts, measured
}

// Account sets what a plan's orders were to move beside what was moved, by their time: by nameplates of the machines
// that obeyed, and by a meter, if there is one.
func (b *Book) Account(plan string, now time.Time, meter Meter) []Kept {
	at := map[time.Time]*Kept{}
	for i := range b.Orders {
		o := &b.Orders[i]
		first, last := o.First(), o.Last()
		// By what was ordered first: an order that was changed or confirmed later is still the plan's.
		if first.Plan != plan || plan == "" {
			continue
		}
		k := at[first.From]
		if k == nil {
			k = &Kept{At: first.From}
			at[first.From] = k
		}
		watts, measured := o.moved(meter)
		k.Measured += measured
		if first.What.Action == control.Sleep {
			k.SleepKW, k.SleptKW, k.SleptWatts = k.SleepKW+first.KW, k.SleptKW+last.DoneKW, k.SleptWatts+watts
		} else {
			k.WakeKW, k.WokenKW, k.WokenWatts = k.WakeKW+first.KW, k.WokenKW+last.DoneKW, k.WokenWatts-watts
		}
		switch o.State(now) {
		case Passed, Late:
			k.Missed++
		case Dropped:
			k.Withdrawn++
		case Finished:
		default:
			k.NotEnded++
		}
	}
	out := make([]Kept, 0, len(at))
	for _, k := range at {
		out = append(out, *k)
	}
	slices.SortFunc(out, func(a, b Kept) int { return a.At.Compare(b.At) })
	return out
}

// String is the time and the load in words.
func (h Hour) String() string {
	return fmt.Sprintf("%s %d kW", h.From.Format(inZone), h.KW)
}

// inZone is a time as the hours were given, with its zone: a plan is of a place, and who reads it may be elsewhere.
const inZone = "2006-01-02 15:04 -07:00"
