// Package failover holds the rules by which a ledger of one leader and its followers survives the loss of machines:
// what counts as acknowledged, what a follower may show, and who may lead. They are pure, so that the node and the
// exhaustive model of it (model_test.go) apply the very same ones.
//
// The protocol is the first phase of Paxos with a person as the proposer (Lamport, Paxos Made Simple, 2001, section
// 2.2): a candidate prepares a higher epoch, each follower promises to acknowledge nothing of an older one and says how
// much it has, and the candidate leads when whoever has not promised is too few to have acknowledged anything alone.
package failover

import "slices"

// Acknowledged is the largest size of the log that at least enough followers have. enough is at least 1.
func Acknowledged(sizes []uint64, enough int) uint64 {
	best := uint64(0)
	for _, size := range sizes {
		have := 0
		for _, other := range sizes {
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

// Shown is how many entries a follower shows: of those that it has, the ones that were acknowledged.
func Shown(has, acknowledged uint64) uint64 { return min(has, acknowledged) }

// Ballot is a leadership: an epoch, and the word by which its leader knows it. The zero ballot is the founder's.
type Ballot struct {
	Epoch     uint64
	Candidate string
}

// MayPromise says whether a node that promised one ballot, and knows of a leader of an epoch, may promise another. Of
// two candidates of one epoch it promises to the first, and it takes no promise back while that candidate may be about
// to lead: not before a person said that the candidate, or a later one, was given up (over). Paxos would let the higher
// ballot pass; its proposer is a machine that tries again, and here the first candidate would lead and never be
// acknowledged anything.
func MayPromise(promised Ballot, led uint64, asked Ballot, over ...Ballot) bool {
	switch {
	case asked.Epoch <= led, asked.Epoch < promised.Epoch:
		return false
	case asked.Epoch == promised.Epoch:
		return asked == promised
	case promised.Epoch > led:
		return slices.ContainsFunc(over, func(b Ballot) bool { return b == promised || promised.Epoch < b.Epoch })
	}
	return true
}

// Seen is what a node shows of who leads before it is asked to promise.
type Seen struct {
	Promised Ballot
	Led      uint64 // the newest epoch of which it knows a leader
}

// Refuses is the first of the nodes that answer who would refuse to promise a ballot, or knows a leader of whom the
// candidate does not (known); -1 when none does. A candidate that asked one after the other would learn it from the
// last, when the first had promised already and answered nothing any more.
func Refuses(seen []Seen, known uint64, asked Ballot, over ...Ballot) int {
	return slices.IndexFunc(seen, func(s Seen) bool {
		return s.Led > known || !MayPromise(s.Promised, s.Led, asked, over...)
	})
}

// MaySwitch says whether a node may promise to a candidate that leads only if this one stops with everything that was
// answered: it leads, and would have been found out if it were an old copy. Any other promise would stop it, and the
// candidate could not lead.
func MaySwitch(leads, whole bool) bool { return leads && whole }

// Alone says whether no other follower can be promoted at the same time: of so many followers, the candidate among
// them, most promised, or half and the leader. Any two such sets have somebody in common, and he promises to one.
// Whoever was given up by name counts as if he had promised: a person knows that he is not promoted.
func Alone(followers, promised int, leaderStopped bool) bool {
	return followers < 2 || 2*promised > followers || 2*promised == followers && leaderStopped
}

// MayAcknowledge says whether a follower that promised a ballot may acknowledge anything to a leader. One of the epoch
// that it promised to another candidate counts: that one cannot lead beside him (Alone), and whoever promised it would
// follow nobody.
func MayAcknowledge(promised, leader Ballot) bool {
	return leader.Epoch >= promised.Epoch
}

// MayCopy says whether somebody who knows of a fence may take so many entries of a log over which a checkpoint was
// signed in an epoch: what the fence covers, and beyond it only what was signed in the fence's epoch or a later one. A
// replaced leader signs in no epoch of his successor's, so that nobody goes on with what he wrote and his successor
// never had. The candidate alone, before it writes, copies more from those who are fenced: what it begins with is its
// own.
func MayCopy(size, fence, signed, epoch uint64) bool { return size <= fence || signed >= epoch }

// MayLead says whether a candidate may lead that has what everybody has who promised: where acks followers have each
// entry that was answered, and as many did not promise, those may have acknowledged something alone, and may do so yet.
// A leader that stopped, and had heard from its followers, has everything that was answered. With acks 0 nothing is
// promised to anybody.
func MayLead(acks, silent int, leaderStopped bool) bool {
	return acks == 0 || leaderStopped || silent < acks
}

// Abandoned says whether a fence explains two histories that were signed in two epochs, both of which begin with the
// log that it states: the older one goes on with what nobody had acknowledged, and the leader of the newer one never
// had.
func Abandoned(older, newer, fence uint64) bool { return older < fence && fence <= newer }

// Whole says whether a leader that started with an old log would have been found out: whoever was not heard since may
// have acknowledged more than it has, if there are enough of them.
func Whole(acks, followers, heard int) bool { return acks == 0 || followers-heard < acks }
