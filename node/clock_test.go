package node_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/internal/sim/disk"
	"github.com/aqsha/aqsha/livestate"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog"
)

// machine is a computer whose clock can be set; the bubble's time is the right one.
type machine struct {
	offset  atomic.Int64 // ms by which its clock is wrong
	started time.Time
}

func (m *machine) set(wrong time.Duration) { m.offset.Store(wrong.Milliseconds()) }
func (m *machine) now() uint64             { return uint64(time.Now().UnixMilli() + m.offset.Load()) }
func (m *machine) monotonic() time.Duration {
	return time.Since(m.started) // counts on whatever is set
}

// dated is a ledger on a machine of its own, in a bubble whose time is the right one.
type dated struct {
	*machine
	t      *testing.T
	world  *sim.World
	config node.Config
	node   *node.Node
	bank   token.WalletID
	issued uint64
}

func newDated(t *testing.T, change func(c *node.Config)) *dated {
	t.Helper()
	time.Sleep(time.Until(time.UnixMilli(sim.StartMillis + 1000))) // bubbles begin in 2000
	d := &dated{machine: &machine{started: time.Now()}, t: t, world: sim.NewWorld(44)}
	d.config = node.Config{Dir: "data", NoIndex: true, Now: d.now, Monotonic: d.monotonic,
		Options: txlog.Options{Origin: d.world.Genesis.Name, Signers: []note.Signer{d.world.LogSigner}, FS: disk.New(1).FS(), SegmentBytes: 1 << 16}}
	if err := node.Init(d.config, d.world.Genesis); err != nil {
		t.Fatal(err)
	}
	d.open()
	admit, bank := d.world.Admit("bank", 1, d.valid())
	d.bank = bank
	if _, err := d.node.Submit(t.Context(), admit); err != nil {
		t.Fatal(err)
	}
	if change != nil {
		d.restart(change)
	}
	return d
}

// valid is until when what is signed now may be executed, by the node's time as wallets do it.
func (d *dated) valid() uint64 { return d.node.Clock().TimeMillis + 600_000 }

func (d *dated) open() {
	d.t.Helper()
	n, err := node.Open(d.config)
	if err != nil {
		d.t.Fatal(err)
	}
	d.node = n
}

func (d *dated) close() {
	d.t.Helper()
	if err := d.node.Close(); err != nil {
		d.t.Fatal(err)
	}
}

func (d *dated) restart(change func(c *node.Config)) {
	d.t.Helper()
	d.close()
	if change != nil {
		change(&d.config)
	}
	d.open()
}

// issue makes a block.
func (d *dated) issue() (node.Receipt, error) {
	receipt, err := d.node.Submit(d.t.Context(), d.world.Issue(d.issued+1, d.bank, d.valid(), money.Tenge))
	if err == nil {
		d.issued++
	}
	return receipt, err
}

// pays checks that a block is made, dated by the right time, or not before the last.
func (d *dated) pays(what string) node.Receipt {
	d.t.Helper()
	receipt, err := d.issue()
	if err != nil {
		d.t.Fatalf("%s: %v", what, err)
	}
	return receipt
}

// doubts checks that nothing is executed, whatever falls due, and that the node says why and what to do.
func (d *dated) doubts(what string) {
	d.t.Helper()
	before := d.node.Head()
	_, err := d.issue()
	var refusal *token.Error
	if !errors.As(err, &refusal) || refusal.Code != node.ClockDoubted {
		d.t.Fatalf("%s: a payment gives %v", what, err)
	}
	time.Sleep(5 * time.Second) // what falls due is looked for every second
	synctest.Wait()
	if head := d.node.Head(); head != before {
		d.t.Fatalf("%s: block %d is dated %d, the last one %d", what, head.Height, head.TimeMillis, before.TimeMillis)
	}
	if c := d.node.Clock(); c.Believed || c.Detail == "" || len(d.node.Warnings()) == 0 {
		d.t.Fatalf("%s: the node says %+v", what, c)
	}
}

// propose has a change of the cap wait for the authority's delay.
func (d *dated) propose() {
	d.t.Helper()
	body := &token.Propose{By: token.RolePolicy, Sequence: d.sequence(), Change: token.Change{DailyCap: 900_000_000 * money.Tenge}}
	if _, err := d.node.Submit(d.t.Context(), d.world.Sign(body, d.valid(), d.world.By(token.RolePolicy, 2))); err != nil {
		d.t.Fatal(err)
	}
}

func (d *dated) sequence() (n uint64) {
	_ = d.node.View(d.t.Context(), func(s *livestate.State, _ node.Head) { n = s.Authority().Set(token.RolePolicy).Sequence })
	return n
}

