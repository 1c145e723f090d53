package fleet

import (
	"time"

	"github.com/aqsha/aqsha/farm/protocol"
	"github.com/aqsha/aqsha/farm/usage"
)

// Observe joins what a machine says with what it should be.
func (m *Machine) Observe(r *protocol.Reading, at time.Time, pools []string) usage.Poll {
	m.learn(r)
	rate, watts, boards := m.Nameplate()
	p := usage.Poll{At: usage.At(at), Elapsed: r.ElapsedSeconds, RateMHs: r.RateMHs, NameplateMHs: rate,
		TotalMH: r.TotalMH, AcceptedMH: r.AcceptedMH, RejectedMH: r.RejectedMH, HardwareErrors: r.HardwareErrors,
		ChipTemp: int64(r.ChipTemp), SlowestFan: int64(m.slowestFan(r)), Watts: r.PowerWatts, Source: usage.ByMachine,
		NominalWatts: watts, Boards: int64(r.LiveBoards()), BoardsDue: int64(boards),
		CapPermille: 1000, Sleeping: r.Sleeping}
	if r.StaleMH > 0 && r.RejectedMH >= 0 {
		p.RejectedMH += r.StaleMH
	}
	if r.PowerWatts < 0 {
		p.Source = usage.NoPower
		if watts > 0 {
			p.Source, p.Watts = usage.ByNameplate, watts
			if r.RateMHs == 0 || r.Sleeping {
				p.Watts = watts / 50 // controller and fans
			}
		}
	}
	if p.Watts < 0 {
		p.Source = usage.NoPower
	}
	if r.PowerLimit > 0 && watts > 0 && r.PowerLimit < watts {
		p.CapPermille = r.PowerLimit * 1000 / watts
	}
	p.CapPermille = min(p.CapPermille, m.capOfMode(r, at, rate, watts))
	limit := m.HeatLimit()
	p.Throttled = r.Throttled || (limit > 0 && p.ChipTemp >= limit)
	p.PoolAlive = (len(r.Pools) == 0 && !r.PoolsReported) || r.ActivePool().Alive
	p.PoolWrong = m.worksForStrangers(r, pools)
	return p
}

// slowestFan is the lowest speed of the fans that the machine has; 0 when one of those that turned
// before does not, Unknown when it has none (immersion) or sleeps.
func (m *Machine) slowestFan(r *protocol.Reading) int {
	turning := 0
	for _, rpm := range r.Fans {
		if rpm > 0 {
			turning++
		}
	}
	due := m.Fans
	if turning > 0 {
		due = max(due, m.Catalogue().Fans) // none turns in a machine that was put into a liquid
	}
	switch {
	case r.Immersed || r.Sleeping || len(r.Fans)+m.Fans == 0 || (turning == 0 && m.Fans == 0):
		return protocol.Unknown
	case turning < due:
		return 0
	}
	return r.SlowestFan()
}

// PoolCounts are the shares that each pool of a machine had accepted, by URL and user.
type PoolCounts struct {
	Elapsed int64
	Shares  map[string]int64
}

// maxFeePermille is how much of the work a firmware's maker may take. Published fees end at 2.8 %.
const maxFeePermille = 50

// worksForStrangers says whether a pool that is in use, or got shares since the last poll, is not
// allowed: firmwares spread work over groups of pools. The maker's pool is allowed up to its fee.
func (m *Machine) worksForStrangers(r *protocol.Reading, allowed []string) bool {
	before := m.Pools
	now := &PoolCounts{r.ElapsedSeconds, make(map[string]int64, len(r.Pools))}
	wrong := false
	for _, p := range r.Pools {
		key := p.URL + " " + p.User
		shares := now.Shares[key] + max(p.Accepted, 0)
		now.Shares[key] = shares
		gained := before != nil && r.ElapsedSeconds >= before.Elapsed && shares > before.Shares[key]
		if p.Fee && (p.URL == "*" || !allowedPool(p, allowed)) {
			wrong = wrong || (len(allowed) > 0 && r.FeePermille() > maxFeePermille)
			continue
		}
		wrong = wrong || ((p.Active || gained) && !allowedPool(p, allowed))
	}
	if m.Pools = now; len(r.Pools) > 0 && !wrong {
		active := r.ActivePool()
		wrong = active.URL != "" && !active.Fee && !allowedPool(active, allowed)
	}
	return wrong
}

// learn keeps what a machine says of itself that is better than what was known: ideal rate and boards
// only grow, because firmwares leave out what is broken.
func (m *Machine) learn(r *protocol.Reading) {
	catalogue := m.Catalogue().RateGHs * 1000
	if r.IdealMHs > m.IdealMHs+m.IdealMHs/200 && (catalogue == 0 || r.IdealMHs <= catalogue+catalogue/2) {
		m.IdealMHs = r.IdealMHs
	}
	m.Boards = max(m.Boards, min(len(r.Boards), 16))
	turning := 0
	for _, rpm := range r.Fans {
		if rpm > 0 {
			turning++
		}
	}
	m.Fans = max(m.Fans, turning)
	if m.MinerID == "" && len(r.MinerID) <= 80 {
		m.MinerID = r.MinerID
	}
	if m.MAC == "" {
		m.MAC = r.MAC
	}
	different := DifferentModels(m.Model, r.Model) // an inventory's word, or a control board put into another machine
	if different || len(r.Model) > len(m.Model) {
		m.Model = r.Model
	}
	m.ModelSeen = m.ModelSeen || r.Model != ""
}
