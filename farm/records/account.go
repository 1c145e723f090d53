package records

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/farm/fleet"
	"github.com/aqsha/aqsha/farm/usage"
)

// Account is what a span of whole hours adds up to.
type Account struct {
	From, To usage.Instant
	Whole    usage.Totals
	Machines map[string]*usage.Totals // by identity
	Days     []Day                    // local days, in order
	// Unpriced is how many machine-hours had no price: their work is counted, their value is 0.
	Unpriced int
	Newest   usage.Instant // the account's end, when it is before To
}

// Day is a local day's totals.
type Day struct {
	From   usage.Instant
	Totals usage.Totals
}

// Account adds up the machines that a selector means over [from, to).
func (b *Records) Account(ctx context.Context, selector string, from, to usage.Instant,
	progress func(done, all int)) (*Account, error) {
	if from%usage.Hour != 0 || to%usage.Hour != 0 || to <= from || to-from > 400*usage.Day {
		return nil, farm.Refuse("bad-time", "span", "want whole hours, at most 400 days")
	}
	if _, err := b.Fleet.Select(selector); err != nil {
		return nil, err
	}
	a := &Account{From: from, To: to, Machines: map[string]*usage.Totals{}, Newest: b.Newest()}
	for local := from; local < to; local += usage.Day {
		a.Days = append(a.Days, Day{From: local})
	}
	err := b.Days(ctx, from, to, progress, func(m *fleet.Machine, day usage.Instant, cells []usage.Cell) error {
		if !m.Matches(selector) {
			return nil
		}
		sum := a.Machines[m.ID]
		if sum == nil {
			sum = new(usage.Totals)
			a.Machines[m.ID] = sum
		}
		// By the hour, for prices are.
		const perHour = int(usage.Hour / usage.Grid)
		for i := 0; i < len(cells); i += perHour {
			hour := cells[i]
			for _, c := range cells[i+1 : i+perHour] {
				hour.Merge(c)
			}
			// An hour of which nothing is known is no loss: the machine was not in the fleet, or nobody watched.
			if hour.From < from || hour.From >= to || hour.Time == [usage.States]usage.Instant{} {
				continue
			}
			price, known := b.PriceAt(hour.From)
			if !known {
				a.Unpriced++
			}
			if err := sum.AddCell(&hour, price); err != nil {
				return fmt.Errorf("machine %s: %w", m.ID, err)
			}
			if err := a.Days[(hour.From-from)/usage.Day].Totals.AddCell(&hour, price); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, sum := range a.Machines {
		if err := a.Whole.Merge(sum); err != nil {
			return nil, err
		}
	}
	// Sums by machine and by day are of the same cells by two ways, and must be equal.
	return a, a.check()
}

// check is the invariant: days and machines are two ways to cut the same whole.
func (a *Account) check() error {
	var days usage.Totals
	for i := range a.Days {
		if err := days.Merge(&a.Days[i].Totals); err != nil {
			return err
		}
	}
	if days != a.Whole {
		return fmt.Errorf("days add up to %v accepted hashes, machines to %v", days.Work[usage.Accepted],
			a.Whole.Work[usage.Accepted])
	}
	return nil
}

// Group is a part of an account.
type Group struct {
	Name     string
	Machines int
	Totals   usage.Totals
}

// By are the ways to group machines.
var By = []string{"site", "container", "rack", "model", "machine"}

// Groups adds the account up by a property of machines, in the order of names.
func (b *Records) Groups(a *Account, by string) ([]Group, error) {
	if !slices.Contains(By, by) {
		return nil, farm.Refuse("unknown-group", "by", "%q is not one of %v", by, By)
	}
	sums := map[string]*Group{}
	for i := range b.Fleet.Machines {
		m := &b.Fleet.Machines[i]
		part := a.Machines[m.ID]
		if part == nil {
			continue
		}
		name := groupName(m, by)
		if sums[name] == nil {
			sums[name] = &Group{Name: name}
		}
		sums[name].Machines++
		if err := sums[name].Totals.Merge(part); err != nil {
			return nil, err
		}
	}
	groups := make([]Group, 0, len(sums))
	for _, g := range sums {
		groups = append(groups, *g)
	}
	slices.SortFunc(groups, func(a, b Group) int { return strings.Compare(a.Name, b.Name) })
	return groups, nil
}

func groupName(m *fleet.Machine, by string) string {
	name := m.ID
	switch by {
	case "site":
		name = m.Place.Site
	case "container":
		name = fleet.Place{Site: m.Place.Site, Container: m.Place.Container}.String()
	case "rack":
		name = m.Place.RackPath()
	case "model":
		name = m.Model
	}
	if name == "" {
		return "(none)"
	}
	return name
}

// Month is the span of a local month: "2026-10".
func (c *Config) Month(text string) (from, to usage.Instant, err error) {
	at, err := time.ParseInLocation("2006-01", text, c.zone)
	if err != nil {
		return 0, 0, farm.Refuse("bad-time", "month", "%q: want a month such as 2026-10", text)
	}
	return usage.At(at), usage.At(at.AddDate(0, 1, 0)), nil
}

// Energy compares what machines are accounted for with the site's meter, in watt-hours.
type Energy struct {
	Site      string `json:"site"`
	ByMachine int64  `json:"by_machine_wh"`
	// of machines that do not say: the meter's rest, as far as their nameplates go
	ByMeter     int64 `json:"by_meter_wh"`
	ByNameplate int64 `json:"by_nameplate_wh"` // of machines that do not say, without a meter
	// metered, and no machine's: cooling, network, losses; below 0: machines say more than the meter
	Overhead int64 `json:"overhead_wh"`
	Metered  int64 `json:"metered_wh"` // −1: no meter covers the span
}

// Reconcile accounts for each site's energy over the account's span. With a meter the parts add up to it exactly.
func (b *Records) Reconcile(a *Account) ([]Energy, error) {
	groups, err := b.Groups(a, "site")
	if err != nil {
		return nil, err
	}
	var out []Energy
	for _, g := range groups {
		wattHours := func(s usage.PowerSource) int64 { return int64(g.Totals.Energy[s].Float() / 36_000) }
		e := Energy{Site: g.Name, ByMachine: wattHours(usage.ByMachine), ByNameplate: wattHours(usage.ByNameplate),
			Metered: usage.Unknown}
		if metered, ok := b.metered(g.Name, a.From, a.To); ok {
			e.Metered = metered
			rest := metered - e.ByMachine
			e.ByMeter = max(0, min(e.ByNameplate, rest))
			e.Overhead = rest - e.ByMeter
			e.ByNameplate = 0
		}
		out = append(out, e)
	}
	return out, nil
}

// metered is a site's metered energy, when its readings cover the span without gaps.
func (b *Records) metered(site string, from, to usage.Instant) (sum int64, ok bool) {
	var readings []MeterReading
	for _, r := range b.Meters {
		if r.Site == site && r.From >= from && r.To <= to {
			readings = append(readings, r)
		}
	}
	slices.SortFunc(readings, func(a, b MeterReading) int { return cmp.Compare(a.From, b.From) })
	at := from
	for _, r := range readings {
		if r.From != at {
			return 0, false
		}
		at, sum = r.To, sum+r.WattHour
	}
	return sum, at == to && len(readings) > 0
}
