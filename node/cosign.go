package node

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
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
//
// Invariants: lists is never empty; sizes and shownSize never fall while a list holds; shown is the checkpoint of
// shownSize entries, or nil, and enough followers under every list have that many.
type cosigners struct {
	mu        sync.Mutex           // over all but grown, which has a lock of its own
	lists     []memberList         // the last is the current one; those before it count too, until all have heard of it
	id        string               // of the current list
	keeps     map[string]string    // id of the list that each keeps, by name
	verifiers note.Verifiers       // of everybody in any list
	sizes     map[string]uint64    // entries that each has, by name
	heard     map[string]time.Time // when each cosigned last
	urls      map[string]string    // at which each can be asked, as it says
	stored    time.Time            // when a cosigned checkpoint was last kept

	shown     []byte // the newest checkpoint that enough followers have
	shownSize uint64
	grown     broadcast
}

// newCosigners knows of no acknowledgement yet. While members change, those before them must have their share as well.
func newCosigners(config *Config) *cosigners {
	c := &cosigners{id: config.MembersID, keeps: map[string]string{}, sizes: map[string]uint64{},
		heard: map[string]time.Time{}, urls: map[string]string{}}
	if before := config.Before; before.Acks > 0 && config.Acks > 0 {
		c.lists = append(c.lists, memberList{before.Followers, before.Acks})
	}
	c.lists = append(c.lists, memberList{config.Followers, config.Acks})
	c.count()
	c.settle()
	c.grown.init()
	return c
}

// keepEvery is how often a cosigned checkpoint replaces the bare one that is served: each takes a sync.
const keepEvery = time.Second

// Cosigner is what a follower says of itself beside a cosignature.
type Cosigner struct {
	URL     string // at which it can be asked; empty when it cannot
	Members string // id of the list of followers that it keeps
}

