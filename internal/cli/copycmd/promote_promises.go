package copycmd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/cli/datadir"
	"github.com/aqsha/aqsha/internal/cli/nodecmd"
	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// collect has everybody promise who is there, the old leader first, copies what they have beyond, and refuses when
// those who did not may have acknowledged something alone, or be promoted too. Whoever is promoted at the same time
// asks in the same order, so that one of the two is refused by the first whom both ask; its own promise comes last, and
// a candidate that was refused follows the other.
func (p *promoting) collect(ctx context.Context, asking []byte, prepare node.Prepare) error {
	_, logKey, err := p.n.LeadKey()
	if err != nil {
		return err
	}
	var promised []string
	for _, url := range p.urls() {
		if url == p.old && p.withoutOldLeader || !slices.Contains(p.there, url) {
			continue
		}
		verifiers := note.VerifierList(append([]note.Verifier{logKey}, p.verifiers...)...)
		promise, names, err := p.promiseOf(ctx, url, asking, prepare, verifiers)
		if url == p.old && p.needsLeader {
			if err = agrees(url, promise, err); err != nil {
				return err
			}
		}
		if CodeIs(err, node.Promised) {
			return err
		}
		if err != nil {
			p.noPromise(url, err)
			continue
		}
		// with what it had not shown when it was asked
		if err := p.sameHistory(url, promise.Size, promise.Root, eitherPutBack); err != nil {
			p.noPromise(url, err)
			p.proof.Promises, p.result.Promised = p.proof.Promises[:len(p.proof.Promises)-1],
				p.result.Promised[:len(p.result.Promised)-1]
			continue
		}
		p.stopped = p.stopped || promise.Role == node.RoleLeader && promise.Led >= p.known
		promised = append(promised, names...)
		if err := p.copyFrom(ctx, standing{URL: url, Size: promise.Size}, p.acceptLoss); err != nil {
			return err
		}
		p.hearMembers(ctx, url, promise)
	}
	silent := p.silent(p.verifiers, promised)
	if err := p.giveUp(silent, p.stopped, p.c.Acks); err != nil {
		return err
	}
	for _, reported := range p.reported {
		if err := p.giveUp(p.silent(reported.verifiers, promised), p.stopped, reported.acks); err != nil {
			return err
		}
	}
	if err := p.alone(silent, p.stopped); err != nil {
		return err
	}
	return p.hold(asking, prepare)
}

// agrees says whether the leader promised to stop, having everything. It was asked so that it stays as it was if not;
// one of an earlier version promises all the same.
func agrees(url string, promise node.Promise, err error) error {
	switch {
	case CodeIs(err, node.Promised), CodeIs(err, node.Fenced):
		return fmt.Errorf(
			"another switchover or promotion came first: start this follower again (aqsha follow): %s: %w", url, err)
	case CodeIs(err, node.OldLeader):
		return fmt.Errorf("%s leads no more: follow the new leader first (aqsha follow URL), or promote if it is "+
			"lost (aqsha promote): %w", url, err)
	case err != nil:
		return fmt.Errorf("the leader %s did not promise to stop; for a leader that is lost, aqsha promote: %w", url,
			err)
	case promise.Role != node.RoleLeader:
		return token.Errorf(node.NotLeading, "leader",
			"the leader %s may not have everything that was answered (%s): start its followers, or promote (aqsha promote)", url, promise.Role)
	}
	return nil
}

// silent are those of some followers who did not promise.
func (p *promoting) silent(followers []note.Verifier, promised []string) (names []string) {
	for _, v := range followers {
		if !slices.Contains(promised, v.Name()) {
			names = append(names, v.Name())
		}
	}
	return names
}

// followerList are a ledger's followers, less this one, and how many must acknowledge.
type followerList struct {
	verifiers []note.Verifier
	acks      int
}

// knows refuses a name given up that is no follower's, by any of the lists that were heard: a slip, and whom it was
// meant for is waited for, or could be promoted at the same time.
func (p *promoting) knows(names []string) error {
	var known []string
	add := func(name string) {
		if name != p.name && !slices.Contains(known, name) {
			known = append(known, name)
		}
	}
	for _, public := range p.c.Followers {
		if v, err := node.ParseFollower(public); err == nil {
			add(v.Name())
		}
	}
	// By all lists together: this follower's own may be older than the change that named somebody.
	for _, list := range append([]followerList{{verifiers: p.verifiers}}, p.reported...) {
		for _, v := range list.verifiers {
			add(v.Name())
		}
	}
	for _, name := range names {
		if slices.Contains(known, name) {
			continue
		}
		if len(known) == 0 {
			return cli.Usage(fmt.Errorf("--without %s: this follower knows of no other", name))
		}
		slices.Sort(known)
		return cli.Usage(fmt.Errorf("--without %s: no follower has that name; there are %s",
			name, strings.Join(known, ", ")))
	}
	return nil
}

