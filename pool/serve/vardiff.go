package serve

import (
	"math"
	"time"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/pool/stratum"
	"github.com/aqsha/aqsha/pool/worker"
)

// vardiff finds a connection's difficulty from how often its shares come. Only shares of jobs with
// the announced difficulty count: those of older, easier jobs say nothing about it.
type vardiff struct {
	wanted   stratum.Difficulty // announced before the next job, or the network's if that is easier
	since    time.Time          // when what is announced was; zero: no job yet
	shares   int                // at what is announced
	measured bool               // a share has been accepted: the rate, not the miner's wish, decides
	least    float64            // the device's own minimum (BIP 310); 0: none
	asked    float64            // suggested by the device; 0: nothing
}

// Retargeting waits for enough shares to tell a rate from chance, or long enough to tell silence.
const (
	vardiffShares  = 24
	vardiffSilence = time.Minute
	vardiffBand    = 2.0  // hysteresis: a rate within a factor of this is left alone
	vardiffStep    = 16.0 // the most that 24 shares, or a minute's silence, move the difficulty
	// maxTargetRate bounds the shares a minute that a connection of many workers is to send.
	maxTargetRate = 6000.0
	// activeWithin is how long a worker of a connection counts as working after a share.
	activeWithin = 10 * time.Minute
)

// bounds are what a difficulty may be: a port's, with the wishes of a connection's workers.
type bounds struct{ min, max, floor float64 }

// clamp keeps a difficulty within the bounds: exactly the pool's own at its ends, on the grid
// between them. A miner's own floor may exceed the pool's maximum: that only makes fewer shares.
func (b bounds) clamp(d float64) stratum.Difficulty {
	granted, err := stratum.FloorGrid(d)
	if err != nil || d >= b.max || granted.Float() <= b.min {
		granted = exactly(max(min(d, b.max), b.min))
	}
	if granted.Float() < b.floor {
		return stratum.CeilGrid(b.floor)
	}
	return granted
}

// exactly is a difficulty of the operator's choice, as near as one can be written.
func exactly(d float64) stratum.Difficulty {
	granted, err := stratum.FloorDifficulty(d)
	if err != nil {
		return stratum.Difficulty{N: 1}
	}
	return granted
}

// next moves the wanted difficulty by the measured rate: shares since the announcement against
// perMinute. The step up is bounded by the evidence (16, or as many times as it is two dozen shares),
// the step down by 16 a minute.
//
// With n shares in t minutes the factor is n / (t · perMinute). Shares come as a Poisson process, so n has a deviation
// of √n: at 24 shares a fifth, which is why a factor below vardiffBand changes nothing.
func (v *vardiff) next(now time.Time, announced stratum.Difficulty, perMinute float64, b bounds) {
	elapsed := now.Sub(v.since)
	if v.since.IsZero() || elapsed <= 0 || v.shares < vardiffShares && elapsed < vardiffSilence {
		return
	}
	factor := float64(v.shares) / elapsed.Minutes() / perMinute
	evidence := max(vardiffStep, float64(v.shares)/vardiffShares)
	v.since, v.shares = now, 0
	if factor < vardiffBand && factor > 1/vardiffBand {
		// What is announced is right; but what is wanted may wait for a harder network.
		if v.wanted.Compare(announced) < 0 {
			v.wanted = b.clamp(announced.Float())
		}
		return
	}
	factor = max(min(factor, evidence), 1/vardiffStep)
	v.wanted = b.clamp(announced.Float() * factor)
}

// grant is the difficulty to announce: what is wanted, but never harder than the network's. With a harder one a miner
// would throw away headers that solve a block.
func (v *vardiff) grant(network bitcoin.Target) stratum.Difficulty { return v.wanted.Clamp(network) }

// bounds of a connection: the port's, and as floor the greater of the device's wish and the least
// of its workers' wishes, so that no worker is held to what another has asked for.
func (c *conn) bounds() bounds {
	return bounds{min: c.port.MinDifficulty, max: c.port.MaxDifficulty, floor: max(c.vardiff.least, c.vardiff.asked,
		c.floor)}
}

// leastFloor is the least of the wishes of a connection's workers.
func (c *conn) leastFloor() float64 {
	least := math.Inf(1)
	c.each(func(w *worker.Worker) { least = min(least, w.FloorDifficulty()) })
	if math.IsInf(least, 1) {
		return 0
	}
	return least
}

// active counts the workers that are at work, of which each is to have its own rate of shares.
func (c *conn) active(now time.Time) float64 {
	n := 0
	for _, m := range c.workers {
		if now.Sub(m.last) < activeWithin {
			n++
		}
	}
	return float64(max(n, 1))
}

// counted notes a valid share of a job.
func (c *conn) counted(w *work, now time.Time) {
	c.good++
	c.vardiff.measured = true
	if w.step == c.announced() {
		c.vardiff.shares++
	}
	if c.workers != nil {
		if m := c.workers[w.name]; m != nil {
			m.last = now
		}
	}
}
