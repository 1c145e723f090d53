package node

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/node/failover"
)

// memberList is whose cosignatures count, and how many of them acknowledge.
type memberList struct {
	keys []note.Verifier
	acks int
}

// names are in order, whatever the list's is.
func (l memberList) names() (names []string) {
	for _, v := range l.keys {
		names = append(names, v.Name())
	}
	slices.Sort(names)
	return names
}

func (l memberList) has(name string) bool {
	return slices.ContainsFunc(l.keys, func(v note.Verifier) bool { return v.Name() == name })
}

// heard is how many of a list were heard since the start.
func (s *cosigners) heardOf(l memberList) (count int) {
	for _, v := range l.keys {
		if _, heard := s.heard[v.Name()]; heard {
			count++
		}
	}
	return count
}

// current is the list that counts when all have heard of it; those before it in lists count too until then.
func (s *cosigners) current() memberList { return s.lists[len(s.lists)-1] }

// whole says whether nobody who was not heard can have acknowledged more than this log has, whichever list counted.
func (s *cosigners) whole() bool {
	for _, l := range s.lists {
		if !failover.Whole(l.acks, len(l.keys), s.heardOf(l)) {
			return false
		}
	}
	return true
}

// acknowledgedSize is the largest size that enough followers have under every list that counts. The lock is held.
func (s *cosigners) acknowledgedSize() uint64 {
	least, any := uint64(0), false
	for _, l := range s.lists {
		if l.acks == 0 {
			continue
		}
		sizes := make([]uint64, 0, len(l.keys))
		for _, v := range l.keys {
			if size, known := s.sizes[v.Name()]; known {
				sizes = append(sizes, size)
			}
		}
		if size := failover.Acknowledged(sizes, l.acks); !any || size < least {
			least, any = size, true
		}
	}
	return least
}

// Acks is how many followers must acknowledge, by the list that was set last.
func (n *Node) Acks() int {
	n.cosigners.mu.Lock()
	defer n.cosigners.mu.Unlock()
	return n.cosigners.current().acks
}

// MembersID is the id of the list that was set last.
func (n *Node) MembersID() string {
	n.cosigners.mu.Lock()
	defer n.cosigners.mu.Unlock()
	return n.cosigners.id
}

// SetMembers has other followers' cosignatures count from now on, and so many of them acknowledge. A follower of the
// list before that is in the new one too could be promoted by the old list, without asking who acknowledged alone under
// the new one: until each has said that it keeps the new one (id), what is answered is acknowledged under both.
func (n *Node) SetMembers(followers []note.Verifier, acks int, id string) error {
	if err := checkAcks(acks, len(followers), n.config.Synchronous); err != nil {
		return err
	}
	if n.config.Leader != "" {
		return errors.New("a follower has no followers of its own whose acknowledgements count")
	}
	s := n.cosigners
	s.mu.Lock()
	defer s.mu.Unlock()
	if (acks == 0) != (s.current().acks == 0) {
		return errors.New("acks: whether followers acknowledge at all is decided at the start")
	}
	for _, v := range followers {
		for _, old := range s.current().keys {
			if old.Name() == v.Name() && old.KeyHash() != v.KeyHash() {
				return fmt.Errorf("followers: %s has another key: give it another name, or start again", v.Name())
			}
		}
	}
	s.lists, s.id = append(s.lists, memberList{followers, acks}), id
	s.count()
	s.settle()
	s.grown.wake()
	return nil
}

// count has the cosignatures of everybody in any list verified. The lock is held.
func (s *cosigners) count() {
	var all []note.Verifier
	for _, l := range s.lists {
		for _, v := range l.keys {
			if !slices.ContainsFunc(all, func(o note.Verifier) bool {
				return o.Name() == v.Name() && o.KeyHash() == v.KeyHash()
			}) {
				all = append(all, v)
			}
		}
	}
	s.verifiers = note.VerifierList(all...)
}

// settle forgets the lists before the current one when all of them who are in it have heard of it. The lock is held.
// What the dropped followers have does not count any more, so it is forgotten.
func (s *cosigners) settle() {
	if len(s.unsettled()) > 0 || len(s.lists) == 1 {
		return
	}
	s.lists = s.lists[len(s.lists)-1:]
	for name := range s.sizes {
		if !s.current().has(name) {
			delete(s.sizes, name)
			delete(s.heard, name)
			delete(s.urls, name)
		}
	}
	s.count()
}

// unsettled are the followers who have not said that they keep the current list. The lock is held.
func (s *cosigners) unsettled() (names []string) {
	for _, l := range s.lists[:len(s.lists)-1] {
		for _, name := range l.names() {
			if l.acks > 0 && s.current().has(name) && s.keeps[name] != s.id && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}

// Unsettled names the followers for whom a list before the current one counts too.
func (n *Node) Unsettled() []string {
	n.cosigners.mu.Lock()
	defer n.cosigners.mu.Unlock()
	return n.cosigners.unsettled()
}

// keepsMembers notes which list a follower keeps, as it says beside a cosignature. The lock is held.
func (s *cosigners) keepsMembers(name, id string) {
	if id != "" && s.keeps[name] != id {
		s.keeps[name] = id
		s.settle()
	}
}

// wait returns once enough followers have a size of the log, or ctx ends.
func (s *cosigners) wait(ctx context.Context, size uint64) error {
	return s.until(ctx, func() bool { return s.acknowledgedSize() >= size })
}

// waitWhole returns once so few followers were not heard since the start that none of those can have acknowledged more
// than this log has, or ctx ends: it may be an old copy that was put back.
func (s *cosigners) waitWhole(ctx context.Context) error { return s.until(ctx, s.whole) }

// until waits for what cosignatures bring about.
func (s *cosigners) until(ctx context.Context, holds func() bool) error {
	for {
		grown := s.grown.wait()
		s.mu.Lock()
		done := holds()
		s.mu.Unlock()
		if done {
			return nil
		}
		select {
		case <-grown:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// MembersBefore is the list of followers with which a leader last answered, as it is started with another one.
type MembersBefore struct {
	Followers []note.Verifier
	Acks      int
}
