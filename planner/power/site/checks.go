package site

import (
	"errors"
	"fmt"

	"github.com/aqsha/aqsha/internal/strict"
	"github.com/aqsha/aqsha/params"
	"github.com/aqsha/aqsha/planner/power"
	"github.com/aqsha/aqsha/planner/power/bid"
	"github.com/aqsha/aqsha/planner/power/dispatch"
)

// readMachines takes the classes; their number in all is bounded, since the schedule has a row for each machine.
func (s *Site) readMachines(file *strict.File, f *form) error {
	if len(f.Machines) == 0 {
		return file.Refuse("missing", "machines", "want at least one [[machines]]")
	}
	total := 0
	for i, m := range f.Machines {
		key := fmt.Sprintf("machines[%d]", i)
		if m.Count < 1 || m.Count > dispatch.MaxMachines {
			return file.Refuse("farm-out-of-range", key+".count", "want 1 to %d, got %d", dispatch.MaxMachines, m.Count)
		}
		class, err := classOf(file, key, m)
		if err != nil {
			return err
		}
		s.Classes = append(s.Classes, class)
		if total += m.Count; total > dispatch.MaxMachines {
			return file.Refuse("farm-out-of-range", key+".count", "want at most %d machines in all",
				dispatch.MaxMachines)
		}
	}
	return nil
}

// classOf takes rate and power from the file, or else from the catalogue.
func classOf(file *strict.File, key string, m machineForm) (power.Class, error) {
	if m.Watts == 0 && !m.RateTHs.Set {
		fact, ok := params.FindMiningMachine(m.Model)
		if !ok {
			return power.Class{}, file.Refuse("unknown-machine", key+".model",
				"%q is not in the catalogue: give rate_ths and watts", m.Model)
		}
		return power.ClassOf(fact.Value, m.Count), nil
	}
	rate, ok := m.RateTHs.Milli()
	if !ok || rate <= 0 || rate > 100_000_000 {
		return power.Class{}, file.Refuse("farm-out-of-range", key+".rate_ths",
			"want above 0 with at most three decimals, got %s", m.RateTHs)
	}
	if m.Watts <= 0 || m.Watts > 1_000_000 {
		return power.Class{}, file.Refuse("negative", key+".watts", "want 1 to 1000000, got %d", m.Watts)
	}
	return power.ClassOf(params.MiningMachine{Name: m.Model, RateGHs: rate, Watts: m.Watts}, m.Count), nil
}

// readLimits takes power by hour and the rules of switching. Curtailments are called hours; limits are the contract's.
func (s *Site) readLimits(file *strict.File, f *form) error {
	for _, n := range []struct {
		key   string
		value int64
		most  int64
	}{{"limit_kw", f.LimitKW, 10_000_000}, {"ramp_kw", f.RampKW, 10_000_000},
		{"min_run_hours", int64(f.MinRun), dispatch.MaxHours}, {"min_rest_hours", int64(f.MinRest), dispatch.MaxHours},
		{"start_minutes", f.StartMinutes, 60}} {
		if n.value < 0 || n.value > n.most {
			return file.Refuse("negative", n.key, "want 0 to %d, got %d", n.most, n.value)
		}
	}
	if f.LimitKW == 0 {
		return file.Refuse("missing", "limit_kw", "want the contract's limit at the meter")
	}
	for h := range s.LimitWatts {
		s.LimitWatts[h] = 1000 * f.LimitKW
	}
	lower := func(table string, rows []limitForm, called bool) error {
		for i, l := range rows {
			hours, err := power.ParseHours(l.Hours)
			if err != nil {
				return file.Refuse("hours", fmt.Sprintf("%s[%d].hours", table, i), "%v", err)
			}
			if l.KW < 0 || l.KW > f.LimitKW {
				return file.Refuse("negative", fmt.Sprintf("%s[%d].kw", table, i), "want 0 to limit_kw, got %d", l.KW)
			}
			for h := range s.LimitWatts {
				if hours.Has(h) {
					// Limits of one hour go to the lowest, in whatever order they are written. Called hours are
					// marked: a start that they force is no decision.
					s.LimitWatts[h], s.Called[h] = min(s.LimitWatts[h], 1000*l.KW), s.Called[h] || called
				}
			}
		}
		return nil
	}
	if err := errors.Join(lower("limit", f.Limits, false), lower("curtailment", f.Curtailments, true)); err != nil {
		return err
	}
	s.Rules = dispatch.Rules{MinRun: f.MinRun, MinRest: f.MinRest, StartMinutes: f.StartMinutes,
		RampWatts: 1000 * f.RampKW}
	return nil
}

