package node

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	formats "github.com/transparency-dev/formats/note"
	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog"
)

// NotCosigner is the code of a cosignature by nobody whose cosignatures count here.
const NotCosigner token.Code = "not-a-follower"

// cosigners are the followers whose cosignatures this leader knows. A follower cosigns a checkpoint (C2SP
// tlog-cosignature) once everything below it is verified and durable with him: that is his acknowledgement.
type cosigners struct {
	verifiers note.Verifiers
	known     int

	mu     sync.Mutex
	sizes  map[string]uint64 // entries that each has, by name
	stored time.Time         // when a cosigned checkpoint was last kept

	shown     []byte // the newest checkpoint that enough followers have
	shownSize uint64
	grown     broadcast
}

func newCosigners(followers []note.Verifier) *cosigners {
	c := &cosigners{verifiers: note.VerifierList(followers...), known: len(followers), sizes: map[string]uint64{}}
	c.grown.init()
	return c
}

// keepEvery is how often a cosigned checkpoint replaces the bare one that is served: each takes a sync.
const keepEvery = time.Second

// Cosign takes a checkpoint of this log that a known follower has cosigned.
func (n *Node) Cosign(signed []byte) error {
	c, opened, err := txlog.OpenCheckpoint(signed, n.log.Origin(), n.cosigners.verifiers)
	if err != nil {
		return refuse(NotCosigner, "cosignature", "%v", err)
	}
	root, err := n.log.Root(c.Size)
	if err != nil {
		return err
	}
	if root != c.Root {
		// A follower cosigned what this log does not hold: one of the two is wrong, and this node cannot know which.
		n.logger.Error("a follower cosigned another history", "follower", opened.Sigs[0].Name, "size", c.Size)
		return refuse(NotCosigner, "cosignature", "the log's root at %d entries is %s, not %s", c.Size, root, c.Root)
	}
	_, err = note.Open(signed, note.VerifierList(n.logVerifier))
	ours := err == nil // it bears the log's own signature too, as it should
	s := n.cosigners
	s.mu.Lock()
	for _, sig := range opened.Sigs {
		s.sizes[sig.Name] = max(s.sizes[sig.Name], c.Size)
		n.clock.hear(sig)
	}
	if ours && c.Size >= s.shownSize && s.has(n.config.Acks) >= c.Size {
		s.shown, s.shownSize = signed, c.Size
	}
	keep := time.Since(s.stored) >= keepEvery
	if keep {
		s.stored = time.Now()
	}
	s.mu.Unlock()
	s.grown.wake()
	if keep && len(n.config.Options.Signers) > 0 {
		n.keepCosigned(opened)
	}
	return nil
}

// PublicCheckpoint is the signed checkpoint that anybody may be shown, or nil. Where followers must acknowledge, it is one
// that they have: a checkpoint of more would be another history, should one of them become the leader.
func (n *Node) PublicCheckpoint() []byte {
	if n.config.Acks == 0 || n.config.Leader != "" {
		signed, _ := n.log.Checkpoint()
		return signed
	}
	n.cosigners.mu.Lock()
	defer n.cosigners.mu.Unlock()
	return n.cosigners.shown
}

// keepCosigned serves a checkpoint with its cosignatures, if it is still the last one.
func (n *Node) keepCosigned(cosigned *note.Note) {
	last, _ := n.log.Checkpoint()
	own, err := note.Open(last, note.VerifierList(n.logVerifier))
	if err != nil || own.Text != cosigned.Text {
		return
	}
	for _, sig := range own.UnverifiedSigs { // of other followers, verified when they were kept
		if sig.Name != cosigned.Sigs[0].Name {
			cosigned.Sigs = append(cosigned.Sigs, sig)
		}
	}
	cosigned.Sigs = append(own.Sigs, cosigned.Sigs...)
	cosigned.UnverifiedSigs = nil
	signed, err := note.Sign(cosigned)
	if err == nil {
		_ = n.log.Cosign(signed) // a newer one may have been published meanwhile
	}
}

// acknowledged is the size of the log that enough followers have.
func (s *cosigners) acknowledged(enough int) uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.has(enough)
}

// has is acknowledged with the lock held.
func (s *cosigners) has(enough int) uint64 {
	best := uint64(0)
	for _, size := range s.sizes {
		have := 0
		for _, other := range s.sizes {
			if other >= size {
				have++
			}
		}
		if have >= enough {
			best = max(best, size)
		}
	}
	return best
}

// wait returns once enough followers have a size of the log, or ctx ends.
func (s *cosigners) wait(ctx context.Context, size uint64, enough int) error {
	for {
		grown := s.grown.wait()
		if s.acknowledged(enough) >= size {
			return nil
		}
		select {
		case <-grown:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// FollowerState is how far a follower is, as it acknowledged.
type FollowerState struct {
	Name string `json:"name"`
	Size uint64 `json:"size"` // entries it has verified and made durable
	Lag  uint64 `json:"lag"`  // entries it does not have yet
}

// Followers lists the known followers that have acknowledged anything since the start.
func (n *Node) Followers() []FollowerState {
	size := n.log.Size()
	n.cosigners.mu.Lock()
	defer n.cosigners.mu.Unlock()
	list := make([]FollowerState, 0, len(n.cosigners.sizes))
	for name, has := range n.cosigners.sizes { // sorted below
		list = append(list, FollowerState{name, has, size - has})
	}
	slices.SortFunc(list, func(a, b FollowerState) int { return strings.Compare(a.Name, b.Name) })
	return list
}

// ParseFollower reads a follower's public key, as "aqsha follow" prints it (C2SP signed-note, of cosignatures).
func ParseFollower(public string) (note.Verifier, error) {
	return formats.NewVerifierForCosignatureV1(public)
}

// checkAcks says whether a configuration can ever acknowledge anything.
func checkAcks(acks, followers int, synchronous bool) error {
	if acks > 0 && synchronous {
		return errors.New("a synchronous node has nobody to wait for followers")
	}
	if acks < 0 || acks > followers {
		return fmt.Errorf("%d followers must acknowledge, and %d are known", acks, followers)
	}
	return nil
}
