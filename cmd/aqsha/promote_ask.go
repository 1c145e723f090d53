package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/node/failover"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog"
)

// standing is how far a node is, by the checkpoint that it shows; a follower's bears its cosignature, and so says who it is.
type standing struct {
	URL       string   `json:"url"`
	Size      uint64   `json:"size,omitempty"`
	Followers []string `json:"followers,omitempty"` // who cosigned it
	// LeaderSize is how many entries the leader had when this node heard it last.
	LeaderSize uint64 `json:"leader_size,omitempty"`
	Error      string `json:"error,omitempty"` // why it could not be asked
}

// standingOf asks a node and verifies its answer.
func (p *promoting) standingOf(ctx context.Context, url string) (s standing) {
	s.URL = url
	asking, cancel := context.WithTimeout(ctx, askWait)
	defer cancel()
	signed, err := node.Standing(asking, p.client(url))
	if err != nil {
		s.Error = err.Error()
		return s
	}
	if h, err := p.client(url).Health(asking); err == nil && h.Follows != nil {
		s.LeaderSize = h.Follows.LeaderSize
	}
	verifier, err := note.NewVerifier(p.n.Genesis().LogKey)
	if err == nil {
		var c txlog.Checkpoint
		c, _, err = txlog.OpenCheckpoint(signed, p.n.Log().Origin(), note.VerifierList(verifier))
		s.Size = c.Size
	}
	if err != nil {
		s.Error = err.Error()
		return s
	}
	if opened, err := note.Open(signed, note.VerifierList(p.verifiers...)); err == nil && url != p.old {
		for _, sig := range opened.Sigs {
			s.Followers = append(s.Followers, sig.Name)
		}
	}
	return s
}

// ask asks everybody how far he is, copies from who has more, and refuses when something answered may be lost.
func (p *promoting) ask(ctx context.Context) error {
	var heard []string
	oldAnswers := false
	urls := p.urls()
	answers := make([]standing, len(urls))
	p.atOnce(urls, func(i int, url string) { answers[i] = p.standingOf(ctx, url) })
	for i, url := range urls {
		s := answers[i]
		p.result.Asked = append(p.result.Asked, s)
		heard = append(heard, s.Followers...)
		if s.Error == "" {
			p.there = append(p.there, url)
			for name, at := range p.c.FollowerURLs { // one that led meanwhile cosigns nothing, and can promise
				if strings.TrimSuffix(at, "/") == url {
					heard = append(heard, name)
				}
			}
		}
		if url == p.old { // it is copied when it has stopped
			oldAnswers = s.Error == "" && !p.withoutOldLeader
			if p.planned && oldAnswers { // while it goes on, and this follower acknowledges
				if err := p.n.FollowUntil(ctx, p.client(url), p.signs, s.Size, nil); err != nil {
					return err
				}
			}
			continue
		}
		if err := p.copyFrom(ctx, s, p.acceptLoss); err != nil {
			return err
		}
	}
	if p.planned && !oldAnswers {
		return fmt.Errorf("the leader %s does not answer: a switchover is with a leader that is there; for one that is lost, aqsha promote", p.old)
	}
	if oldAnswers || p.c.Acks == 0 {
		return nil
	}
	var missing []string
	for _, v := range p.verifiers {
		if !slices.Contains(heard, v.Name()) {
			missing = append(missing, v.Name())
		}
	}
	return p.giveUp(missing, false, p.c.Acks)
}

// atOnce asks several side by side: one that stands still costs its deadline once.
func (p *promoting) atOnce(urls []string, ask func(i int, url string)) {
	var group sync.WaitGroup
	for i, url := range urls {
		group.Go(func() { ask(i, url) })
	}
	group.Wait()
}