// readTariffs takes the tariffs of the site's zone, in the order of their days. Without any the price is an auction's.
func (s *Site) readTariffs(file *strict.File, f *form) error {
	var last params.Date
	for i, t := range f.Tariffs {
		key := fmt.Sprintf("tariff[%d]", i)
		if t.From == "" {
			return file.Refuse("missing", key+".from", "a tariff needs the day from which it holds")
		}
		from, err := params.ParseDate(t.From)
		if err != nil {
			return file.Refuse("date", key+".from", "%v", err)
		}
		if from < last {
			return file.Refuse("order", key+".from", "%s comes after %s: want tariffs in the order of their days", from,
				last)
		}
		last = from
		hours, err := power.ParseHours(t.Hours)
		if err != nil {
			return file.Refuse("hours", key+".hours", "%v", err)
		}
		if !t.Price.Set || t.Price.Tiyn < power.MinPrice || t.Price.Tiyn > power.MaxPrice {
			return file.Refuse("negative", key+".price", "want a price of %s to %s, got %s", power.MinPrice,
				power.MaxPrice,
				t.Price.Tiyn)
		}
		if t.Zone != "" && t.Zone != s.Zone {
			if err := knownZone(file, key+".zone", t.Zone, s.Day); err != nil {
				return err
			}
			continue // another zone's
		}
		s.Tariffs = append(s.Tariffs, power.Tariff{From: from, Hours: hours, Price: t.Price.Tiyn})
	}
	if len(s.Tariffs) > 0 {
		if _, err := power.PricesOf(s.Tariffs, s.Day); err != nil {
			return file.Refuse("no-tariff", "tariff[0]", "%v", err)
		}
	} else if f.Auction == nil {
		return file.Refuse("missing", "tariff", "want [[tariff]] or [auction]")
	}
	return nil
}

// readAuction takes the bounds of bids, and how many days of the past are looked at: 60 where the file does not say
// it.
func (s *Site) readAuction(file *strict.File, f *form) error {
	if f.Auction == nil {
		return nil
	}
	a := f.Auction
	switch {
	case a.Floor.Tiyn < 0 || a.Floor.Tiyn > power.MaxPrice || a.Cap.Tiyn > power.MaxPrice:
		return file.Refuse("negative", "auction.floor", "want 0 to %s, got %s", power.MaxPrice, a.Floor.Tiyn)
	case a.Cap.Set && a.Cap.Tiyn < a.Floor.Tiyn:
		return file.Refuse("order", "auction.cap", "want at least the floor %s, got %s", a.Floor.Tiyn, a.Cap.Tiyn)
	case a.Window < 0 || a.Window > 3660:
		return file.Refuse("farm-out-of-range", "auction.window_days", "want 0 to 3660, got %d", a.Window)
	case a.HalfLife < 0 || !(a.HalfLife < 1e6):
		return file.Refuse("negative", "auction.half_life_days", "want at least 0, got %v", a.HalfLife)
	}
	s.Auction = &Auction{bid.Limits{Floor: a.Floor.Tiyn, Cap: a.Cap.Tiyn}, a.Window, a.HalfLife}
	if s.Auction.WindowDays == 0 {
		s.Auction.WindowDays = 60
	}
	return nil
}
