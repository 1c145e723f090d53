package usage

import (
	"math"

	"github.com/aqsha/aqsha/market"
)

// Machine is one machine's period: hours and accepted terahashes a second,
// norm and fact. Its norm of hours is the calendar's less planned repair and
// permitted hours off the grid.
type Machine struct {
	Name          string  `json:"name"`
	CalendarHours float64 `json:"calendar_hours"`
	RepairHours   float64 `json:"planned_repair_hours"`
	OffGridHours  float64 `json:"permitted_off_grid_hours"`
	HoursFact     float64 `json:"hours_fact"`
	NormTHs       float64 `json:"nameplate_ths"`
	FactTHs       float64 `json:"accepted_ths"`
	NormJTH       float64 `json:"nameplate_j_per_th"` // joules a terahash; NaN: not known
	FactJTH       float64 `json:"measured_j_per_th"`
}

// Coefficients of use, and the reserve in product of hours and speed
// (TH/s·hours). Extensive + Intensive = norm − fact.
type Coefficients struct {
	Ext        float64 `json:"k_ext"`
	Int        float64 `json:"k_int"` // 0 when nothing ran
	Integral   float64 `json:"k_integral"`
	Efficiency float64 `json:"efficiency"` // norm J/TH over fact; NaN when not known
	Extensive  float64 `json:"extensive_reserve"`
	Intensive  float64 `json:"intensive_reserve"`
}

// norm is the hours that the machine should have run: the calendar's less those that were planned or permitted not to.
func (m Machine) norm() float64 { return m.CalendarHours - m.RepairHours - m.OffGridHours }

// check refuses figures that no coefficient can be made of: a norm that is not above zero, by which is divided, and a
// fact below zero. The comparisons are turned round, so that NaN is refused too.
func (m Machine) check() error {
	if !(m.norm() > 0) || !(m.NormTHs > 0) || !(m.HoursFact >= 0) || !(m.FactTHs >= 0) {
		return market.Refuse("machine", m.Name,
			"norm hours %g and speed %g must be above zero, fact hours %g and speed %g not below", m.norm(), m.NormTHs,
			m.HoursFact, m.FactTHs)
	}
	// More than was planned is possible, where a repair was not taken; not more than the period has.
	if m.HoursFact > m.CalendarHours {
		return market.Refuse("machine", m.Name, "%g hours of work in a period of %g", m.HoursFact, m.CalendarHours)
	}
	return nil
}

// Use of one machine. The reserve T_n·q_n − T_f·q_f splits into
// (T_n − T_f)·q_n and (q_n − q_f)·T_f: a machine that stood still lost time,
// not speed.
func (m Machine) Use() (Coefficients, error) {
	if err := m.check(); err != nil {
		return Coefficients{}, err
	}
	c := Coefficients{Ext: m.HoursFact / m.norm(), Efficiency: m.NormJTH / m.FactJTH,
		Extensive: (m.norm() - m.HoursFact) * m.NormTHs}
	if m.HoursFact > 0 {
		c.Int = m.FactTHs / m.NormTHs
		c.Intensive = (m.NormTHs - m.FactTHs) * m.HoursFact
	}
	c.Integral = c.Ext * c.Int
	return c, nil
}

// Site adds machines up: K_ext = ΣT_f·q_n/ΣT_n·q_n, K_int = ΣT_f·q_f/ΣT_f·q_n;
// reserves are sums over machines.
func Site(machines []Machine) (Coefficients, error) {
	var norm, ran, did, normEnergy, factEnergy float64
	var total Coefficients
	for _, m := range machines {
		c, err := m.Use()
		if err != nil {
			return Coefficients{}, err
		}
		norm += m.norm() * m.NormTHs
		ran += m.HoursFact * m.NormTHs
		if m.HoursFact > 0 {
			did += m.HoursFact * m.FactTHs
			normEnergy += m.HoursFact * m.FactTHs * m.NormJTH
			factEnergy += m.HoursFact * m.FactTHs * m.FactJTH
		}
		total.Extensive += c.Extensive
		total.Intensive += c.Intensive
	}
	if norm == 0 {
		return Coefficients{}, market.Refuse("machine", "machines", "none given")
	}
	total.Ext = ran / norm
	if ran > 0 {
		total.Int = did / ran
	}
	total.Integral, total.Efficiency = total.Ext*total.Int, normEnergy/factEnergy
	return total, nil
}

// Worth of a reserve: coins by the network's issue and fees a terahash-second,
// and money by the price. hours·TH/s → coins.
func Worth(reserve, coinsADay, networkTHs, price float64) (coins, money float64) {
	coins = reserve / 24 * coinsADay / networkTHs
	return coins, coins * price
}

// orNaN is a ratio, NaN where the divisor is not positive.
func orNaN(a, b float64) float64 {
	if !(b > 0) {
		return math.NaN()
	}
	return a / b
}
