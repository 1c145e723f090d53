package node

import (
	"fmt"
	"sync"
	"time"

	formats "github.com/transparency-dev/formats/note"
	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/token"
)

// ClockDoubted is the code of transactions that are not taken because the machine's clock may be wrong. They change
// nothing and can be sent again: a block dated ahead would let proposals, new keys and contracts fall due that others
// may still want to stop, and time on the ledger only grows.
const ClockDoubted token.Code = "clock-doubted"

// DefaultClockBound is how far clocks may be apart unless the configuration says otherwise.
const DefaultClockBound = 10 * time.Second

// anchorFor is for how long a reading of the clock is held against the monotonic one before another takes its place.
// Steps of less than the bound are believed; more than one of them in that time adds up.
const anchorFor = time.Hour

// behindFor is for how long a clock that stepped back may return to where it would be: it dates nothing ahead
// meanwhile, the time on the ledger waits. After that the step was right, and returning is a jump.
const behindFor = 24 * time.Hour

// heardFor is for how long a follower's clock, as he last signed it, says something about this one.
const heardFor = 30 * time.Second

// clock dates a leader's blocks. It believes the wall clock as long as it runs like the monotonic one, which nobody can
// set. At the start there is none to compare with but the last block: a gap that is shorter than every delay in force
// is a night or a holiday; a longer one needs a follower's clock, or a person's word.
type clock struct {
	now       func() uint64        // Unix milliseconds
	monotonic func() time.Duration // nil believes the wall clock whatever it says
	bound     int64                // ms that clocks may be apart
	acks      bool                 // followers must acknowledge: one whose clock is behind will not
	trusted   bool                 // whatever the wall clock does, nothing at stake hangs on it

	mu       sync.Mutex    // over what follows; the executor and followers' answers come from different goroutines
	wall     int64         // a reading that is believed, or the first
	at       time.Duration // the monotonic clock then
	gapped   bool          // nobody has said yet that the gap at the start is one
	last     int64         // the last block's time at the start
	delay    int64         // ms, the shortest delay in force then
	doubt    string        // why the clock is not believed, when last read; empty when it is
	behind   int64         // ms that it stands behind the last block, if more than the bound
	heard    map[string]heardClock
	anybody  chan struct{} // closed when a follower's clock was heard
	accepted bool          // a person's word, for the gap at the start
}

// heardClock is a follower's clock, as he signed it with a cosignature.
type heardClock struct {
	millis int64
	at     time.Duration // the monotonic clock here when it came
}

func newClock(c *Config) *clock {
	return &clock{now: c.Now, monotonic: c.Monotonic, bound: c.ClockBound.Milliseconds(), acks: c.Acks > 0,
		trusted: c.TrustClock, accepted: c.AcceptTime,
		heard: map[string]heardClock{}, anybody: make(chan struct{})}
}

// begin reads the clock at the start. last is the last block's time, 0 when there is but the genesis, and delay the
// shortest delay in force, in milliseconds. It is called once, before the executor runs.
func (c *clock) begin(last, delay uint64) {
	if c.monotonic == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wall, c.at, c.last, c.delay = int64(c.now()), c.monotonic(), int64(last), int64(delay)
	c.gapped = last != 0 && !c.accepted
}