// giveUp refuses to do without followers that may have acknowledged something alone, unless each is given up by name.
func (p *promoting) giveUp(silent []string, stopped bool, acks int) error {
	if failover.MayLead(acks, len(silent), stopped) {
		return nil // whatever was answered, somebody who was asked has it, or this follower
	}
	for _, name := range silent {
		if !p.acceptLoss || !slices.Contains(p.without, name) {
			return token.Errorf(wouldLose, "followers", "with acks = %d, %s may have acknowledged payments alone and cannot be asked%s: name its URL with --ask (or give it up with --without %s --accept-loss: what only it has is lost)",
				acks, strings.Join(silent, " and "), p.lastHeard(), strings.Join(silent, " --without "))
		}
	}
	for _, name := range silent {
		if !slices.Contains(p.result.GivenUp, name) {
			p.result.GivenUp = append(p.result.GivenUp, name)
		}
	}
	return nil
}

// rival is the code of a promotion beside which another follower might be promoted.
const rival token.Code = "rival-candidate"

// alone refuses to lead when a follower that did not promise could be promoted at the same time: both would wait for the other's
// acknowledgement. Who is named with --without is not: a person says so.
func (p *promoting) alone(silent []string, stopped bool) error {
	var rivals []string
	for _, name := range silent {
		if !slices.Contains(p.without, name) {
			rivals = append(rivals, name)
		}
	}
	all := len(p.followers) + 1
	if failover.Alone(all, all-len(rivals), stopped) {
		return nil
	}
	return token.Errorf(rival, "followers", "%s did not promise and may be about to be promoted too: start it (aqsha follow) and promote again, name its URL with --ask, or say that it is not (--without %s)",
		strings.Join(rivals, " and "), strings.Join(rivals, " --without "))
}

// lastHeard says how much the old leader had when anybody who was asked heard it last.
func (p *promoting) lastHeard() string {
	most, has := uint64(0), p.n.Log().Size()
	for _, s := range p.result.Asked {
		most = max(most, s.LeaderSize)
	}
	if most <= has {
		return ""
	}
	return fmt.Sprintf(" (the old leader was last heard with %d entries, %d more than are here)", most, most-has)
}

// copyFrom copies what a node has and this follower has not, or refuses to do without unless that is accepted.
func (p *promoting) copyFrom(ctx context.Context, s standing, accept bool) error {
	has := p.n.Log().Size()
	if s.Error != "" || s.Size <= has {
		return nil
	}
	err := p.n.FollowUntil(ctx, p.client(s.URL), nil, s.Size, nil)
	if err == nil {
		return nil
	}
	lost := p.lost(s)
	if !accept {
		return token.Errorf(wouldLose, "size", "%s has %d entries, %d more than this follower, and they could not be copied (%v): promote that one, or accept that they are lost (--accept-loss)", s.URL, s.Size, lost, err)
	}
	p.gaveUp(s)
	return nil
}

// lost is how many entries a node has that are not here.
func (p *promoting) lost(s standing) uint64 { return s.Size - min(s.Size, p.n.Log().Size()) }

// gaveUp notes that what a node has is done without.
func (p *promoting) gaveUp(s standing) {
	if lost := p.lost(s); lost > p.result.Lost {
		p.result.Lost, p.result.LostFrom = lost, s.URL
	}
}

// copyRest copies what those have who took the fence: they write and acknowledge nothing more under the old leader, so
// that what they have now is all that they will ever have of it.
func (p *promoting) copyRest(ctx context.Context) error {
	for _, url := range p.result.Told {
		s := p.standingOf(ctx, url)
		if url != p.old {
			if err := p.copyFrom(ctx, s, p.acceptLoss); err != nil {
				return fmt.Errorf("the fence is signed; try again: %w", err)
			}
			continue
		}
		if p.withoutOldLeader {
			p.gaveUp(s)
			continue
		}
		if s.Error == "" {
			err := p.copyFrom(ctx, s, false)
			if err == nil {
				continue
			}
			s.Error = err.Error()
		}
		return fmt.Errorf("the old leader has stopped, but its last entries could not be copied; try again, or do without them (--without-old-leader: up to %d entries are lost): %s", p.lost(s), s.Error)
	}
	return nil
}
