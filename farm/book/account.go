package book

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/farm/fleet"
	"github.com/aqsha/aqsha/farm/use"
)

// Account is what a span of whole hours adds up to.
type Account struct {
	From, To use.Instant
	Whole    use.Totals
	Machines map[string]*use.Totals // by identity
	Days     []Day                  // local days, in order
	// Unpriced is how many machine-hours had no price: their work is counted, their value is 0.
	Unpriced int
	Newest   use.Instant // the account's end, when it is before To
}

// Day is a local day's totals.
type Day struct {
	From   use.Instant
	Totals use.Totals
}

// Account adds up the machines that a selector means over [from, to).
func (b *Book) Account(ctx context.Context, selector string, from, to use.Instant, progress func(done, all int)) (*Account, error) {
	if from%use.Hour != 0 || to%use.Hour != 0 || to <= from || to-from > 400*use.Day {
		return nil, farm.Refuse("bad_time", "span", "want whole hours, at most 400 days")
	}
	if _, err := b.Fleet.Select(selector); err != nil {
		return nil, err
	}
	a := &Account{From: from, To: to, Machines: map[string]*use.Totals{}, Newest: b.Store.Newest()}
	for local := from; local < to; local += use.Day {
		a.Days = append(a.Days, Day{From: local})
	}
	err := b.Days(ctx, from, to, progress, func(m *fleet.Machine, day use.Instant, cells []use.Cell) error {
		if !m.Matches(selector) {
			return nil
		}
		sum := a.Machines[m.ID]
		if sum == nil {
			sum = new(use.Totals)
			a.Machines[m.ID] = sum
		}
		const perHour = int(use.Hour / use.Grid)
		for i := 0; i < len(cells); i += perHour {
			hour := cells[i]
			for _, c := range cells[i+1 : i+perHour] {
				hour.Merge(c)
			}
			if hour.From < from || hour.From >= to || hour.Time == [use.States]use.Instant{} {
				continue
			}
			price, known := b.PriceAt(hour.From)
			if !known {
				a.Unpriced++
			}
			if err := sum.AddCell(&hour, price); err != nil {
				return fmt.Errorf("machine %s: %w", m.ID, err)
			}
			if err := a.Days[(hour.From-from)/use.Day].Totals.AddCell(&hour, price); err != nil {
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
	return a, a.check()
}

// check is the invariant: days and machines are two ways to cut the same whole.
func (a *Account) check() error {
	var days use.Totals
	for i := range a.Days {
		if err := days.Merge(&a.Days[i].Totals); err != nil {
			return err
		}
	}
	if days != a.Whole {
		return fmt.Errorf("days add up to %v accepted hashes, machines to %v", days.Work[use.Accepted], a.Whole.Work[use.Accepted])
	}
	return nil
}

// Group is a part of an account.
type Group struct {
	Name     string
	Machines int
	Totals   use.Totals
}

// By are the ways to group machines.
var By = []string{"site", "container", "rack", "model", "machine"}

// Groups adds the account up by a property of machines, in the order of names.
func (b *Book) Groups(a *Account, by string) ([]Group, error) {
	if !slices.Contains(By, by) {
		return nil, farm.Refuse("unknown_group", "by", "%q is not one of %v", by, By)
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
func (c *Config) Month(text string) (from, to use.Instant, err error) {
	at, err := time.ParseInLocation("2006-01", text, c.zone)
	if err != nil {
		return 0, 0, farm.Refuse("bad_time", "month", "%q: want a month such as 2026-10", text)
	}
	return use.At(at), use.At(at.AddDate(0, 1, 0)), nil
}

// Energy compares what machines are accounted for with the site's meter, in watt-hours.
type Energy struct {
	Site        string `json:"site"`
	ByMachine   int64  `json:"byMachineWh"`
	ByMeter     int64  `json:"byMeterWh"`     // of machines that do not say: the meter's rest, as far as their nameplates go
	ByNameplate int64  `json:"byNameplateWh"` // of machines that do not say, without a meter
	Overhead    int64  `json:"overheadWh"`    // metered, and no machine's: cooling, network, losses; below 0: machines say more than the meter
	Metered     int64  `json:"meteredWh"`     // −1: no meter covers the span
}

// Reconcile accounts for each site's energy over the account's span. With a meter the parts add up to it exactly.
func (b *Book) Reconcile(a *Account) ([]Energy, error) {
	groups, err := b.Groups(a, "site")
	if err != nil {
		return nil, err
	}
	var out []Energy
	for _, g := range groups {
		wattHours := func(s use.PowerSource) int64 { return int64(g.Totals.Energy[s].Float() / 36_000) }
		e := Energy{Site: g.Name, ByMachine: wattHours(use.ByMachine), ByNameplate: wattHours(use.ByNameplate), Metered: use.Unknown}
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
func (b *Book) metered(site string, from, to use.Instant) (sum int64, ok bool) {
	var readings []MeterReading
	for _, r := range b.Meters {
		if r.Site == site && r.From >= from && r.To <= to {
			readings = append(readings, r)
		}
	}
	slices.SortFunc(readings, func(a, b MeterReading) int { return int((a.From - b.From) / use.Second) })
	at := from
	for _, r := range readings {
		if r.From != at {
			return 0, false
		}
		at, sum = r.To, sum+r.WattHour
	}
	return sum, at == to && len(readings) > 0
}
