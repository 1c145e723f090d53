package drill

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/aqsha/aqsha/api"
)

// fault notes the moment from which on time is counted.
func (g *Group) fault(what string) {
	g.d.Say("  %s …", what)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.faulted = time.Now()
	g.last, g.served = g.faulted, false
}

// LeaderLost destroys the leader and promotes a follower.
func (g *Group) LeaderLost() error {
	g.fault("killing the leader and deleting its data")
	g.kill(0)
	if err := os.RemoveAll(g.dir(0)); err != nil {
		return err
	}
	return g.promote()
}

// leaderCutOff stops the leader's process without ending it, promotes a follower, and lets the old leader go on: it
// has promised nothing and knows of nothing, and must answer no payment all the same.
func (g *Group) leaderCutOff() error {
	g.fault("the leader stands still")
	if err := g.Nodes[0].Process.Signal(syscall.SIGSTOP); err != nil {
		return err
	}
	if err := g.promote(); err != nil {
		return err
	}
	if err := g.UntilServed(); err != nil {
		return err
	}
	g.d.Say("  the old leader goes on …")
	if err := g.Nodes[0].Process.Signal(syscall.SIGCONT); err != nil {
		return err
	}
	return g.answersNothing(0)
}

// followerLost kills one of two followers: the other acknowledges, and payments go on.
func (g *Group) followerLost() error {
	g.fault("killing a follower")
	g.kill(2)
	return nil
}

// twoLost kills both followers: the leader alone must answer nothing, since nobody has what it would answer for, and
// goes on by itself when they are back.
func (g *Group) twoLost() error {
	g.fault("killing both followers")
	g.kill(1)
	g.kill(2)
	if err := g.answersNothing(0); err != nil {
		return err
	}
	g.d.Say("  they come back …")
	return errors.Join(g.follow(1), g.follow(2))
}

// wrongPromotion promotes a follower while the other cannot be asked: it may lack what the other has acknowledged, so
// the promotion is to be refused until the other is back. The words of the refusal are looked at, so that it is that
// one.
func (g *Group) wrongPromotion() error {
	g.fault("killing the leader and a follower")
	g.kill(0)
	g.kill(2)
	switch err := g.promote(); {
	case err == nil:
		return errors.New("a promotion that may lose payments was not refused")
	case !strings.Contains(err.Error(), "--without"):
		return fmt.Errorf("a promotion that may lose payments was not refused for that: %w", err)
	}
	g.d.Say("  refused; the follower comes back …")
	if err := g.follow(2); err != nil {
		return err
	}
	return g.promote()
}

// switchover has a follower take over from a leader that runs, as for an update.
func (g *Group) switchover() error {
	g.fault("taking over")
	if err := g.Nodes[1].End(); err != nil {
		return err
	}
	child, err := g.d.serveAt(g.address(1), "switchover", "--data", g.dir(1), "--log-key", g.logKey())
	if err == nil {
		g.Nodes[1] = child
	}
	return err
}

// oldCopy puts an older copy of the leader's directory in place of it, as a restoration gone wrong does: its followers
// have acknowledged more than it knows, and it must answer nothing. A follower is promoted.
func (g *Group) oldCopy() error {
	g.kill(0)
	if err := os.CopyFS(g.d.Path("old"), os.DirFS(g.dir(0))); err != nil {
		return err
	}
	if err := g.lead(0); err != nil {
		return err
	}
	g.Wait(g.duration)
	g.fault("killing the leader and putting an old copy of it back")
	g.kill(0)
	if err := errors.Join(os.RemoveAll(g.dir(0)), os.CopyFS(g.dir(0), os.DirFS(g.d.Path("old")))); err != nil {
		return err
	}
	if err := g.lead(0); err != nil {
		return err
	}
	if err := g.answersNothing(0); err != nil {
		return err
	}
	return g.promote()
}

// answersNothing checks that a node alone answers no payment.
func (g *Group) answersNothing(i int) error {
	ctx, cancel := context.WithTimeout(g.d.ctx, 3*time.Second)
	defer cancel()
	answered := make(chan error, 1)
	go func() {
		answered <- g.payAt(ctx, api.NewClient(g.urls[i], ""))
	}()
	select {
	case err := <-answered:
		if err == nil {
			return errors.New("a node that may not answer answered a payment")
		}
	case <-ctx.Done():
	}
	return nil
}
