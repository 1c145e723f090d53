package site

import (
	"fmt"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/planner/power/dispatch"
)

// Ceiling is the highest price of a kWh, in tiyn before VAT and fees, at which a class does not lose.
type Ceiling struct {
	Class   string     `json:"class"`
	Count   int        `json:"count"`
	Watts   int64      `json:"meter_watts"` // of one machine, its cooling included
	JTH     float64    `json:"j_per_th"`
	Ceiling money.Tiyn `json:"ceiling_tiyn"`
}

// Ceilings of every class.
func (s *Site) Ceilings() ([]Ceiling, error) {
	var out []Ceiling
	for _, c := range s.Classes {
		ceiling, err := s.Terms.Ceiling(c.MilliJTH)
		if err != nil {
			return nil, err
		}
		out = append(out, Ceiling{c.Name, c.Count, c.MeterWatts(s.Terms.PUEMilli), float64(c.MilliJTH) / 1000, ceiling})
	}
	return out, nil
}

// Machines are the site's, named by class and number, all on or all off before the day.
func (s *Site) Machines() []dispatch.Machine {
	var machines []dispatch.Machine
	for i, c := range s.Classes {
		for n := range c.Count {
			machines = append(machines, dispatch.Machine{Name: fmt.Sprintf("%s #%d", c.Name, n+1), Class: i,
				On: s.Running, Hours: dispatch.MaxHours})
		}
	}
	return machines
}

// Problem is a day with prices of a kWh before VAT and fees, 24 of them; open tells in which hours there is power
// (nil: in all). Slices of the site are copied where the solver may change them.
func (s *Site) Problem(prices []money.Tiyn, open []bool) (*dispatch.Problem, error) {
	p := &dispatch.Problem{Open: open, LimitWatts: append([]int64{}, s.LimitWatts[:]...),
		Called: append([]bool{}, s.Called[:]...), Classes: s.Classes, PUEMilli: s.Terms.PUEMilli,
		Machines: s.Machines(), Rules: s.Rules}
	if len(prices) != len(p.LimitWatts) {
		return nil, farm.Refuse("shape", "prices", "want 24 prices, got %d", len(prices))
	}
	for _, price := range prices {
		cost, err := s.Terms.CostPerKWh(price)
		if err != nil {
			return nil, err
		}
		p.Cost = append(p.Cost, cost)
	}
	for _, c := range s.Classes {
		earns, err := c.EarningsPerHour(s.Terms)
		if err != nil {
			return nil, err
		}
		p.Earnings = append(p.Earnings, earns)
	}
	return p, nil
}
