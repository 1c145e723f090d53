package usage

import (
	"fmt"
	"math/big"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/money"
)

// Price is what work was worth in an hour.
type Price struct {
	Hashprice farm.Hashprice
	Bitcoin   money.Tiyn
}

// Value is an amount of work in money.
type Value struct {
	MicroSatoshi farm.MicroSatoshi `json:"micro_satoshi"`
	MicroTiyn    farm.MicroTiyn    `json:"micro_tiyn"`
}

func (v Value) add(w Value) (Value, error) {
	s, err := money.Add(money.Satoshi(v.MicroSatoshi), money.Satoshi(w.MicroSatoshi))
	if err != nil {
		return Value{}, err
	}
	t, err := money.Add(money.Tiyn(v.MicroTiyn), money.Tiyn(w.MicroTiyn))
	return Value{farm.MicroSatoshi(s), farm.MicroTiyn(t)}, err
}

// value of one amount of work.
func (p Price) value(h farm.Hashes) (Value, error) {
	s, err := p.Hashprice.Value(h)
	if err != nil {
		return Value{}, err
	}
	t, err := s.Tenge(p.Bitcoin)
	return Value{s, t}, err
}

// Totals sum cells over machines and hours, at any level: a machine, a rack, a site, a month.
// They are sums of the same integers, so that totals of parts add up to the whole's exactly.
type Totals struct {
	Time       [States]Instant
	Work       [Causes]farm.Total
	Gain       [Causes]farm.Total
	Value      [Causes]Value
	GainValue  [Causes]Value
	Energy     [3]farm.Total
	NormEnergy farm.Total
	Estimated  Instant
}

// AddCell counts a machine's cell of at most an hour at that hour's price. Values are differences of
// the values of adjacent levels of the waterfall, so that they too add up to the nameplate's.
func (t *Totals) AddCell(c *Cell, p Price) error {
	// Down the levels, each loss worth the difference of two values: single losses would be rounded one by one, and
	// not add up to the nameplate's value.
	level := c.Nameplate()
	above, err := p.value(level)
	if err != nil {
		return err
	}
	for i, work := range c.Work {
		level -= work
		below, err := p.value(level)
		if err != nil {
			return err
		}
		part := Value{above.MicroSatoshi - below.MicroSatoshi, above.MicroTiyn - below.MicroTiyn}
		if t.Value[i], err = t.Value[i].add(part); err != nil {
			return fmt.Errorf("value of %v: %w", Cause(i), err)
		}
		above = below
		t.Work[i] = t.Work[i].AddHashes(work)
		if c.Gain[i] == 0 {
			continue
		}
		gain, err := p.value(c.Gain[i])
		if err != nil {
			return err
		}
		if t.GainValue[i], err = t.GainValue[i].add(gain); err != nil {
			return err
		}
		t.Gain[i] = t.Gain[i].AddHashes(c.Gain[i])
	}
	for i := range c.Time {
		t.Time[i] += c.Time[i]
	}
	for i, energy := range c.Energy {
		t.Energy[i] = t.Energy[i].AddHashes(farm.Hashes(energy))
	}
	t.NormEnergy = t.NormEnergy.AddHashes(farm.Hashes(c.NormEnergy))
	t.Estimated += c.Estimated
	return nil
}

// Merge counts other totals.
func (t *Totals) Merge(u *Totals) error {
	for i := range u.Work {
		var err error
		if t.Value[i], err = t.Value[i].add(u.Value[i]); err != nil {
			return err
		}
		if t.GainValue[i], err = t.GainValue[i].add(u.GainValue[i]); err != nil {
			return err
		}
		t.Work[i], t.Gain[i] = t.Work[i].Add(u.Work[i]), t.Gain[i].Add(u.Gain[i])
	}
	for i := range u.Time {
		t.Time[i] += u.Time[i]
	}
	for i := range u.Energy {
		t.Energy[i] = t.Energy[i].Add(u.Energy[i])
	}
	t.NormEnergy = t.NormEnergy.Add(u.NormEnergy)
	t.Estimated += u.Estimated
	return nil
}

// sum adds the work of some causes.
func (t *Totals) sum(causes ...Cause) (sum farm.Total) {
	for _, c := range causes {
		sum = sum.Add(t.Work[c])
	}
	return sum
}

