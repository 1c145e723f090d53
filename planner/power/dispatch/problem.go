package dispatch

import (
	"math"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/planner/power"
)

// MaxHours of one schedule.
const MaxHours = 48

// MaxMachines of one schedule.
const MaxMachines = 1_000_000

// Rules are what machines and grid need.
type Rules struct {
	MinRun, MinRest int   // hours; less than 1 counts as 1
	StartMinutes    int64 // of the first hour of a run: power without hashes
	RampWatts       int64 // most change of load from an hour to the next; 0: any
}

// Machine is one machine as the day begins.
type Machine struct {
	Name  string
	Class int
	On    bool
	Hours int // in this state so far
}

// Problem is a day to be scheduled. Lists by hour have the length of Cost, up to MaxHours; Earnings has that of
// Classes. Solve reads it only.
type Problem struct {
	Cost       []farm.MicroTiyn // of a metered kWh in all, by hour
	Open       []bool           // false: there is no power in this hour; nil: there always is
	LimitWatts []int64          // contract and calls, at the meter
	Called     []bool           // hours under a curtailment call: there the ramp limit gives way; nil: none
	Classes    []power.Class
	Earnings   []farm.MicroTiyn // of one machine of a class in an hour
	PUEMilli   int64
	Machines   []Machine
	Rules      Rules
}

// Check refuses what is no problem.
func (p *Problem) Check() error {
	hours := len(p.Cost)
	switch {
	case hours < 1 || hours > MaxHours:
		return farm.Refuse("farm-out-of-range", "hours", "want 1 to %d, got %d", MaxHours, hours)
	case len(p.LimitWatts) != hours || (p.Open != nil && len(p.Open) != hours) ||
		(p.Called != nil && len(p.Called) != hours):
		return farm.Refuse("shape", "hours", "costs, limits, open and called hours must be equally many")
	case len(p.Classes) != len(p.Earnings):
		return farm.Refuse("shape", "classes", "want earnings for each class")
	case len(p.Machines) > MaxMachines:
		return farm.Refuse("farm-out-of-range", "machines", "want at most %d, got %d", MaxMachines, len(p.Machines))
	case p.Rules.StartMinutes < 0 || p.Rules.StartMinutes > 60:
		return farm.Refuse("farm-out-of-range", "start_minutes", "want 0 to 60, got %d", p.Rules.StartMinutes)
	case p.Rules.RampWatts < 0 || p.PUEMilli < 1000:
		return farm.Refuse("farm-out-of-range", "rules", "want a ramp of at least 0 and a PUE of at least 1")
	}
	for _, c := range p.Classes {
		if c.MeterWatts(p.PUEMilli) <= 0 || c.MilliJTH <= 0 {
			return farm.Refuse("farm-out-of-range", "class", "%s: want power and efficiency above 0", c.Name)
		}
	}
	return p.checkMachines()
}

// checkMachines refuses classes that there are not, and sums that would not fit in 64 bits.
func (p *Problem) checkMachines() error {
	dearest := 0.0
	for _, cost := range p.Cost {
		dearest = max(dearest, math.Abs(float64(cost)))
	}
	sum := 0.0
	for _, m := range p.Machines {
		if m.Class < 0 || m.Class >= len(p.Classes) || m.Hours < 0 {
			return farm.Refuse("shape", "machine", "%s: class %d, %d hours", m.Name, m.Class, m.Hours)
		}
		sum += float64(len(p.Cost)) * (math.Abs(float64(p.Earnings[m.Class])) +
			dearest*float64(p.Classes[m.Class].MeterWatts(p.PUEMilli))/1000)
	}
	if sum > math.MaxInt64/4 {
		return farm.Refuse("farm-out-of-range", "machines", "earnings and costs add up to more than can be counted")
	}
	return nil
}

// Schedule says for each machine in which hours it runs.
type Schedule struct {
	On        []uint64       // bit h: hour h
	WattHours []int64        // by hour, at the meter
	Starts    []int          // by hour
	Gain      farm.MicroTiyn // earnings less power, of all machines
	// what it would be if limits and ramp never bound (and no call freed from a run that loses)
	Bound   farm.MicroTiyn
	ByClass []farm.MicroTiyn // the gain
	Forced  int              // runs that a limit or a call ended before their least time
}

// Running says whether a machine runs in an hour.
func (s *Schedule) Running(machine, hour int) bool { return s.On[machine]&(1<<hour) != 0 }
