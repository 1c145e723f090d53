package main

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"

	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// oldLeader is the code of a switchover from a leader that was replaced: what its successor answered would be lost.
const oldLeader token.Code = "old-leader"

// collect has everybody promise, the old leader first, copies what they have beyond, and refuses when those who did not may have
// acknowledged something alone.
func (p *promoting) collect(ctx context.Context, asking []byte, prepare node.Prepare) error {
	logKey, err := note.NewVerifier(p.n.Genesis().LogKey)
	if err != nil {
		return err
	}
	verifiers := note.VerifierList(append([]note.Verifier{logKey}, p.verifiers...)...)
	held := false
	var promised []string
	for _, url := range p.urls() {
		if url == p.old && p.withoutOldLeader {
			continue
		}
		if url != p.old && !held { // with a leader that did not promise, nothing is changed by a switchover
			if err := p.hold(asking, prepare); err != nil {
				return err
			}
			held = true
		}
		promise, names, err := p.promiseOf(ctx, url, asking, prepare, verifiers)
		if url == p.old && p.planned && err == nil && promise.Role == node.RoleReplaced {
			return token.Errorf(oldLeader, "leader", "%s was replaced as the leader: another leads since epoch %d. Follow that one first (aqsha follow URL), or promote if it is lost (aqsha promote); nothing was changed", url, promise.Led)
		}
		if url == p.old && p.planned && (err != nil || promise.Role != node.RoleLeader) {
			return fmt.Errorf("the leader %s did not promise to stop (%s): nothing was changed; for a leader that is lost, aqsha promote: %w", url, promise.Role, err)
		}
		if err != nil {
			continue
		}
		p.stopped = p.stopped || promise.Role == node.RoleLeader && promise.Led >= p.known
		promised = append(promised, names...)
		if err := p.copyFrom(ctx, standing{URL: url, Size: promise.Size}, p.acceptLoss); err != nil {
			return err
		}
	}
	if !held {
		if err := p.hold(asking, prepare); err != nil {
			return err
		}
	}
	var silent []string
	for _, v := range p.verifiers {
		if !slices.Contains(promised, v.Name()) {
			silent = append(silent, v.Name())
		}
	}
	return p.giveUp(silent, p.stopped)
}

// hold promises here too.
func (p *promoting) hold(asking []byte, prepare node.Prepare) error {
	if p.name == "" {
		return p.n.Hold(asking, prepare)
	}
	signed, err := p.n.Promise(asking)
	if err == nil {
		p.proof.Promises = append(p.proof.Promises, node.PromiseProof{Promise: string(signed)})
		p.result.Promised = append(p.result.Promised, "this follower")
	}
	return err
}

// promiseOf asks a node for its promise.
func (p *promoting) promiseOf(ctx context.Context, url string, asking []byte, prepare node.Prepare, verifiers note.Verifiers) (node.Promise, []string, error) {
	ctx, cancel := context.WithTimeout(ctx, healthWait)
	defer cancel()
	signed, err := p.client(url).Promise(ctx, asking)
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
