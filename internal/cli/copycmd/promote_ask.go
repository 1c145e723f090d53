package copycmd

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/internal/cli/datadir"
	"github.com/aqsha/aqsha/internal/cli/statuscmd"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/node/failover"
	"github.com/aqsha/aqsha/node/signers"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog"
)

// standing is how far a node is, by the checkpoint that it shows; a follower's bears its cosignature, and so says who
// it is.
type standing struct {
	URL       string   `json:"url"`
	Size      uint64   `json:"size,omitempty"`
	Followers []string `json:"followers,omitempty"` // who cosigned it
	// LeaderSize is how many entries the leader had when this node heard it last.
	LeaderSize uint64 `json:"leader_size,omitempty"`
	Error      string `json:"error,omitempty"` // why it could not be asked, or does not count

	root  txlog.Hash // of so many entries
	epoch uint64     // in which its checkpoint was signed
}

// standingOf asks a node and verifies its answer.
func (p *promoting) standingOf(ctx context.Context, url string) (s standing) {
	s.URL = url
	asking, cancel := context.WithTimeout(ctx, datadir.QueryWait)
	defer cancel()
	signed, err := node.Standing(asking, p.client(url))
	if err != nil {
		s.Error = statuscmd.Unanswered(url, err)
		return s
	}
	if h, err := p.client(url).Health(asking); err == nil && h.Follows != nil {
		s.LeaderSize = h.Follows.LeaderSize
	}
	c, err := p.signedBy(asking, url, signed)
	if err == nil {
		s.Size, s.root, s.epoch = c.Size, c.Root, node.EpochOf(c)
		if err == nil {
			err = p.n.Covers(c) // nobody was told of what it has: it is not copied, and its word does not count
		}
	}
	if err != nil {
		s.Error = statuscmd.Unanswered(url, err)
		return s
	}
	if opened, err := note.Open(signed, note.VerifierList(p.verifiers...)); err == nil && url != p.old {
		for _, sig := range opened.Sigs {
			s.Followers = append(s.Followers, sig.Name)
		}
	}
	return s
}

// signedBy opens a node's checkpoint. One that those who are known here have not signed may be of those who sign behind
// what this follower has: the node shows how they came.
func (p *promoting) signedBy(ctx context.Context, url string, signed []byte) (c txlog.Checkpoint, err error) {
	known, err := p.n.Signers()
	if err != nil {
		return c, err
	}
	if c, _, err = known.Open(signed); err == nil {
		return c, nil
	}
	claimed, parsing := txlog.ParseSigned(signed)
	if parsing != nil || claimed.Size <= p.n.Log().Size() {
		return c, err
	}
	shown, asked := p.client(url).Signers(ctx)
	if asked != nil || shown == nil {
		return c, err
	}
	links, asked := signers.Decode(shown)
	if asked == nil {
		asked = p.n.LearnSigners(links)
	}
	if asked == nil {
		known, asked = p.n.Signers()
	}
	if asked != nil {
		return c, errors.Join(asked, err)
	}
	c, _, err = known.Open(signed)
	return c, err
}

// query asks everybody how far he is, copies from who has more, and refuses when something answered may be lost.
func (p *promoting) query(ctx context.Context) error {
	var heard []string
	oldAnswers := false
	urls := p.urls()
	answers := make([]standing, len(urls))
	p.atOnce(urls, func(i int, url string) { answers[i] = p.standingOf(ctx, url) })
	for i, url := range urls {
		s := answers[i]
		// before it promises: who goes on with another history would stop for a candidate that it cannot follow
		if s.Error == "" {
			if err := p.sameHistory(url, s.Size, s.root, p.whoIsPutBack(s.epoch)); err != nil {
				s.Error, s.Followers = err.Error(), nil
			}
		}
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
		return fmt.Errorf("the leader %s does not answer: a switchover is with a leader that is there; for one that "+
			"is lost, aqsha promote (%s)", p.old, p.whyNot(p.old))
	}
	return p.suffices(p.silent(p.verifiers, heard), oldAnswers)
}

// whyNot is why a node's word does not count.
func (p *promoting) whyNot(url string) string {
	for _, s := range p.result.Asked {
		if s.URL == url && s.Error != "" {
			return s.Error
		}
	}
	return "it was not asked"
}

// suffices says whether this follower may lead if all promise who answered, before any of them does: who promises in
// vain stops for nobody. If it may only with the old leader's promise, that one is asked to keep it to itself unless it
// has everything.
func (p *promoting) suffices(missing []string, oldAnswers bool) error {
	may := func(stopped bool) error {
		if err := p.mayLose(missing, stopped, p.c.Acks); err != nil {
			return err
		}
		return p.alone(missing, stopped)
	}
	if !p.planned && may(false) == nil {
		return nil
	}
	p.needsLeader = oldAnswers
	return may(oldAnswers)
}