func (d *dated) proposals() (n int) {
	_ = d.node.View(d.t.Context(), func(s *livestate.State, _ node.Head) { n = len(s.Authority().Proposals) })
	return n
}

var leaps = []time.Duration{2 * time.Hour, 30 * time.Hour, 10 * 365 * 24 * time.Hour}

// A clock that is set while the node runs dates no block ahead: no proposal takes effect before its delay is over, and
// the ledger goes on when the clock is right again. A step back stops nothing.
func TestAClockThatJumpsWhileRunning(t *testing.T) {
	for _, leap := range leaps {
		t.Run(leap.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDated(t, nil)
				d.propose()
				d.pays("before")
				d.set(leap)
				d.doubts("ahead")
				d.set(0)
				d.pays("set back")
				if d.proposals() != 1 {
					t.Error("the proposal took effect")
				}
				d.set(-leap)
				last := d.node.Head()
				if receipt := d.pays("behind"); receipt.TimeMillis != last.TimeMillis {
					t.Errorf("dated %d after %d", receipt.TimeMillis, last.TimeMillis)
				}
				if c := d.node.Clock(); c.Behind < leap.Milliseconds()-60_000 || len(d.node.Warnings()) == 0 {
					t.Errorf("behind: %+v", c)
				}
				d.set(0)
				d.pays("right again")
				if leap != leaps[0] || raced { // a day of the bubble's seconds takes some of ours
					d.close()
					return
				}
				d.set(-leap)
				d.pays("behind again")
				time.Sleep(25 * time.Hour)
				d.pays("it stays behind")
				d.set(0)
				d.doubts("after a day that is a jump")
				d.set(-leap)
				d.pays("as before")
				d.close()
			})
		})
	}
}

// Steps within the bound are believed, but they do not add up to a jump.
func TestSmallStepsOfAClockDoNotAddUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDated(t, nil)
		for step := time.Duration(0); step <= 9*time.Second; step += 3 * time.Second {
			d.set(step)
			d.pays(step.String())
		}
		d.set(12 * time.Second)
		d.doubts("12 s in steps of 3")
		d.close()
	})
}

// At the start a night is a night; a gap that a delay in force fits into wants a person's word, or the right time.
func TestTheGapAtTheStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDated(t, nil)
		d.propose()
		for _, rest := range []time.Duration{8 * time.Hour, 15 * time.Hour} {
			d.close()
			time.Sleep(rest)
			d.open()
			d.pays(fmt.Sprint("after ", rest))
		}
		for _, leap := range leaps[1:] {
			d.set(leap)
			d.restart(nil)
			d.doubts(fmt.Sprint("started ahead by ", leap))
			if d.proposals() != 1 {
				t.Fatal("the proposal took effect")
			}
			d.set(0) // while it runs
			d.pays("set right")
		}
		d.close()
		time.Sleep(40 * time.Hour) // a weekend
		d.open()
		d.doubts("after a weekend")
		d.restart(func(c *node.Config) { c.AcceptTime = true })
		d.pays("with a person's word")
		if d.proposals() != 0 {
			t.Error("the proposal does not take effect when its time has come")
		}
		d.close()
	})
}

// One payment at +10 years once closed a ledger for good. Its time stands still then, and payments go on.
func TestALedgerAheadOfAllClocksGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDated(t, nil)
		d.set(leaps[2])
		d.restart(func(c *node.Config) { c.AcceptTime = true }) // the person was wrong
		last := d.pays("ten years ahead")
		d.set(0)
		d.restart(func(c *node.Config) { c.AcceptTime = false })
		for range 3 {
			if receipt := d.pays("the clock is right again"); receipt.TimeMillis != last.TimeMillis {
				t.Fatalf("dated %d after %d", receipt.TimeMillis, last.TimeMillis)
			}
		}
		d.close()
	})
}

// copyOf is a follower of a dated ledger on a machine of its own.
func (d *dated) copyOf(m *machine) *node.Node {
	d.t.Helper()
	config := node.Config{Dir: "copy", NoIndex: true, Leader: "leader", Now: m.now, Monotonic: m.monotonic,
		Options: txlog.Options{Origin: d.world.Genesis.Name, FS: disk.New(2).FS(), SegmentBytes: 1 << 16}}
	genesis, err := d.node.Log().Entry(0)
	if err != nil {
		d.t.Fatal(err)
	}
	if _, err := node.InitCopy(config, genesis); err != nil {
		d.t.Fatal(err)
	}
	n, err := node.Open(config)
	if err != nil {
		d.t.Fatal(err)
	}
	return n
}

