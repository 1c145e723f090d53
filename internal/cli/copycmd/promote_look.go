package copycmd

import (
	"context"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/internal/cli/datadir"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/node/failover"
	"github.com/aqsha/aqsha/token"
)

// look asks everybody who answered who leads, and whom he promised, before anybody is asked to promise: all must see
// the leader that this follower sees, and be free to promise. Whoever is refused by the last of them would have stopped
// the first for nothing.
func (p *promoting) look(ctx context.Context, prepare node.Prepare) error {
	_, logKey, err := p.n.LeadKey()
	if err != nil {
		return err
	}
	fences, seen := make([][]byte, len(p.there)), make([]failover.Seen, len(p.there))
	p.atOnce(p.there, func(i int, url string) { fences[i], seen[i] = p.seen(ctx, url, logKey) })
	at := failover.Refuses(seen, p.before, prepare.Ballot, prepare.Over...)
	// heard while it copied, from one that shows it no more
	if _, own := p.n.KnownFence(); at < 0 && own.Epoch > p.before {
		return newerLeader("the leader that this follower knows", own.Epoch)
	}
	if at < 0 {
		return nil
	}
	if seen[at].Led > p.before {
		if err := p.n.Fence(fences[at]); err != nil { // so that this follower follows that one, or is promoted after it
			return err
		}
		return newerLeader(p.there[at], seen[at].Led)
	}
	b := seen[at].Promised
	return token.Errorf(node.Promised, "prepare", "%s has promised epoch %d to another candidate, %s, which may be "+
		"about to lead: let it finish and follow it (aqsha follow); if it was given up before it led, say so: "+
		"--instead-of %d:%s",
		p.there[at], b.Epoch, b.Candidate, b.Epoch, b.Candidate)
}

// newerLeader is why a follower that did not know who leads is not made the leader.
func newerLeader(who string, epoch uint64) error {
	return token.Errorf(node.OldLeader, "leader", "%s says that another node leads since epoch %d, which this "+
		"follower did not know: follow that one (aqsha follow URL) and switch over from it, or, if it is lost, "+
		"promote again (aqsha promote)", who, epoch)
}

// seen is what a node shows of who leads. What cannot be read shows nothing: who promises is what decides.
func (p *promoting) seen(ctx context.Context, url string, logKey note.Verifier) (fence []byte, s failover.Seen) {
	ctx, cancel := context.WithTimeout(ctx, datadir.QueryWait)
	defer cancel()
	client, network := p.client(url), p.n.Network()
	if signed, err := client.Fence(ctx); err == nil && signed != nil {
		if f, err := node.OpenFence(signed, logKey); err == nil && f.Network == network {
			fence, s.Led = signed, f.Epoch
		}
	}
	if signed, err := client.Prepared(ctx); err == nil && signed != nil {
		if prepared, err := node.OpenPrepare(signed, logKey); err == nil && prepared.Network == network {
			s.Promised = prepared.Ballot
		}
	}
	return fence, s
}

// nothingChanged says of a promotion that ended before anybody promised that all is as it was.
func nothingChanged(err error) error { return fmt.Errorf("%w; nothing was changed", err) }

// wayOn says of a promotion that ended while others promised what was changed, and which commands go on from there.
func (p *promoting) wayOn(err error, prepare node.Prepare) error {
	if len(p.result.Promised) == 0 {
		return nothingChanged(err)
	}
	verb := "promote"
	if p.planned {
		verb = "switchover"
	}
	return fmt.Errorf("%w; changed: %s promised epoch %d to this follower, and answers nothing older. Run \"aqsha "+
		"%s\" here again, or promote another follower with --instead-of %d:%s",
		err, strings.Join(p.result.Promised, " and "), prepare.Epoch, verb, prepare.Epoch, prepare.Candidate)
}
