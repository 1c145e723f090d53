package pool

import (
	"slices"
	"time"
)

// Stats are a moment's figures of the whole pool.
type Stats struct {
	Connections int           `json:"connections"`
	Workers     []WorkerStats `json:"workers,omitempty"`
	Accepted    uint64        `json:"accepted"`
	Rejected    uint64        `json:"rejected"`
	Blocks      uint64        `json:"blocks_submitted"`
	Undelivered int           `json:"blocks_undelivered"` // no node is known to have them
	Refused     uint64        `json:"connections_refused"`
	Bans        int           `json:"bans"`       // addresses that are refused now
	BansTotal   uint64        `json:"bans_total"` // made since the start
	Logged      uint64        `json:"log_entries"`
	SyncMillis  float64       `json:"last_sync_millis"`
	Height      uint32        `json:"height"`
	Difficulty  float64       `json:"network_difficulty"`
	JobAge      float64       `json:"job_age_seconds"`
	Halted      bool          `json:"halted"`
	Draining    bool          `json:"draining,omitempty"`
	Paused      bool          `json:"payouts_paused,omitempty"`
	Stopped     string        `json:"payments_stopped,omitempty"` // why nobody is paid
	Fee         float64       `json:"fee_percent"`
	NextFee     *float64      `json:"next_fee_percent,omitempty"` // announced
	NextFeeAt   time.Time     `json:"next_fee_at,omitzero"`
	HashRate1m  float64       `json:"hash_rate_1m"`
	HashRate1h  float64       `json:"hash_rate_1h"`
	HashRate24h float64       `json:"hash_rate_24h"`
}

// Stats without the workers.
func (p *Pool) Stats(now time.Time) Stats {
	s := Stats{
		Accepted: p.counters.accepted.Load(), Rejected: p.counters.rejected.Load(), Blocks: p.counters.blocks.Load(),
		Undelivered: p.relay.Undelivered(), Logged: p.log.Size(), Halted: p.halted.Load(),
	}
	s.Draining, s.Paused, s.Fee = p.draining.Load(), p.PayoutsPaused(), float64(p.feePPM.Load())/10_000
	if next := p.nextFee.Load(); next != nil {
		percent := float64(next.ppm) / 10_000
		s.NextFee, s.NextFeeAt = &percent, next.at.UTC()
	}
	if fault := p.accounts.Fault(); fault != nil {
		s.Stopped = fault.Error()
	}
	p.guard.mu.Lock()
	s.Connections, s.Refused, s.BansTotal = p.guard.total, p.guard.refused, p.guard.bans
	for _, until := range p.guard.banned {
		if now.Before(until) {
			s.Bans++
		}
	}
	p.guard.mu.Unlock()
	p.committer.mu.Lock()
	s.SyncMillis = float64(p.committer.syncTime.Microseconds()) / 1000
	p.committer.mu.Unlock()
	if j := p.current.Load(); j != nil {
		s.Height, s.Difficulty, s.JobAge = j.template.Height, j.template.Target.Difficulty(), now.Sub(j.arrived).Seconds()
	}
	return s
}

// WorkerStats with the totals, workers by descending hash rate.
func (p *Pool) WorkerStats(now time.Time) Stats {
	s := p.Stats(now)
	for _, w := range p.registry.all() {
		one := w.snapshot(now)
		s.HashRate1m += one.HashRate1m
		s.HashRate1h += one.HashRate1h
		s.HashRate24h += one.HashRate24h
		s.Workers = append(s.Workers, one)
	}
	slices.SortStableFunc(s.Workers, func(a, b WorkerStats) int {
		switch {
		case a.HashRate1h > b.HashRate1h:
			return -1
		case a.HashRate1h < b.HashRate1h:
			return 1
		}
		return 0
	})
	return s
}