// Cosign takes a checkpoint of this log that a known follower has cosigned. What a follower says of itself counts only
// where the note bears one signature, its own. Nothing of this is stored but the checkpoint: after a restart followers
// say it all again.
func (n *Node) Cosign(signed []byte, by Cosigner) error {
	n.cosigners.mu.Lock()
	verifiers := n.cosigners.verifiers
	n.cosigners.mu.Unlock()
	c, opened, err := txlog.OpenCheckpoint(signed, n.log.Origin(), verifiers)
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
	_, _, err = n.openCheckpoint(signed)
	ours := err == nil // it bears the log's own signature too, as it should
	s := n.cosigners
	s.mu.Lock()
	for _, sig := range opened.Sigs {
		s.sizes[sig.Name] = max(s.sizes[sig.Name], c.Size)
		s.heard[sig.Name] = time.Now()
		if by.URL != "" && len(opened.Sigs) == 1 {
			s.urls[sig.Name] = by.URL
		}
		if len(opened.Sigs) == 1 {
			s.keepsMembers(sig.Name, by.Members)
		}
		n.clock.hear(sig)
	}
	if ours && c.Size >= s.shownSize && s.acknowledgedSize() >= c.Size {
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

// PublicCheckpoint is the signed checkpoint that anybody may be shown, or nil. Where followers must acknowledge, it is
// one that they have: a checkpoint of more would be another history, should one of them become the leader.
func (n *Node) PublicCheckpoint() []byte {
	if n.config.Leader != "" {
		return n.followersCheckpoint()
	}
	if n.config.Acks == 0 {
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
	_, own, err := n.openCheckpoint(last)
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

// Unheard names the followers that were not heard since the start, while a leader has to wait for them: each may have
// acknowledged more than its log has, if that is an old copy.
func (n *Node) Unheard() (names []string) {
	s := n.cosigners
	s.mu.Lock()
	defer s.mu.Unlock()
	if n.config.Leader != "" || !n.mayBeOld() || s.whole() {
		return nil
	}
	for _, name := range s.current().names() {
		if _, heard := s.heard[name]; !heard {
			names = append(names, name)
		}
	}
	return names
}

// mayBeOld says whether the log with which a leader started may be an old copy, of which followers have more.
func (n *Node) mayBeOld() bool { return n.recovered.Size > 1 && !n.config.Whole }

// FollowerState is how far a follower is, as it acknowledged. What is not known is absent.
type FollowerState struct {
	Name string `json:"name"`
	// it acknowledged within SilenceBound, as it does even when nothing is new
	Connected bool    `json:"connected"`
	Size      *uint64 `json:"size,omitempty"` // entries it has verified and made durable, as last heard
	// entries it does not have yet; absent while it is not connected
	Lag          *uint64 `json:"lag,omitempty"`
	SilentMillis *int64  `json:"silent_millis,omitempty"` // since it was last heard
}

// Followers lists the known followers, heard of since the start or not. It is a copy, in order of names.
func (n *Node) Followers() []FollowerState {
	s := n.cosigners
	s.mu.Lock()
	defer s.mu.Unlock()
	size := n.log.Size()
	names := s.current().names()
	list := make([]FollowerState, 0, len(names))
	for _, name := range names {
		state := FollowerState{Name: name}
		if has, known := s.sizes[name]; known {
			silent := time.Since(s.heard[name])
			millis := silent.Milliseconds()
			state.Size, state.SilentMillis, state.Connected = &has, &millis, silent < SilenceBound
			if state.Connected {
				lag := size - min(size, has) // it may have acknowledged more meanwhile
				state.Lag = &lag
			}
		}
		list = append(list, state)
	}
	return list
}

// FollowerURLs says where followers can be asked, by name, as they said.
func (n *Node) FollowerURLs() map[string]string {
	n.cosigners.mu.Lock()
	defer n.cosigners.mu.Unlock()
	return maps.Clone(n.cosigners.urls)
}

// AwaitedFollowers says whether a leader can answer nobody because too few of its followers are there: how many are,
// and how many must acknowledge.
func (n *Node) AwaitedFollowers() (connected, acks int, waits bool) {
	if n.config.Leader != "" || n.config.Acks == 0 {
		return 0, 0, false
	}
	for _, f := range n.Followers() {
		if f.Connected {
			connected++
		}
	}
	acks = n.Acks()
	return connected, acks, connected < acks
}

// HeadKnown says whether Head is what may be shown of this ledger. It is not while a leader that started again has not
// heard from its followers how much of its log they have.
func (n *Node) HeadKnown() bool {
	return n.config.Leader != "" || n.config.Acks == 0 || n.durable.Load().Size >= n.recovered.Size
}

// ParseFollower reads a follower's public key, as "aqsha follow" prints it (C2SP signed-note, of cosignatures).
func ParseFollower(public string) (note.Verifier, error) {
	v, err := formats.NewVerifierForCosignatureV1(public)
	if err != nil { // the library says "malformed verifier id", whatever is wrong
		return nil, errors.New("not the public key of a follower, such as follower-9def0253+4c1e02ab+BKb…: its name, " +
			"eight hexadecimal digits that belong to it and the key, as the follower prints it when it starts")
	}
	// Under a key of small order anybody can make a signature: it would acknowledge what nobody has.
	if key := FollowerKey(public); len(key) == ed25519.PublicKeySize {
		if !token.PublicKey(append([]byte{byte(token.Ed25519)}, key...)).Usable() {
			return nil, errors.New("a key of small order, or no key: anybody could sign for it")
		}
	}
	return v, nil
}

// FollowerKey is the key itself of a follower's public key, without its name, hash and algorithm; nil if it has none.
func FollowerKey(public string) []byte {
	parts := strings.SplitN(public, "+", 3) // base64 has that letter too
	if len(parts) < 3 {
		return nil
	}
	key, err := base64.StdEncoding.DecodeString(parts[2])
	if err != nil || len(key) == 0 {
		return nil
	}
	return key[1:]
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
