// Package past writes the past of a simulated farm into a folder: fleet, polls, alerts, prices, marks
// and meter, as if a watch had run there. It is what the demo, the story and the measurements of the
// store stand on; everything in it is called simulated.
//
// It imports farm/simulate and farm/records.
package past

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/farm/alert"
	"github.com/aqsha/aqsha/farm/fleet"
	"github.com/aqsha/aqsha/farm/protocol"
	"github.com/aqsha/aqsha/farm/records"
	"github.com/aqsha/aqsha/farm/simulate"
	"github.com/aqsha/aqsha/farm/telemetry"
	"github.com/aqsha/aqsha/farm/usage"
	"github.com/aqsha/aqsha/params"
)

// Options of a past.
type Options struct {
	Machines int
	Seed     uint64
	From, To time.Time // whole hours
	Interval time.Duration
	Faults   bool // things break now and then
	BadNight bool // much breaks in the last eleven hours
	Progress func(done, all int)
}

// Write makes the folder, which must not hold a farm yet.
func Write(ctx context.Context, dir string, o Options) (err error) {
	if o.Machines < 1 || o.Machines > 10_000 || o.Interval < 10*time.Second || o.Interval > 5*time.Minute ||
		!o.From.Before(o.To) || o.To.Sub(o.From) > 100*24*time.Hour {
		return farm.Refuse("farm-out-of-range", "past",
			"want 1 to 10,000 machines, polls every 10 s to 5 min and at most 100 days")
	}
	// Never into a farm: simulated polls beside real ones could not be told apart again.
	if _, err := os.Stat(filepath.Join(dir, "fleet.json")); err == nil {
		return farm.Refuse("exists", "dir", "%s holds a farm already", dir)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	config := records.Defaults()
	config.Name, config.Pools, config.Interval, config.Timeout = "simulated farm",
		[]string{"stratum+tcp://127.0.0.1:3333 simulated."}, max(time.Second, o.Interval),
		min(5*time.Second, o.Interval/2)
	if err := config.Write(dir); err != nil {
		return err
	}
	if err := writePrices(dir, o); err != nil {
		return err
	}
	b, err := records.Open(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	units := simulate.Units(o.Machines, o.Seed, "", usage.At(o.From), nil)
	machines := make([]fleet.Machine, len(units))
	for i, u := range units {
		machines[i] = u.Machine
	}
	if _, _, err := b.Fleet.Merge(machines); err != nil {
		return err
	}
	if err := errors.Join(b.Fleet.Save(), breakThings(b, units, o)); err != nil {
		return err
	}
	meter, err := live(ctx, b, units, o)
	if err != nil {
		return err
	}
	if err := writeMeter(b, meter, o); err != nil {
		return err
	}
	_, err = b.SumUp(ctx)
	return err
}

// writePrices writes a price a day: a network of 2026 whose difficulty moves every two weeks.
func writePrices(dir string, o Options) error {
	rng := rand.New(rand.NewPCG(o.Seed, 77))
	difficulty, bitcoin := 150e12, 50e6
	for day, i := o.From, 0; day.Before(o.To); day, i = day.AddDate(0, 0, 1), i+1 {
		if i > 0 && i%14 == 0 {
			difficulty *= 1 + 0.02*rng.NormFloat64()
		}
		bitcoin *= 1 + 0.02*rng.NormFloat64()
		subsidy, err := params.SubsidyEras.At(params.DateOf(day))
		if err != nil {
			return err
		}
		if err := records.AddPrice(dir, day, strconv.FormatFloat(difficulty, 'f', 0, 64),
			(subsidy.Value.Subsidy + 2_000_000).String(), strconv.FormatFloat(bitcoin, 'f', 0, 64)); err != nil {
			return err
		}
	}
	return nil
}

// breakThings gives each machine a few faults, and the last night many; one container has a planned stop.
func breakThings(b *records.Records, units []*simulate.Unit, o Options) error {
	from, to := usage.At(o.From), usage.At(o.To)
	rng := rand.New(rand.NewPCG(o.Seed, 78))
	if o.Faults {
		for _, u := range units {
			for at := from; ; {
				if at += usage.Instant(rng.ExpFloat64() * float64(12*usage.Day)); at >= to-usage.Day {
					break
				}
				kind := []simulate.Kind{simulate.BoardDead, simulate.Hot, simulate.LowHash, simulate.Silent,
					simulate.Rejects, simulate.NoPool, simulate.Reboot, simulate.Counters, simulate.FanDead,
					simulate.Offline}[rng.IntN(10)]
				long := usage.Instant(rng.ExpFloat64() * float64(14*usage.Hour))
				u.Break(simulate.Fault{Kind: kind, From: at, To: min(at+long+usage.Minute, to-13*usage.Hour)})
			}
		}
		// With an annotation, unlike the faults: a planned stop and a failure look alike to the poller, and only the
		// account tells them apart.
		stop := (from + (to-from)/3).Floor(usage.Day) + 6*usage.Hour
		for _, u := range units {
			if u.Machine.Matches("simulated/c1/r1") {
				u.Break(simulate.Fault{Kind: simulate.Offline, From: stop, To: stop + 5*usage.Hour})
			}
		}
		if err := b.Annotate(records.Annotation{Annotation: usage.Annotation{From: stop, To: stop + 5*usage.Hour,
			State: usage.Planned}, Selector: "simulated/c1/r1", Why: "work on the transformer"}); err != nil {
			return err
		}
	}
	if o.BadNight {
		return badNight(b, units, to, rng)
	}
	return nil
}

// badNight: the power of a rack is away for four hours, and single machines break and stay broken.
func badNight(b *records.Records, units []*simulate.Unit, to usage.Instant, rng *rand.Rand) error {
	order := rng.Perm(len(units))
	kinds := []simulate.Kind{simulate.BoardDead, simulate.Silent, simulate.Hot, simulate.BoardDead, simulate.WrongPool,
		simulate.LowHash, simulate.Hung, simulate.NoPool, simulate.BoardDead, simulate.Rejects, simulate.Offline,
		simulate.FanDead}
	for i, kind := range kinds[:min(len(kinds), max(1, len(units)/2))] {
		units[order[i]].Break(simulate.Fault{Kind: kind, From: to - 10*usage.Hour + usage.Instant(i)*20*usage.Minute})
	}
	last := units[len(units)-1].Machine.Place.RackPath()
	begin, end := to-9*usage.Hour, to-5*usage.Hour
	for _, u := range units {
		if u.Machine.Place.RackPath() == last {
			u.Break(simulate.Fault{Kind: simulate.Offline, From: begin, To: end})
		}
	}
	return b.Annotate(records.Annotation{Annotation: usage.Annotation{From: begin, To: end, State: usage.Outage},
		Selector: last, Why: "the grid was away"})
}

// live polls the machines through the past and returns each local day's energy in watt-hours.
func live(ctx context.Context, b *records.Records, units []*simulate.Unit,
	o Options) (meter map[int64]float64, err error) {
	identities := make([]string, len(units))
	for i, u := range units {
		identities[i] = u.Machine.ID
	}
	numbers, err := b.Store.Numbers(identities)
	if err != nil {
		return nil, err
	}
	meter = map[int64]float64{}
	from, to, step := usage.At(o.From), usage.At(o.To), usage.Instant(o.Interval/(100*time.Millisecond))
	var rows []telemetry.Row
	alerts := newRaiser(units)
	for at := from; at <= to; at += step {
		for i, u := range units {
			moment := at + step*usage.Instant(i)/usage.Instant(len(units)) // spread over the interval, as a watch does
			reading, ok := u.Reading(moment)
			if moment > to {
				continue
			}
			if !ok {
				alerts.observe(i, alert.Observation{At: moment, Why: "no answer",
					Found: farm.Found("no-answer"), Accepted: usage.Unknown,
					Rejected: usage.Unknown})
				continue
			}
			meter[int64((moment-from)/usage.Day)] += float64(reading.PowerWatts) * float64(step) / 36_000
			heard := said(reading)
			p := u.Machine.Observe(heard, moment.Time(), b.Config.Pools)
			alerts.observe(i, alert.Observation{At: moment, Answered: true, Poll: p, Accepted: heard.Accepted,
				Rejected: heard.Rejected, HotLimit: u.Machine.HeatLimit()})
			rows = append(rows, telemetry.Row{Machine: numbers[i], Poll: p})
		}
		if err := alerts.notify(); err != nil {
			return nil, err
		}
		if len(rows) > 20_000 || at+step > to {
			if _, err := b.Store.Append(rows); err != nil {
				return nil, err
			}
			rows = rows[:0]
			if err := ctx.Err(); err != nil {
				return nil, err
			}
		}
		if o.Progress != nil {
			o.Progress(int((at-from)/step)+1, int((to-from)/step)+1)
		}
	}
	return meter, alerts.write(b.Dir)
}

// said is what a protocol tells of a reading: stock Antminers and cgminer know no watts.
func said(r *protocol.Reading) *protocol.Reading {
	out := *r
	switch r.Protocol {
	case protocol.AntminerNew, protocol.AntminerOld, protocol.Cgminer:
		out.PowerWatts = protocol.Unknown
	case protocol.WhatsminerV3:
		out.AcceptedMH, out.RejectedMH, out.StaleMH, out.Accepted, out.Rejected, out.HardwareErrors = protocol.Unknown,
			protocol.Unknown, protocol.Unknown, protocol.Unknown, protocol.Unknown, protocol.Unknown
	}
	return &out
}

// writeMeter writes the site's meter, a row a day, with 6 % for cooling and losses.
func writeMeter(b *records.Records, meter map[int64]float64, o Options) error {
	from, to := usage.At(o.From), usage.At(o.To)
	for day := int64(0); from+usage.Instant(day+1)*usage.Day <= to; day++ {
		r := records.MeterReading{From: from + usage.Instant(day)*usage.Day, To: from + usage.Instant(day+1)*usage.Day,
			Site: "simulated", WattHour: int64(meter[day] * 1.06)}
		if err := records.WriteMeter(b.Dir, r); err != nil {
			return err
		}
	}
	return nil
}
