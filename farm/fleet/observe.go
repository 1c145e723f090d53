package fleet

import (
	"strings"
	"time"

	"github.com/aqsha/aqsha/farm/dialect"
	"github.com/aqsha/aqsha/farm/use"
)

// Observe joins what a machine says with what it should be.
func (m *Machine) Observe(r *dialect.Reading, at time.Time, pools []string) use.Poll {
	m.learn(r)
	rate, watts, boards := m.Nameplate()
	p := use.Poll{At: use.At(at), Elapsed: r.ElapsedSeconds, RateMHs: r.RateMHs, NameplateMHs: rate, TotalMH: r.TotalMH, AcceptedMH: r.AcceptedMH, RejectedMH: r.RejectedMH, HardwareErrors: r.HardwareErrors,
		ChipTemp: int64(r.ChipTemp), SlowestFan: int64(r.SlowestFan()), Watts: r.PowerWatts, Source: use.ByMachine, NominalWatts: watts, Boards: int64(r.LiveBoards()), BoardsDue: int64(boards),
		CapPermille: 1000, Sleeping: r.Sleeping}
	if r.StaleMH > 0 && r.RejectedMH >= 0 {
		p.RejectedMH += r.StaleMH
	}
	if r.PowerWatts < 0 {
		p.Source = use.NoPower
		if watts > 0 {
			p.Source, p.Watts = use.ByNameplate, watts
			if r.RateMHs == 0 || r.Sleeping {
				p.Watts = watts / 50 // controller and fans
			}
		}
	}
	if p.Watts < 0 {
		p.Source = use.NoPower
	}
	if r.PowerLimit > 0 && watts > 0 && r.PowerLimit < watts {
		p.CapPermille = r.PowerLimit * 1000 / watts
	}
	limit := m.Catalogue().HeatLimit
	p.Throttled = r.Throttled || (limit > 0 && p.ChipTemp >= limit)
	pool := r.ActivePool()
	p.PoolAlive = len(r.Pools) == 0 || pool.Alive
	p.PoolWrong = pool.URL != "" && !allowedPool(pool, pools)
	return p
}

// learn keeps what a machine says of itself that is better than what was known: ideal rate and boards
// only grow, because firmwares leave out what is broken.
func (m *Machine) learn(r *dialect.Reading) {
	catalogue := m.Catalogue().RateGHs * 1000
	if r.IdealMHs > m.IdealMHs+m.IdealMHs/200 && (catalogue == 0 || r.IdealMHs <= catalogue+catalogue/2) {
		m.IdealMHs = r.IdealMHs
	}
	m.Boards = max(m.Boards, min(len(r.Boards), 16))
}

// allowedPool says whether one of the patterns fits: "url" or "url user", each the beginning of what the machine has.
func allowedPool(p dialect.Pool, patterns []string) bool {
	if len(patterns) == 0 {
		return true
	}
	for _, pattern := range patterns {
		url, user, _ := strings.Cut(pattern, " ")
		if strings.HasPrefix(p.URL, url) && strings.HasPrefix(p.User, user) {
			return true
		}
	}
	return false
}
