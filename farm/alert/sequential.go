package alert

import (
	"math"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/farm/usage"
)

// Design of the sequential tests.
const (
	// machineDays is the mean time between false alarms of each test, at least.
	machineDays = 100_000
	pollsPerDay = 2880

	hashDrop  = 0.1  // of the reference: what is to be found
	hashSigma = 0.05 // of half a minute's work: taken higher than it is
	rejectLow = 0.01
	rejectBad = 0.1
	sendBad   = 6.0 / 7
	maxShare  = 100 // shares in a poll, as far as the bound on false alarms goes

	// A poll raises a sum by at most this much, so that one odd reading, or one burst of rejects, raises nothing.
	maxStep = 5.0
	// learnPolls is how many polls a machine's own level is learned from: six hours.
	learnPolls = 720
	warmUp     = 300 // seconds after a start in which the rate is not judged
)

// Thresholds: ln of the observations in the time between false alarms. Clocks that count whole seconds
// shift a sum of work by at most one second in thirty, which is allowed for.
var (
	hashThreshold   = math.Log(machineDays*pollsPerDay) + hashDrop/(hashSigma*hashSigma)/30
	rejectThreshold = math.Log(machineDays * pollsPerDay * 10)
	sendThreshold   = math.Log(machineDays*pollsPerDay) + 1
)

// cusum is Page's test: the log-likelihood ratio summed, never below zero.
type cusum struct{ sum float64 }

// add takes a step and says whether the threshold is passed; then it starts anew.
func (c *cusum) add(step, threshold float64) bool {
	c.sum = max(0, c.sum+min(maxStep, step))
	if c.sum < threshold {
		return false
	}
	c.sum = 0
	return true
}

// hashTest looks for a fall of the mean rate by a tenth, and then for its return.
type hashTest struct {
	down, up  cusum
	on        bool
	learned   int
	mean      float64 // of what was learned, as a part of what the machine should do
	reference float64 // 0: not learned yet; the first level is taken, or the nameplate
	recent    float64
	// What the machine should do, as the test was begun. When it changes, as by another nameplate or power limit, that
	// is no fall: the test begins anew, and takes what the machine then does for its level.
	nameplate, cap int64
	anew           bool
	first          float64 // level of the first polls anew; 0: not known
}

// relearnPolls is how many polls the first level is taken from when the test begins anew: ten minutes.
const relearnPolls = 20

// restart begins the test anew where what the machine should do has changed. An alert that held ends: it was measured
// by what is no more.
func (h *hashTest) restart(p usage.Poll) (restarted, ended bool) {
	if p.NameplateMHs <= 0 || (h.nameplate == p.NameplateMHs && h.cap == p.CapPermille) {
		return false, false
	}
	restarted, ended = h.nameplate != 0, h.on && h.nameplate != 0
	if restarted {
		*h = hashTest{anew: true}
	}
	h.nameplate, h.cap = p.NameplateMHs, p.CapPermille
	return restarted, ended
}

// see adds what was hashed between two polls. Spans that say nothing, such as those over a start or while the machine
// warms up, are passed over and keep the test where it is.
func (h *hashTest) see(before, p usage.Poll) (changed bool) {
	if restarted, ended := h.restart(p); restarted {
		return ended
	}
	seconds := float64(p.At-before.At) / 10
	if p.TotalMH < before.TotalMH || before.TotalMH < 0 || p.NameplateMHs <= 0 || p.Elapsed < warmUp || p.Sleeping ||
		before.Sleeping || !p.PoolAlive || !before.PoolAlive || seconds < 5 || seconds > 600 {
		return false
	}
	// What is known to be missing is another alert's.
	due := float64(p.NameplateMHs) * seconds * float64(min(p.CapPermille, 1000)) / 1000
	if p.BoardsDue > 0 && p.Boards >= 0 && before.Boards >= 0 {
		due *= float64(min(p.Boards, before.Boards, p.BoardsDue)) / float64(p.BoardsDue)
	}
	if due <= 0 || p.Throttled || before.Throttled {
		return false
	}
	x := float64(p.TotalMH-before.TotalMH) / due
	if x > 3 {
		return false // a counter that jumped
	}
	h.learn(x)
	if h.anew && h.first == 0 {
		return false
	}
	x /= h.level()
	h.recent += (min(x, 2) - h.recent) / 20
	variance := hashSigma * hashSigma * 30 / seconds
	step := hashDrop * (1 - hashDrop/2 - x) / variance
	if !h.on {
		h.on = h.down.add(step, hashThreshold)
		h.up = cusum{}
		return h.on
	}
	if h.up.add(-step, hashThreshold) {
		h.on, h.down = false, cusum{}
		return true
	}
	return false
}

