package records

import (
	"slices"
	"strings"
	"time"

	"github.com/aqsha/aqsha/farm/alert"
	"github.com/aqsha/aqsha/farm/fleet"
	"github.com/aqsha/aqsha/farm/usage"
)

// Site is a part of a farm at a glance, or the whole of it.
type Site struct {
	Name         string `json:"name"`
	Machines     int    `json:"machines"`
	Simulated    int    `json:"simulated"`
	Answering    int    `json:"answering"` // their last poll was answered
	Sleeping     int    `json:"sleeping"`  // of those
	RateMHs      int64  `json:"rate_mhs"`  // of those that answer
	NameplateMHs int64  `json:"nameplate_mhs"`
	Watts        int64  `json:"watts"`  // of those that answer, by their own word or their nameplate
	Alerts       int    `json:"alerts"` // that hold
}

// Overview is a farm at a glance.
type Overview struct {
	Farm  string    `json:"farm"`
	At    time.Time `json:"at"`
	Whole Site      `json:"whole"`
	// Unwatched is since when nobody watches: the figures are of then.
	Unwatched *time.Time `json:"unwatched_since,omitempty"`
	Sites     []Site     `json:"sites"` // by name
}

// View is a machine with its last poll and the alerts that hold for it.
type View struct {
	Machine  fleet.Machine
	Poll     usage.Poll // the last that was answered; At is 0 before the first
	Answered bool       // the last poll was
	Alerts   []alert.Standing
}

// OverviewOf adds up machines as they are at a time.
func OverviewOf(name string, views []View, at time.Time) Overview {
	o := Overview{Farm: name, At: at.UTC(), Whole: Site{Name: name}, Sites: []Site{}}
	sites := map[string]int{}
	for i := range views {
		v := &views[i]
		index, known := sites[v.Machine.Place.Site]
		if !known {
			index = len(o.Sites)
			sites[v.Machine.Place.Site] = index
			o.Sites = append(o.Sites, Site{Name: v.Machine.Place.Site})
		}
		o.Whole.add(v)
		o.Sites[index].add(v)
	}
	slices.SortFunc(o.Sites, func(a, b Site) int { return strings.Compare(a.Name, b.Name) })
	return o
}

func (s *Site) add(v *View) {
	nameplate, _, _ := v.Machine.Nameplate()
	s.Machines++
	s.NameplateMHs += nameplate
	s.Alerts += len(v.Alerts)
	if v.Machine.Simulated {
		s.Simulated++
	}
	if !v.Answered {
		return
	}
	s.Answering++
	s.RateMHs += max(0, v.Poll.RateMHs)
	s.Watts += max(0, v.Poll.Watts)
	if v.Poll.Sleeping {
		s.Sleeping++
	}
}

// Views are the machines of the fleet with the last polls that are stored, if there is a store. A machine answers when
// it was polled within three intervals before the watch last looked.
func (b *Records) Views() ([]View, error) {
	standing, _, err := b.Standing()
	if err != nil {
		return nil, err
	}
	views := make([]View, len(b.Fleet.Machines))
	for i := range views {
		views[i].Machine = b.Fleet.Machines[i]
	}
	Distribute(views, standing)
	if b.Store == nil {
		return views, nil
	}
	// Measured from the last look and not from the clock: a farm whose recorder has stopped is seen as it last was,
	// and not as one in which every machine died.
	numbers, newest := b.numbers(nil), b.Newest()
	reach := 3 * usage.Instant(b.Config.Interval/(100*time.Millisecond))
	for i := range views {
		number, polled := numbers[views[i].Machine.ID]
		if !polled {
			continue
		}
		polls, err := b.Store.Polls(number, newest-reach, newest+1)
		if err != nil {
			return nil, err
		}
		if len(polls) > 0 {
			views[i].Poll, views[i].Answered = polls[len(polls)-1], true
		}
	}
	return views, nil
}

// MeanWatts is what a machine drew on average in [from, to), by its own word; false where no stored poll has it.
func (b *Records) MeanWatts(machine string, from, to usage.Instant) (watts int64, known bool, err error) {
	if b.Store == nil {
		return 0, false, nil
	}
	number := slices.Index(b.Store.Machines(), machine)
	if number < 0 {
		return 0, false, nil
	}
	polls, err := b.Store.Polls(uint32(number), from, to)
	if err != nil {
		return 0, false, err
	}
	sum, count := int64(0), int64(0)
	for _, p := range polls {
		if p.Source == usage.ByMachine {
			sum += p.Watts
			count++
		}
	}
	return sum / max(1, count), count > 0, nil
}

// Distribute gives each machine its alerts. Views are in the order of their identities.
func Distribute(views []View, standing []alert.Standing) {
	for _, s := range standing {
		i, known := slices.BinarySearchFunc(views, s.Machine, func(v View, id string) int {
			return strings.Compare(v.Machine.ID, id)
		})
		if known {
			views[i].Alerts = append(views[i].Alerts, s)
		}
	}
}