// read returns the time to date a block with, never before the last block's, or why there is none.
func (c *clock) read(last uint64) (uint64, *token.Error) {
	if c.monotonic == nil {
		return max(c.now(), last), nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	wall := c.judge(last)
	if c.doubt != "" {
		return 0, refuse(ClockDoubted, "", "%s", c.doubt)
	}
	return max(uint64(wall), last), nil
}

// judge reads the clock and says in doubt whether it is believed. The lock is held.
//
// With a believed reading (wall₀, mono₀) the step is (wall − wall₀) − (mono − mono₀). Followers' clocks come before
// everything else, for or against; then a person's word; only where neither speaks do the gap at the start and the step
// decide.
func (c *clock) judge(last uint64) (wall int64) {
	wall, at := int64(c.now()), c.monotonic()
	ran := (at - c.at).Milliseconds()
	step := wall - c.wall - ran
	agree, ahead := c.compare(wall, at)
	c.doubt = ""
	if c.behind = 0; wall < int64(last)-c.bound {
		c.behind = int64(last) - wall
	}
	if c.gapped && wall-ran-c.last <= c.delay {
		c.gapped = false
		c.wall, c.at, step = wall, at, 0 // it was set right before the first block, or was right
	}
	switch {
	case agree > ahead:
		c.gapped, c.wall, c.at = false, wall, at
	case c.acks && ahead > agree:
		c.doubt = fmt.Sprintf("this machine's clock is more than %s ahead of its followers', who will not take "+
			"blocks of that time: set it right", spell(c.bound))
	case c.trusted:
		c.gapped, c.wall, c.at = false, wall, at
	case c.gapped:
		c.doubt = fmt.Sprintf("this machine's clock is %s after the last block, longer than the shortest delay in "+
			"force, %s: if %s is the right time, start once with --accept-time, or have a follower connect whose "+
			"clock says the same",
			spell(wall-c.last), spell(c.delay), stamp(wall))
	case step > c.bound:
		c.doubt = fmt.Sprintf("this machine's clock jumped ahead by %s, to %s: set it back, or if it is right now, "+
			"start again with --accept-time", spell(step), stamp(wall))
	case at-c.at >= anchorFor && (step >= -c.bound || at-c.at >= behindFor):
		c.wall, c.at = wall, at
	}
	return wall
}

// compare counts the followers whose clocks, heard lately, agree with this one, and those of whom it is ahead.
func (c *clock) compare(wall int64, at time.Duration) (agree, ahead int) {
	for _, h := range c.heard { // any order: counted
		if at-h.at > heardFor {
			continue
		}
		switch skew := wall - h.now(at); {
		case skew > c.bound+signedSecond:
			ahead++
		case skew >= -c.bound-signedSecond:
			agree++
		}
	}
	return agree, ahead
}

// signedSecond: cosignatures state whole seconds.
const signedSecond = 1000

// now is what the follower's clock says now, if it runs like ours.
func (h heardClock) now(at time.Duration) int64 { return h.millis + (at - h.at).Milliseconds() }

// hear takes a follower's clock from his cosignature. An older one than before is somebody's copy and says nothing.
func (c *clock) hear(sig note.Signature) {
	stated, err := formats.CoSigV1Timestamp(sig)
	if err != nil || c.monotonic == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if before, known := c.heard[sig.Name]; known && stated.UnixMilli() <= before.millis {
		return
	}
	if len(c.heard) == 0 {
		close(c.anybody)
	}
	c.heard[sig.Name] = heardClock{stated.UnixMilli(), c.monotonic()}
}

// shortestDelay is the shortest time, in milliseconds, that the ledger in force makes anything wait for so that
// somebody may stop it: a start that skips it could have that happen at once.
func shortestDelay(a *ledger.Authority) uint64 {
	if rekey := a.Policy.RekeyDelayMillis; rekey != 0 {
		return min(a.DelayMillis, rekey)
	}
	return a.DelayMillis
}

// ClockState is what a node makes of its clock.
type ClockState struct {
	TimeMillis  uint64 `json:"time_millis"`      // that the next block would have, if the clock is believed
	Believed    bool   `json:"believed"`         // blocks are dated by it
	Detail      string `json:"detail,omitempty"` // why not, with the remedy
	BoundMillis int64  `json:"bound_millis"`     // that clocks may be apart
	// this clock less the follower's that is farthest from it, as last heard; of whole seconds
	SkewMillis *int64 `json:"skew_millis,omitempty"`
	StepMillis int64  `json:"step_millis"`             // that this clock ran ahead of the monotonic one, or behind it
	Behind     int64  `json:"behind_millis,omitempty"` // that this clock stands behind the last block: its time waits
	Guard      string `json:"guard"`                   // who else watches the time of blocks
}

// Words for who watches a leader's clock.
const (
	guardFollowers = "followers acknowledge blocks, and none that is dated ahead of their own clocks"
	guardNobody    = "nobody: no follower must acknowledge, so this machine alone dates blocks, and no delay is " +
		"longer than its clock says"
	guardCluster = "the validators: a block has the median of their clocks, and this one alone moves no time"
	guardLeader  = "this follower takes no block that is dated ahead of its own clock"
)

// state describes the clock, after a last block.
func (c *clock) state(last uint64) ClockState {
	s := ClockState{BoundMillis: c.bound, Believed: true, Guard: guardNobody}
	if c.acks {
		s.Guard = guardFollowers
	}
	if c.monotonic == nil {
		s.TimeMillis = max(c.now(), last)
		return s
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	wall := c.judge(last)
	at := c.monotonic()
	for _, h := range c.heard { // any order: the farthest
		if skew := wall - h.now(at); s.SkewMillis == nil || max(skew, -skew) > max(*s.SkewMillis, -*s.SkewMillis) {
			s.SkewMillis = &skew
		}
	}
	s.TimeMillis, s.Believed, s.Detail, s.Behind = max(uint64(wall), last), c.doubt == "", c.doubt, c.behind
	s.StepMillis = wall - c.wall - (at - c.at).Milliseconds()
	return s
}

// Clock says what the node makes of its clock.
func (n *Node) Clock() ClockState {
	last := n.shownTime.Load()
	s := n.clock.state(last)
	switch {
	case n.config.Leader != "":
		s.Guard = guardLeader
	case n.config.Sequencer != nil:
		s.Guard = guardCluster
	}
	return s
}

// warnings words what of the clock the operator should see to.
func (c ClockState) warnings() (list []string) {
	if !c.Believed {
		list = append(list, c.Detail)
	}
	if c.Behind > 0 {
		list = append(list, fmt.Sprintf("this machine's clock is %s behind the last block: set it right; until it "+
			"has come there, blocks have the last one's time", spell(c.Behind)))
	}
	if c.SkewMillis != nil && max(*c.SkewMillis, -*c.SkewMillis) > c.BoundMillis+signedSecond {
		list = append(list, fmt.Sprintf("this machine's clock and a follower's are %s apart",
			spell(max(*c.SkewMillis, -*c.SkewMillis))))
	}
	return list
}

// spell is a span for people.
func spell(millis int64) string {
	d := time.Duration(millis) * time.Millisecond
	if d >= 48*time.Hour {
		return fmt.Sprintf("%d days", int(d/(24*time.Hour)))
	}
	return d.Round(100 * time.Millisecond).String()
}

func stamp(millis int64) string { return time.UnixMilli(millis).UTC().Format(time.RFC3339) }
