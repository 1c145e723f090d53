package pool

import (
	"slices"
	"strconv"
	"time"

	"github.com/aqsha/aqsha/pool/worker"
)

// Stats are a moment's figures of the whole pool. Hash rates are in hashes a second.
type Stats struct {
	Connections int            `json:"connections"`
	Workers     []worker.Stats `json:"workers,omitempty"`
	Accepted    uint64         `json:"accepted"`
	Rejected    uint64         `json:"rejected"`
	Blocks      uint64         `json:"blocks_submitted"`
	Undelivered int            `json:"blocks_undelivered"` // no node is known to have them
	Refused     uint64         `json:"connections_refused"`
	Bans        int            `json:"bans"`       // addresses that are refused now
	BansTotal   uint64         `json:"bans_total"` // made since the start
	Logged      uint64         `json:"log_entries"`
	SyncMillis  float64        `json:"last_sync_millis"`
	Height      uint32         `json:"height"`
	Difficulty  float64        `json:"network_difficulty"`
	JobAge      float64        `json:"job_age_seconds"`
	Halted      bool           `json:"halted"`
	Draining    bool           `json:"draining,omitempty"`
	Paused      bool           `json:"payouts_paused,omitempty"`
	Stopped     string         `json:"payments_stopped,omitempty"` // why nobody is paid
	Fee         float64        `json:"fee_percent"`
	NextFee     *float64       `json:"next_fee_percent,omitempty"` // announced
	NextFeeAt   time.Time      `json:"next_fee_at,omitzero"`
	HashRate1m  float64        `json:"hash_rate_1m"`
	HashRate1h  float64        `json:"hash_rate_1h"`
	HashRate24h float64        `json:"hash_rate_24h"`
}

// Stats without the workers.
func (p *Pool) Stats(now time.Time) Stats {
	s := Stats{Blocks: p.found.Load(), Undelivered: p.relay.Undelivered(), Logged: p.log.Size(), Halted: p.IsHalted()}
	s.Accepted, s.Rejected = p.Shares()
	s.Draining, s.Paused, s.Fee = p.IsDraining(), p.PayoutsPaused(), float64(p.feePPM.Load())/10_000
	if next := p.nextFee.Load(); next != nil {
		percent := float64(next.ppm) / 10_000
		s.NextFee, s.NextFeeAt = &percent, next.at.UTC()
	}
	if fault := p.accounts.Stopped(); fault != nil {
		s.Stopped = fault.Error()
	}
	counts := p.guard.Counts(now)
	s.Connections, s.Refused, s.Bans, s.BansTotal = counts.Connections, counts.Refused, counts.Banned, counts.Bans
	s.SyncMillis = float64(p.writer.SyncTime().Microseconds()) / 1000
	if j := p.CurrentJob(); j != nil {
		s.Height, s.Difficulty, s.JobAge = j.Template.Height, j.Template.Target.Difficulty(),
			now.Sub(j.Arrived).Seconds()
	}
	return s
}

// WorkerStats is Stats with the workers, by descending hash rate of an hour, and the sums of theirs. It walks all
// workers with the registry's lock held; what many ask for is ShownStats.
func (p *Pool) WorkerStats(now time.Time) Stats {
	s := p.Stats(now)
	for _, w := range p.registry.All() {
		one := w.Snapshot(now)
		s.HashRate1m += one.HashRate1m
		s.HashRate1h += one.HashRate1h
		s.HashRate24h += one.HashRate24h
		s.Workers = append(s.Workers, one)
	}
	slices.SortStableFunc(s.Workers, func(a, b worker.Stats) int {
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

// Workers on one page.
const (
	DefaultWorkersPage = 100
	MaxWorkersPage     = 1000
)

// WorkersPage is a part of the list of workers, and where the next begins.
type WorkersPage struct {
	Workers []worker.Stats
	Next    string // ?after= of the next page; empty at the end
}

// WorkersPage lists the workers whose numbers follow after, of one user if it is named.
func (p *Pool) WorkersPage(limit int, after uint64, user string, now time.Time) WorkersPage {
	page := WorkersPage{Workers: []worker.Stats{}}
	list := p.listed(after, user, now)
	if len(list) > limit {
		list = list[:limit]
		page.Next = strconv.FormatUint(list[limit-1].Number.Load(), 10)
	}
	for _, w := range list {
		page.Workers = append(page.Workers, w.Snapshot(now))
	}
	return page
}
