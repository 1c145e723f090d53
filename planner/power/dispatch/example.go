package dispatch

import (
	"fmt"
	"math/rand/v2"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/params"
	"github.com/aqsha/aqsha/planner/power"
)

// Example is a simulated day for measuring: machines of the whole catalogue in random states, prices by
// the hour, limits that bind, a ramp and a call. own: each machine has an efficiency of its own.
func Example(machines int, own bool, seed uint64) *Problem {
	r := rand.New(rand.NewPCG(seed, 0x5c4ed))
	p := &Problem{PUEMilli: 1050, Rules: Rules{MinRun: 3, MinRest: 2, StartMinutes: 10}}
	total := int64(0)
	add := func(c power.Class) {
		p.Classes = append(p.Classes, c)
		p.Earnings = append(p.Earnings, farm.MicroTiyn(c.RateGHs*11e4)) // 0.1 tenge for a TH/s in an hour
	}
	for _, model := range params.MiningMachines {
		add(power.ClassOf(model.Value, 0))
	}
	for i := range machines {
		class := i % len(params.MiningMachines)
		if own {
			c := p.Classes[class]
			c.Name = fmt.Sprint(i)
			c.Watts += r.Int64N(200)
			c.MilliJTH = c.Watts * 1_000_000 / c.RateGHs
			add(c)
			class = len(p.Classes) - 1
		}
		total += p.Classes[class].MeterWatts(p.PUEMilli)
		p.Machines = append(p.Machines, Machine{fmt.Sprint("m", i), class, r.IntN(2) == 0, 1 + r.IntN(5)})
	}
	for range 24 {
		p.Cost = append(p.Cost, farm.MicroTiyn(1500+r.Int64N(3500))*1e6)
		p.LimitWatts = append(p.LimitWatts, total*(5+r.Int64N(6))/10)
	}
	p.Rules.RampWatts = total / 3
	if err := p.Apply(Call{14, 17, total / 5}); err != nil {
		panic(err) // within the day
	}
	return p
}