// follow lets a copy follow until stop is called.
func (d *dated) follow(n *node.Node, leader direct, signer note.Signer) (stop func()) {
	ctx, cancel := context.WithCancel(d.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- n.Follow(ctx, leader, signer) }()
	return func() {
		d.t.Helper()
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			d.t.Errorf("following ended: %v", err)
		}
		if err := n.Close(); err != nil {
			d.t.Error(err)
		}
	}
}

// A follower neither keeps nor cosigns a block that is dated ahead of his clock, whoever's clock is wrong; he waits, says
// so, and goes on by himself when its time has come, or his clock is set right.
func TestAFollowerTakesNoBlockFromTheFuture(t *testing.T) {
	for _, leap := range leaps {
		for _, whose := range []string{"the leader's", "the follower's"} {
			t.Run(fmt.Sprint(whose, " ", leap), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					signer, verifier := cosigner(t, "follower")
					d := newDated(t, func(c *node.Config) { c.Followers, c.AcceptTime = []note.Verifier{verifier}, true })
					m := &machine{started: time.Now()}
					n := d.copyOf(m)
					d.pays("before")
					held := d.node.Head()
					leading := to(d.node)
					stop := d.follow(n, leading, signer)
					time.Sleep(5 * time.Second)
					synctest.Wait()
					if n.Head() != held {
						t.Fatalf("the follower stands at %d of %d", n.Head().Size, held.Size)
					}
					if whose == "the leader's" {
						leading.pointer.Store(nil)
						d.set(leap)
						d.restart(nil)
						leading.pointer.Store(d.node)
						time.Sleep(10 * time.Second) // it hears the follower's clock
					} else {
						m.set(-leap)
					}
					d.pays("ahead of the follower's clock")
					time.Sleep(time.Minute)
					synctest.Wait()
					state, _ := n.FollowState()
					if n.Head() != held || n.Log().Size() != held.Size || !state.Waits || state.Detail == "" || state.Ahead < leap.Milliseconds()-120_000 {
						t.Fatalf("the follower stands at %d, held %d: %+v", n.Head().Size, held.Size, state)
					}
					if whose == "the leader's" {
						if warnings := d.node.Warnings(); len(warnings) == 0 {
							t.Error("the leader does not warn that the clocks differ")
						}
						m.set(leap) // the time has come there, as far as the follower can know
					} else {
						m.set(0)
					}
					time.Sleep(time.Minute)
					synctest.Wait()
					if state, _ = n.FollowState(); n.Head() != d.node.Head() || state.Waits || !state.Connected {
						t.Fatalf("when its time has come the follower stands at %d of %d: %+v", n.Head().Size, d.node.Head().Size, state)
					}
					stop()
					d.close()
				})
			})
		}
	}
}

// With a follower that must acknowledge, a leader that starts with a wrong clock dates nothing by it: he asks the follower's
// first. Nobody's delay can be jumped over by one machine.
func TestALeaderHoldsHisClockAgainstHisFollowers(t *testing.T) {
	for _, leap := range leaps {
		t.Run(leap.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				signer, verifier := cosigner(t, "follower")
				d := newDated(t, func(c *node.Config) { c.Followers, c.Acks = []note.Verifier{verifier}, 1 })
				leading := to(d.node)
				stop := d.follow(d.copyOf(&machine{started: time.Now()}), leading, signer)
				d.pays("with a follower")
				d.propose()
				leading.pointer.Store(nil)
				d.set(leap)
				d.restart(func(c *node.Config) { c.AcceptTime = true }) // even then
				leading.pointer.Store(d.node)
				time.Sleep(10 * time.Second)
				d.doubts("ahead of the follower")
				if c := d.node.Clock(); c.SkewMillis == nil || *c.SkewMillis < leap.Milliseconds()-2000 {
					t.Errorf("the skew is not told: %+v", c)
				}
				d.set(0)
				d.pays("set right")
				if d.proposals() != 1 {
					t.Error("the proposal took effect")
				}
				if leap != leaps[0] || raced { // a day of the bubble's seconds takes some of ours
					stop()
					d.close()
					time.Sleep(5 * time.Second) // closing waits so long for followers
					return
				}
				// The follower's clock is as good as a person's word for a long gap.
				leading.pointer.Store(nil)
				d.close()
				time.Sleep(25 * time.Hour)
				d.config.AcceptTime = false
				d.open()
				leading.pointer.Store(d.node)
				time.Sleep(10 * time.Second)
				d.pays("after a day at rest, with a follower")
				stop()
				d.close()
				time.Sleep(5 * time.Second) // closing waits so long for followers
			})
		})
	}
}
