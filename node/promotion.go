package node

import (
	"fmt"
	"slices"

	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/node/failover"
	"github.com/aqsha/aqsha/txlog"
)

// Promotion is the proof that a promotion was in order: who promised, what they had, and that the new leader began with
// all of it.
type Promotion struct {
	Origin    string         `json:"origin"`    // of the log
	Followers []string       `json:"followers"` // whose cosignatures counted under the old leader
	Acks      int            `json:"acks"`      // how many of them had what was answered
	Prepare   string         `json:"prepare"`   // signed by the log's key
	Promises  []PromiseProof `json:"promises"`
	Fence     string         `json:"fence"`              // with which the epoch began, signed by the log's key
	GivenUp   []string       `json:"given_up,omitempty"` // followers that were done without, on somebody's word
}

// PromiseProof is a signed promise, and the proof that the fence's log begins with what whoever promised had.
type PromiseProof struct {
	Promise string       `json:"promise"`
	Proof   []txlog.Hash `json:"proof"` // RFC 6962 consistency; empty when the sizes are equal, or one is 0
}

// MaxPromotionBytes bounds such a proof.
const MaxPromotionBytes = 4 << 20

// ProvePromises adds the proofs that this log, as it was when the fence was signed, begins with what each had.
func (n *Node) ProvePromises(p *Promotion) error {
	_, logKey, err := n.LeadKey()
	if err != nil {
		return err
	}
	f, err := OpenFence([]byte(p.Fence), logKey)
	if err != nil {
		return err
	}
	verifiers, err := p.verifiers(logKey)
	if err != nil {
		return err
	}
	for i := range p.Promises {
		promise, _, err := OpenPromise([]byte(p.Promises[i].Promise), verifiers)
		if err != nil {
			return err
		}
		if promise.Size == 0 || promise.Size >= f.Size {
			continue // a longer one was given up; Check says so
		}
		if p.Promises[i].Proof, err = n.log.ConsistencyProof(promise.Size, f.Size); err != nil {
			return err
		}
	}
	return nil
}

// BeginsWith says whether this log begins with what a log of so many entries and this root holds. A longer one is not
// judged.
func (n *Node) BeginsWith(size uint64, root txlog.Hash) (bool, error) {
	if size == 0 || size > n.log.Size() {
		return true, nil
	}
	here, err := n.log.Root(size)
	return here == root, err
}

// verifiers are the log's key and those of the followers.
func (p *Promotion) verifiers(logKey note.Verifier) (note.Verifiers, error) {
	list := []note.Verifier{logKey}
	for i, public := range p.Followers {
		v, err := ParseFollower(public)
		if err != nil {
			return nil, fmt.Errorf("followers[%d]: %w", i, err)
		}
		list = append(list, v)
	}
	return note.VerifierList(list...), nil
}

// Check verifies the proof under the log's key. Who the followers were, and how many had to acknowledge, is what the
// proof says: compare it with what is known of the old leader. It reads the proof alone. The error names the field that
// does not hold.
func (p *Promotion) Check(logKey note.Verifier) (f Fence, err error) {
	if f, err = OpenFence([]byte(p.Fence), logKey); err != nil {
		return f, fmt.Errorf("fence: %w", err)
	}
	prepare, err := OpenPrepare([]byte(p.Prepare), logKey)
	if err != nil {
		return f, fmt.Errorf("prepare: %w", err)
	}
	if prepare.Network != f.Network || prepare.Ballot != (failover.Ballot{Epoch: f.Epoch, Candidate: f.Leader}) {
		return f, fmt.Errorf("fence: not of the epoch and the candidate that were prepared")
	}
	verifiers, err := p.verifiers(logKey)
	if err != nil {
		return f, err
	}
	var promised []string
	stopped, newest, leads := false, uint64(0), uint64(0)
	for i, proof := range p.Promises {
		promise, names, err := OpenPromise([]byte(proof.Promise), verifiers)
		if err != nil {
			return f, fmt.Errorf("promises[%d]: %w", i, err)
		}
		if promise.Network != f.Network || promise.Ballot != prepare.Ballot {
			return f, fmt.Errorf("promises[%d]: to another candidate", i)
		}
		if err := begins(promise, f, proof.Proof); err != nil {
			return f, fmt.Errorf("promises[%d]: %w", i, err)
		}
		promised = append(promised, names...)
		newest = max(newest, promise.Led)
		if promise.Role == RoleLeader && slices.Contains(names, logKey.Name()) {
			stopped, leads = true, max(leads, promise.Led)
		}
	}
	// a leader that was replaced before does not have everything
	return f, p.enough(promised, stopped && leads == newest)
}

// begins checks that a fence's log begins with what somebody had who promised.
func begins(promise Promise, f Fence, proof []txlog.Hash) error {
	switch {
	case promise.Size == 0:
		return nil
	case promise.Size > f.Size:
		return fmt.Errorf("size: it had %d entries, the new leader began with %d", promise.Size, f.Size)
	case promise.Size == f.Size && promise.Root == f.Root:
		return nil
	case promise.Size == f.Size:
		return fmt.Errorf("root: not the new leader's")
	}
	if err := txlog.VerifyConsistency(promise.Size, f.Size, promise.Root, f.Root, proof); err != nil {
		return fmt.Errorf("proof: %w", err)
	}
	return nil
}

// enough checks that those who promised were enough: with f followers, a of whom acknowledge, no a of those who are
// silent may be left to acknowledge for an old leader (failover.MayLead). Given up are those whom the operator has
// declared lost.
func (p *Promotion) enough(promised []string, stopped bool) error {
	switch {
	case p.Acks < 0 || p.Acks > len(p.Followers):
		return fmt.Errorf("acks: %d, of %d followers", p.Acks, len(p.Followers))
	case len(promised) == 0:
		return fmt.Errorf("promises: nobody promised")
	}
	silent := 0
	for _, public := range p.Followers {
		v, err := ParseFollower(public)
		if err != nil {
			return err
		}
		if !slices.Contains(promised, v.Name()) && !slices.Contains(p.GivenUp, v.Name()) {
			silent++
		}
	}
	if !failover.MayLead(p.Acks, silent, stopped) {
		return fmt.Errorf("promises: %d followers did not promise, and %d can acknowledge alone", silent, p.Acks)
	}
	return nil
}
