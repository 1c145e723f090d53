package cluster

import (
	"crypto/ed25519"
	"encoding/hex"
	"fmt"
	"strings"

	abci "github.com/cometbft/cometbft/abci/types"
	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/cluster/status"
	"github.com/aqsha/aqsha/node/signers"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog/quorum"
)

// set is the members that order from a block of the ledger on, until the next set.
type set struct {
	after   uint64 // entries up to the end of the block that holds the change: checkpoints over more are this set's
	first   bool   // of the cluster's genesis
	members []Member
}

// Validator is a member as the ledger knows it.
func (m Member) Validator() (v token.Validator, err error) {
	v.Name = m.Name
	v.Vote, v.Checkpoint = ledgerKey(m.Consensus), ledgerKey(m.Checkpoint)
	if n, err := hex.Decode(v.Peer[:], []byte(m.Peer)); err != nil || n != token.PeerBytes {
		return v, fmt.Errorf("validator %s: %q is no peer's id", m.Name, m.Peer)
	}
	return v, nil
}

func ledgerKey(key ed25519.PublicKey) (k token.PublicKey) {
	k[0] = byte(token.Ed25519)
	copy(k[1:], key)
	return k
}

// membersOf is validators as a cluster knows them.
func membersOf(list []token.Validator) (members []Member) {
	for i := range list {
		v := &list[i]
		members = append(members, Member{Name: v.Name, Consensus: v.Vote[1:], Checkpoint: v.Checkpoint[1:],
			Peer: v.Peer.String()})
	}
	return members
}

// MemberOf is a validator as a cluster knows it.
func MemberOf(v token.Validator) Member { return membersOf([]token.Validator{v})[0] }

// readSets lists who has ordered, the members of the cluster's genesis first.
func (a *app) readSets() ([]set, error) {
	changes, err := a.ledger.ValidatorSets()
	if err != nil {
		return nil, err
	}
	list := []set{{first: true, members: a.charter.Members}}
	for _, c := range changes {
		list = append(list, set{after: c.After, members: membersOf(c.Members)})
	}
	return list, nil
}

// now is the newest set that is durable here.
func (a *app) now() *set {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.newest()
}

// newest is now. The lock is held.
func (a *app) newest() *set { return &a.sets[len(a.sets)-1] }

// leaving is the set before the newest, until the second block behind the change is here: until then its members are
// still needed. nil afterwards. The lock is held.
func (a *app) leaving() *set {
	if len(a.sets) < 2 || a.changed == 0 || a.at.Height >= a.changed+status.InForce {
		return nil
	}
	return &a.sets[len(a.sets)-2]
}

// setOf is whose signatures a checkpoint over so many entries bears. The lock is held.
func (a *app) setOf(size uint64) *set {
	i := len(a.sets) - 1
	for i > 0 && size <= a.sets[i].after {
		i--
	}
	return &a.sets[i]
}

// recoverSets reads who orders at a start, and at which height they were set if that is one of the last two blocks.
func (a *app) recoverSets() (err error) {
	if a.sets, err = a.readSets(); err != nil {
		return err
	}
	last, after := a.positions.last, a.newest().after
	for i := 1; i < len(last); i++ {
		if last[i].Size >= after && last[i-1].Size < after {
			a.changed = last[i].Height
		}
	}
	return nil
}

// byAddress finds a member by CometBFT's address; -1 without one.
func (s *set) byAddress(address []byte) int { return Charter{Members: s.members}.byAddress(address) }

// byCheckpoint finds a member by the key with which it signs checkpoints; -1 without one.
func (s *set) byCheckpoint(key ed25519.PublicKey) int {
	for i, m := range s.members {
		if m.Checkpoint.Equal(key) {
			return i
		}
	}
	return -1
}

// threshold is how many must sign.
func (s *set) threshold() int { return quorum.Max(len(s.members)) }

// join makes a checkpoint of its text and members' signatures, each nil where none has come; nil with too few.
func (s *set) join(name, text string, signed [][]byte) []byte {
	if len(s.members) > 1 || s.first {
		joined, err := Charter{Members: s.members}.Quorum().Sign(name, text, signed)
		if err != nil {
			return nil
		}
		return joined
	}
	// One member signs as a log's key does.
	v, err := s.members[0].Validator()
	if err != nil || signed[0] == nil {
		return nil
	}
	key, err := signers.Key(name, []token.Validator{v})
	if err != nil {
		return nil
	}
	verifier, err := note.NewVerifier(key)
	if err != nil || !verifier.Verify([]byte(text), signed[0]) {
		return nil
	}
	joined, err := note.Sign(&note.Note{Text: text}, &made{verifier, signed[0]})
	if err != nil {
		return nil
	}
	return joined
}

// made gives a signature that is already made to whoever asks for one.
type made struct {
	note.Verifier
	signature []byte
}

func (m *made) Sign([]byte) ([]byte, error) { return m.signature, nil }

// updates is what CometBFT must hear of a change: who votes no more, and who votes from the second block after this on.
func updates(before, after []Member) (list []abci.ValidatorUpdate) {
	for _, m := range before {
		if (Charter{Members: after}).ByConsensus(m.Consensus) < 0 {
			list = append(list, abci.Ed25519ValidatorUpdate(m.Consensus, 0))
		}
	}
	for _, m := range after {
		if (Charter{Members: before}).ByConsensus(m.Consensus) < 0 {
			list = append(list, abci.Ed25519ValidatorUpdate(m.Consensus, power))
		}
	}
	return list
}

// change compares who orders after a block was executed with who did before it.
func (a *app) change(before []token.Validator, changes int) []abci.ValidatorUpdate {
	after, now := a.ledger.ExecutedValidators()
	if now == changes {
		return nil
	}
	from := a.charter.Members
	if changes > 0 {
		from = membersOf(before)
	}
	next := membersOf(after)
	var names []string
	for _, m := range next {
		names = append(names, m.Name)
	}
	a.logger.Info("the validators change", "validators", strings.Join(names, ", "))
	return updates(from, next)
}

// handing says whether the state that is voted on ends with a change of who signs it: everybody who votes must sign its
// checkpoint then, since nobody will afterwards. The lock is held.
func (a *app) handing() bool {
	last := a.newest()
	return !last.first && a.at.Size == last.after && a.changed == a.at.Height && a.changed > 0
}

// recoverHandover makes the checkpoint that shows the newest change from the votes that CometBFT keeps, where this
// validator did not take part in them.
func (a *app) recoverHandover() error {
	size, missing, err := a.ledger.Handover()
	if err != nil || !missing || a.votes == nil {
		return err
	}
	a.mu.Lock()
	height, last := a.changed, *a.newest()
	signs := *a.setOf(size)
	a.mu.Unlock()
	if height == 0 || last.after != size {
		return nil
	}
	text, err := a.ledger.CheckpointTextAt(size)
	if err != nil {
		return err
	}
	signed := make([][]byte, len(signs.members))
	for address, extension := range a.votes(height + 1) {
		if i := signs.byAddress([]byte(address)); i >= 0 && len(extension) == ed25519.SignatureSize &&
			ed25519.Verify(signs.members[i].Checkpoint, []byte(text), extension) {
			signed[i] = extension
		}
	}
	if joined := signs.join(a.name, text, signed); joined != nil {
		return a.ledger.KeepSigned(joined)
	}
	return nil
}
