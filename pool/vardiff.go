package pool

import (
	"time"

	"github.com/aqsha/aqsha/pool/stratum"
)

// vardiff finds a connection's difficulty from how often its shares come.
type vardiff struct {
	since  time.Time
	shares int
	fixed  bool    // the miner has chosen for itself
	least  float64 // a miner's own minimum (BIP 310, or d= in the password); 0: none
}

// Retargeting waits for enough shares to tell a rate from chance, or long enough to tell silence.
const (
	vardiffShares  = 24
	vardiffSilence = time.Minute
	vardiffBand    = 2.0 // hysteresis: a rate within a factor of this is left alone
	vardiffStep    = 16.0
)

// next returns the difficulty for a connection that works at current, and whether it changes.
func (v *vardiff) next(now time.Time, current stratum.Difficulty, c *Config) (stratum.Difficulty, bool) {
	elapsed := now.Sub(v.since)
	if v.fixed || v.shares < vardiffShares && elapsed < vardiffSilence || elapsed <= 0 {
		return current, false
	}
	perMinute := float64(v.shares) / elapsed.Minutes()
	v.since, v.shares = now, 0
	factor := perMinute / c.SharesPerMinute
	if factor < vardiffBand && factor > 1/vardiffBand {
		return current, false
	}
	factor = max(min(factor, vardiffStep), 1/vardiffStep)
	next := v.clamp(current.Float()*factor, c)
	return next, next != current
}

// clamp applies the pool's bounds and the miner's own minimum, which may exceed the pool's maximum.
func (v *vardiff) clamp(d float64, c *Config) stratum.Difficulty {
	d = max(min(d, c.MaxDifficulty), c.MinDifficulty, v.least)
	granted, err := stratum.FloorDifficulty(d)
	if err != nil {
		granted = stratum.Difficulty{N: 1}
	}
	return granted
}