// hearMembers takes in whom a node that has just promised knows as the followers. A leader's list is the one by which
// it answered to the end; a follower may have heard a newer one than this one has, or an older: both then have to be
// satisfied.
func (p *promoting) hearMembers(ctx context.Context, url string, promise node.Promise) {
	ctx, cancel := context.WithTimeout(ctx, datadir.QueryWait)
	defer cancel()
	m, err := p.client(url).Members(ctx)
	if err != nil || len(m.Followers) == 0 || datadir.CheckFollowers(m.Followers) != nil || m.Acks > len(m.Followers) {
		return
	}
	var others []string
	reported := followerList{acks: m.Acks}
	for _, public := range m.Followers {
		if v, err := node.ParseFollower(public); err == nil && v.Name() != p.name {
			others, reported.verifiers = append(others, public), append(reported.verifiers, v)
		}
	}
	switch {
	case slices.Equal(slices.Sorted(slices.Values(others)), slices.Sorted(slices.Values(p.followers))) &&
		m.Acks == p.c.Acks:
	case promise.Role == node.RoleLeader && url == p.old && promise.Led >= p.known:
		p.followers, p.verifiers, p.c.Acks, p.reported = others, reported.verifiers, m.Acks, nil
		p.c.FollowerURLs = nodecmd.KnownURLs(p.c.FollowerURLs, m.URLs)
		p.result.Followers, p.result.AcksWere = others, m.Acks
	case !p.stopped:
		p.reported = append(p.reported, reported)
	}
}

// hold promises here too.
func (p *promoting) hold(asking []byte, prepare node.Prepare) error {
	if p.name == "" {
		return p.n.Hold(asking, prepare)
	}
	signed, err := p.n.Promise(asking, false)
	if err == nil {
		p.proof.Promises = append(p.proof.Promises, node.PromiseProof{Promise: string(signed)})
		p.result.Promised = append(p.result.Promised, "this follower")
	}
	return err
}

// promiseOf asks a node for its promise.
func (p *promoting) promiseOf(ctx context.Context, url string, asking []byte, prepare node.Prepare,
	verifiers note.Verifiers) (node.Promise, []string, error) {
	ctx, cancel := context.WithTimeout(ctx, datadir.HealthWait)
	defer cancel()
	signed, err := p.client(url).Promise(ctx, asking, url == p.old && p.needsLeader)
	if err != nil {
		return node.Promise{}, nil, err
	}
	promise, names, err := node.OpenPromise(signed, verifiers)
	if err == nil && (promise.Ballot != prepare.Ballot || promise.Network != prepare.Network) {
		err = fmt.Errorf("%s promised another candidate", url)
	}
	if err != nil {
		return promise, nil, err
	}
	p.proof.Promises = append(p.proof.Promises, node.PromiseProof{Promise: string(signed)})
	p.result.Promised = append(p.result.Promised, url)
	return promise, names, nil
}

// prove keeps what shows that the promotion was in order.
func (p *promoting) prove(dir string, asking, fence []byte) (path string, err error) {
	p.proof.Origin, p.proof.Prepare, p.proof.Fence = p.n.Log().Origin(), string(asking), string(fence)
	p.proof.Acks, p.proof.GivenUp = p.c.Acks, p.result.GivenUp
	p.proof.Followers = append(p.proof.Followers, p.followers...)
	if err := p.n.ProvePromises(&p.proof); err != nil {
		return "", err
	}
	content, err := json.MarshalIndent(p.proof, "", "  ")
	if err != nil {
		return "", err
	}
	path = filepath.Join(dir, fmt.Sprintf("promotion-%d.json", p.result.Epoch))
	return path, durable.Replace(vfs.OS, path, append(content, '\n'))
}

// CodeIs says whether an error is a refusal with a code, from here or from a node.
func CodeIs(err error, code token.Code) bool {
	var coded interface{ ErrorCode() string }
	return errors.As(err, &coded) && coded.ErrorCode() == string(code)
}