// level is what the rate is measured by, as a part of what the machine should do.
func (h *hashTest) level() float64 {
	switch {
	case h.reference > 0:
		return h.reference
	case h.first > 0:
		return h.first
	}
	return 1
}

// learn finds the machine's own level, which may be a little off its nameplate, or off its first level anew.
func (h *hashTest) learn(x float64) {
	if h.reference > 0 || h.on {
		return
	}
	if h.learned == 0 {
		h.recent = x
	}
	h.mean += (x - h.mean) / float64(h.learned+1)
	h.learned++
	if h.anew && h.learned == relearnPolls {
		h.first, h.recent = max(h.mean, leastLevel), 1
	}
	switch {
	case h.learned < learnPolls:
	case h.anew: // the first level is of few polls, and may have been of a start
		h.reference = max(0.9*h.first, h.mean)
	default:
		h.reference = max(0.9, min(1.05, h.mean))
	}
}

// leastLevel keeps a machine that hashed next to nothing from being measured by that.
const leastLevel = 0.01

// found is what a fall is said to be of: what the machine used to do, where that is known.
func (h *hashTest) found() farm.Finding {
	if h.reference == 0 && h.first == 0 {
		return farm.Found("less-nameplate", "percent", h.percent())
	}
	return farm.Found("less-rate", "percent", h.percent())
}

func (h *hashTest) percent() int { return int(math.Round(100 * h.recent)) }

// rejectTest looks for a tenth of rejected shares where a hundredth is usual.
type rejectTest struct {
	worse, better cusum
	on            bool
}

// see adds the shares of a span; more than ten thousand are a counter that jumped.
func (r *rejectTest) see(accepted, rejected int64) (changed bool) {
	if accepted+rejected == 0 || accepted+rejected > 10_000 {
		return false
	}
	step := float64(rejected)*math.Log(rejectBad/rejectLow) + float64(accepted)*math.Log((1-rejectBad)/(1-rejectLow))
	if !r.on {
		r.on = r.worse.add(step, rejectThreshold)
		r.better = cusum{}
		return r.on
	}
	if r.better.add(-step, rejectThreshold) {
		r.on, r.worse = false, cusum{}
		return true
	}
	return false
}

// deliveryTest looks for shares that are missing for the work done.
type deliveryTest struct {
	less, enough cusum
	on           bool
	shareMH      float64 // work of a share, from the last poll in which some were accepted
}

// see compares how many shares came with how many the work makes on average. The size of a share is learned from the
// spans themselves.
func (d *deliveryTest) see(before, p usage.Poll, accepted, rejected int64) (changed bool) {
	hashed := p.TotalMH - before.TotalMH
	if before.TotalMH < 0 || before.AcceptedMH < 0 || hashed < 0 || p.AcceptedMH < before.AcceptedMH || !p.PoolAlive ||
		!before.PoolAlive || hashed > 3*p.NameplateMHs*int64(p.At-before.At)/10 {
		return false
	}
	known := d.shareMH
	if accepted > 0 {
		d.shareMH = float64(p.AcceptedMH-before.AcceptedMH) / float64(accepted)
	}
	if known <= 0 || accepted+rejected > maxShare*10 {
		return false
	}
	expected := float64(hashed) / known
	step := float64(accepted+rejected)*math.Log(sendBad) + expected*(1-sendBad)
	if !d.on {
		d.on = d.less.add(step, sendThreshold)
		d.enough = cusum{}
		return d.on
	}
	if d.enough.add(-step, sendThreshold) {
		d.on, d.less = false, cusum{}
		return true
	}
	return false
}