// Nameplate is all the work that is partitioned.
func (t *Totals) Nameplate() (sum farm.Total) {
	for _, work := range t.Work {
		sum = sum.Add(work)
	}
	return sum
}

// Norm is the nameplate's work in the time in which the machines were meant to run: not planned away, not curtailed.
func (t *Totals) Norm() farm.Total { return t.Nameplate().Sub(t.sum(CausePlanned, CauseCurtailed)) }

// RunningNameplate is the nameplate's work in the time in which they ran.
func (t *Totals) RunningNameplate() farm.Total {
	return t.Norm().Sub(t.sum(CauseOutage, CauseRepair, CauseUnknown))
}

// Hashed is the work that was done.
func (t *Totals) Hashed() farm.Total {
	return t.sum(Accepted, CauseLuck, CauseRejected, CauseUnsent, CauseInvalid)
}

// Level is a step of the waterfall.
type Level struct {
	Name string     `json:"name"`
	Work farm.Total `json:"hashes"`
}

// Waterfall is the running time's levels from the nameplate down.
func (t *Totals) Waterfall() []Level {
	level := t.RunningNameplate()
	out := []Level{{"nameplate", level}}
	for _, step := range []struct {
		name   string
		causes []Cause
	}{{"live boards", []Cause{CauseBoards}}, {"power cap", []Cause{CauseCap}}, {"heat limit", []Cause{CauseHeat}},
		{"hashed", []Cause{CauseSlow, CauseIdle, CauseGain}},
		{"valid", []Cause{CauseInvalid}}, {"sent", []Cause{CauseUnsent}},
		{"accepted", []Cause{CauseRejected, CauseLuck}}} {
		level = level.Sub(t.sum(step.causes...))
		out = append(out, Level{step.name, level})
	}
	return out
}

// Coefficients of use, in parts per million; −1 where there is nothing to divide by.
type Coefficients struct {
	Extensive  int64 `json:"k_ext_ppm"`      // ran / meant to run, by nameplate
	Speed      int64 `json:"k_speed_ppm"`    // hashed / nameplate while running
	Delivery   int64 `json:"k_delivery_ppm"` // accepted / hashed
	Intensive  int64 `json:"k_int_ppm"`      // accepted / nameplate while running = speed · delivery
	Integral   int64 `json:"k_integral_ppm"` // accepted / meant = extensive · intensive
	Efficiency int64 `json:"efficiency_ppm"`
	MilliJTH   int64 `json:"mj_per_th"` // energy by accepted work
}

// Coefficients of these totals. Products hold exactly for the fractions, and to rounding for the figures.
func (t *Totals) Coefficients() Coefficients {
	ratio := func(part, whole farm.Total) int64 {
		if ppm, ok := part.RatioPPM(whole); ok {
			return ppm
		}
		return Unknown
	}
	accepted, energy := t.Work[Accepted], t.AllEnergy()
	c := Coefficients{ratio(t.RunningNameplate(), t.Norm()), ratio(t.Hashed(), t.RunningNameplate()),
		ratio(accepted, t.Hashed()), ratio(accepted, t.RunningNameplate()), ratio(accepted, t.Norm()),
		ratio(t.NormEnergy, energy), Unknown}
	if accepted.Sign() > 0 && energy.Sign() > 0 {
		// tenths of a joule · 100 mJ · 10^12 hashes a TH
		milli := new(big.Int).Mul(energy.Big(), big.NewInt(100_000_000_000_000))
		if milli.Quo(milli, accepted.Big()); milli.IsInt64() {
			c.MilliJTH = milli.Int64()
		}
	}
	return c
}

// AllEnergy is the energy of every source, in tenths of a joule.
func (t *Totals) AllEnergy() farm.Total { return t.Energy[0].Add(t.Energy[1]).Add(t.Energy[2]) }

// Reserve is work not done that could have been: extensive for want of time, intensive for want of speed.
func (t *Totals) Reserve() (extensive, intensive farm.Total) {
	return t.sum(CauseOutage, CauseRepair, CauseUnknown), t.RunningNameplate().Sub(t.Work[Accepted])
}

// Lost is the value of every loss; luck and gains lower it.
func (t *Totals) Lost() (lost Value, err error) {
	for i := range t.Value[:Accepted] {
		if lost, err = lost.add(t.Value[i]); err != nil {
			return Value{}, err
		}
	}
	return lost, nil
}