// atOnce asks several side by side: one that stands still costs its deadline once.
func (p *promoting) atOnce(urls []string, ask func(i int, url string)) {
	var group sync.WaitGroup
	for i, url := range urls {
		group.Go(func() { ask(i, url) })
	}
	group.Wait()
}

// mayLose refuses to do without followers that may have acknowledged something alone, unless each is given up by name.
func (p *promoting) mayLose(silent []string, stopped bool, acks int) error {
	if failover.MayLead(acks, len(silent), stopped) {
		return nil // whatever was answered, somebody who was asked has it, or this follower
	}
	for _, name := range silent {
		if !p.acceptLoss || !slices.Contains(p.without, name) {
			return token.Errorf(datadir.WouldLose, "followers",
				"with acks = %d, %s may have acknowledged payments alone and cannot be asked%s%s: name its URL with "+
					"--ask (or give it up with --without %s --accept-loss: what only it has is lost)",
				acks, strings.Join(silent, " and "), p.lastHeard(), p.unheard(), strings.Join(silent, " --without "))
		}
	}
	return nil
}

// giveUp is mayLose, and notes who is given up.
func (p *promoting) giveUp(silent []string, stopped bool, acks int) error {
	if err := p.mayLose(silent, stopped, acks); err != nil || failover.MayLead(acks, len(silent), stopped) {
		return err
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

// alone refuses to lead when a follower that did not promise could be promoted at the same time: both would wait for
// the other's acknowledgement. Who is named with --without is not: a person says so.
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
	return token.Errorf(rival, "followers", "%s did not promise and may be about to be promoted too%s: start it "+
		"(aqsha follow) and promote again, name its URL with --ask, or say that it is not (--without %s)",
		strings.Join(rivals, " and "), p.unheard(), strings.Join(rivals, " --without "))
}

// unheard says why those who were asked said nothing: one that refuses this command's access is there, and can be asked
// with another.
func (p *promoting) unheard() string {
	var reasons []string
	for _, s := range p.result.Asked {
		switch {
		case s.Error == "":
		case s.URL == p.old: // no follower that could be started or named
			reasons = append(reasons, "the old leader, "+s.Error)
		default:
			reasons = append(reasons, s.Error)
		}
	}
	if len(reasons) == 0 {
		return ""
	}
	return " (" + strings.Join(reasons, "; ") + ")"
}

// noPromise notes why a node that answered did not promise.
func (p *promoting) noPromise(url string, err error) {
	for i := range p.result.Asked {
		if s := &p.result.Asked[i]; s.URL == url && s.Error == "" {
			s.Error = statuscmd.Unanswered(url, err)
		}
	}
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
		return token.Errorf(datadir.WouldLose, "size",
			"%s has %d entries, %d more than this follower, and they could not be copied (%v): promote that one, or "+
				"accept that they are lost (--accept-loss)", s.URL, s.Size, lost, err)
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

// sameHistory refuses a node that has as many entries as this follower, or fewer, and others among them: what it
// acknowledged may be missing here, so that its word does not count.
func (p *promoting) sameHistory(url string, size uint64, root txlog.Hash, advice string) error {
	same, err := p.n.BeginsWith(size, root)
	if err == nil && !same {
		err = token.Errorf(datadir.WouldLose, "root", "%s has other entries than this follower among its %d: %s", url,
			size, advice)
	}
	return err
}

// whoIsPutBack says of two logs that hold other entries which one is put back: the newer epoch's began with all that
// was answered.
func (p *promoting) whoIsPutBack(epoch uint64) string {
	_, c := p.n.Log().Checkpoint()
	switch own := node.EpochOf(c); {
	case epoch > own:
		return fmt.Sprintf("its last were signed in epoch %d, those here in epoch %d, so that what is here was left "+
			"behind: restore this follower from it (aqsha restore URL --accept-loss), or promote that one", epoch, own)
	case epoch < own:
		return fmt.Sprintf("its last were signed in epoch %d, those here in epoch %d, so that what it has was left "+
			"behind: restore it from a node that has these (aqsha restore URL --accept-loss), and promote again", epoch,
			own)
	}
	return eitherPutBack
}

// eitherPutBack is the advice where nothing says which of two logs goes on with what was answered.
const eitherPutBack = "one of the two copied what was never acknowledged; promote the one that has what was " +
	"answered, and restore the other from it (aqsha restore)"

// copyRest copies what those have who took the fence: they write and acknowledge nothing more under the old leader, so
// that what they have now is all that they will ever have of it.
func (p *promoting) copyRest(ctx context.Context) error {
	for _, url := range p.result.Reported {
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
		return fmt.Errorf("the old leader has stopped, but its last entries could not be copied; try again, or do "+
			"without them (--without-old-leader: up to %d entries are lost): %s", p.lost(s), s.Error)
	}
	return nil
}
