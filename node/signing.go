package node

import (
	"fmt"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"

	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/node/signers"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog"
	"github.com/aqsha/aqsha/txlog/quorum"
)

// signersDir holds, for each change of validators, the checkpoint over the log up to the end of its block, by its
// number of entries: with the log it shows the change to whoever has the genesis alone.
const signersDir = "signers"

// signing is who signs this node's log.
//
// Invariants: own is who signs by the durable log here and known is at least as long and agrees with it (Signers.Same);
// met counts the changes taken in, heights and sets go with it. broken stays: a log whose changes contradict what was
// proven is followed no further. The lock is taken before the node's, never under it.
type signing struct {
	executed atomic.Int64 // changes of validators that the state has met; stored with the node's lock held

	whole atomic.Int64 // so many of the first changes have their checkpoint on the disk; see signersWhole

	// of handedOver, under the node's lock: after how many changes it was judged, and whether others sign
	judged int
	others bool

	// storing is over the files of signersDir, from looking whether one is there to its rename: several make the same
	// one at once, such as the engine with a block, whoever watches it, and readers of links. It is the innermost lock.
	storing sync.Mutex

	mu      sync.Mutex // over what follows
	met     int        // changes of validators that were found in the log here
	own     *signers.Signers
	sets    []ValidatorSet   // of all changes
	heights []uint64         // of the blocks that hold the changes of own
	known   *signers.Signers // own, or more that links alone prove
	broken  error
}

// metChanges notes how many changes of validators the state has met. The node's lock is held.
func (n *Node) metChanges() {
	n.signing.executed.Store(int64(len(n.state.Authority().Validators.Changes)))
}

// Signers is who signs checkpoints of this log: by the changes of validators in its durable blocks, and those that a
// leader has proven beyond.
func (n *Node) Signers() (*signers.Signers, error) {
	s := &n.signing
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken != nil {
		return nil, s.broken
	}
	if s.known == nil {
		begun, err := signers.Begin(n.genesis)
		if err != nil {
			return nil, err
		}
		s.own, s.known = begun, begun
	}
	if int(s.executed.Load()) == s.met {
		return s.known, nil
	}
	n.mu.RLock()
	heights := n.state.Authority().Validators.Changes[s.met:]
	n.mu.RUnlock()
	for _, height := range heights {
		if height >= n.log.Heights() {
			break // executed, and not durable yet: nothing over so many entries is signed
		}
		if err := n.meets(height); err != nil {
			return nil, err
		}
	}
	return s.known, nil
}

// meets takes in the change of a block. The lock of signing is held. What the log here says must agree with what links
// have proven (known): the validators of before have signed one successor, and a block that names another is of a log
// that two sets speak for. That is kept in broken, for the log cannot be followed past it.
func (n *Node) meets(height uint64) error {
	s := &n.signing
	block, _, set, err := n.changeAt(height)
	if err != nil {
		return err
	}
	root, err := n.log.Root(block.Size())
	if err != nil {
		return err
	}
	next, err := s.own.Then(block.Size(), root, set.Validators)
	if err != nil {
		return err
	}
	if !next.Same(s.known) {
		s.broken = fmt.Errorf("block %d changes the validators otherwise than those before have signed", height)
		return s.broken
	}
	if next.Changes() > s.own.Changes() {
		s.heights = append(s.heights, height)
	}
	s.sets = append(s.sets, ValidatorSet{block.Size(), set.Validators})
	s.met++
	if s.own = next; next.Changes() >= s.known.Changes() {
		s.known = next
	}
	return nil
}

// HandedOver is the code of a transaction at a node that others order behind the last block.
const HandedOver token.Code = "handed-over"

// handedOver refuses everything behind a change of validators after which this node's key does not sign the log. The
// node's lock is held.
func (n *Node) handedOver() *token.Error {
	v := &n.state.Authority().Validators
	if len(v.Changes) == 0 || len(n.config.Options.Signers) == 0 {
		return nil
	}
	if of := len(v.Changes); n.signing.judged != of {
		key, err := signers.Key(n.log.Origin(), v.Members)
		var verifier note.Verifier
		if err == nil {
			verifier, err = quorum.NewVerifier(key)
		}
		own := n.config.Options.Signers[0]
		n.signing.others = err != nil || verifier.Name() != own.Name() || verifier.KeyHash() != own.KeyHash()
		n.signing.judged = of
	}
	if !n.signing.others {
		return nil
	}
	return refuse(HandedOver, "", "the validators that were set in block %d order behind it: this node takes "+
		"nothing more",
		v.Changes[len(v.Changes)-1])
}

// ValidatorSet is who was set to order and to sign behind a block.
type ValidatorSet struct {
	After   uint64 // entries of the log up to the end of that block
	Members []token.Validator
}

// ValidatorSets lists the changes of validators in the durable log.
func (n *Node) ValidatorSets() ([]ValidatorSet, error) {
	if _, err := n.Signers(); err != nil {
		return nil, err
	}
	n.signing.mu.Lock()
	defer n.signing.mu.Unlock()
	return n.signing.sets[:len(n.signing.sets):len(n.signing.sets)], nil
}

// ExecutedValidators is who orders by the last block that was executed, durable or not, none before they were set; and
// how often they were.
func (n *Node) ExecutedValidators() (members []token.Validator, changes int) {
	n.mu.RLock()
	defer n.mu.RUnlock()
	v := &n.state.Authority().Validators
	return v.Members, len(v.Changes)
}

// KeepSigned keeps a checkpoint that shows a change of validators, older than the newest that is published.
func (n *Node) KeepSigned(signed []byte) error { return n.keepSigned(signed) }

// CheckpointTextAt is what a checkpoint over so many entries states.
func (n *Node) CheckpointTextAt(size uint64) (string, error) {
	root, err := n.log.Root(size)
	return txlog.Checkpoint{Origin: n.log.Origin(), Size: size, Root: root}.Text(), err
}

// changeAt finds the change of validators that a block holds, and at which entry. It reads the block from the log, and
// is asked only of blocks of which it is known that there is one.
func (n *Node) changeAt(height uint64) (block txlog.BatchInfo, index uint64, set *token.SetValidators, err error) {
	if block, err = n.log.Batch(height); err != nil {
		return block, 0, nil, err
	}
	for index = block.FirstIndex + 1; index < block.Size(); index++ {
		data, err := n.log.Entry(index)
		if err != nil {
			return block, 0, nil, err
		}
		e, err := ledger.DecodeEntry(data)
		if err != nil {
			return block, 0, nil, err
		}
		if e.Transaction == nil {
			continue
		}
		if set, ok := e.Transaction.Body.(*token.SetValidators); ok {
			return block, index, set, nil
		}
	}
	return block, 0, nil, fmt.Errorf("block %d holds no change of validators", height)
}

// openCheckpoint verifies a checkpoint of this log by whoever signs so many entries.
func (n *Node) openCheckpoint(signed []byte) (txlog.Checkpoint, *note.Note, error) {
	s, err := n.Signers()
	if err != nil {
		return txlog.Checkpoint{}, nil, err
	}
	return s.Open(signed)
}

// keepSigned keeps a checkpoint that shows a change of validators: the last that those before it have signed. Others it
// leaves alone. It was verified.
func (n *Node) keepSigned(signed []byte) error {
	s, err := n.Signers()
	if err != nil {
		return err
	}
	c, opened, err := s.Open(signed)
	if err != nil {
		return err
	}
	for i := s.Changes(); i > 0 && s.After(i) >= c.Size; i-- {
		if s.After(i) == c.Size {
			return n.storeSigned(opened, c.Size)
		}
	}
	return nil
}

// keepPublished is keepSigned of the newest checkpoint at a start: with a copy of a log that another node has signed up
// to a change comes the checkpoint that shows it, which the next one takes the place of.
func (n *Node) keepPublished() error {
	signed, _ := n.log.Checkpoint()
	if signed == nil || n.config.ReadOnly || n.signing.executed.Load() == 0 {
		return nil
	}
	return n.keepSigned(signed)
}

// storeSigned keeps the checkpoint with this signer's own signature alone; one that is kept stays.
func (n *Node) storeSigned(opened *note.Note, size uint64) error {
	n.signing.storing.Lock()
	defer n.signing.storing.Unlock()
	if kept, err := n.signedAt(size); err != nil || kept != nil {
		return err
	}
	own, err := note.Sign(&note.Note{Text: opened.Text, Sigs: opened.Sigs[:1]})
	if err != nil {
		return err
	}
	dir := filepath.Join(n.config.Dir, signersDir)
	if err := n.fs.MkdirAll(dir); err != nil {
		return err
	}
	return replaceFile(n.fs, dir, filepath.Join(dir, strconv.FormatUint(size, 10)), own)
}

// signedAt is the checkpoint over so many entries that shows a change; nil where it is not here.
func (n *Node) signedAt(size uint64) ([]byte, error) {
	return readSmall(n.fs, filepath.Join(n.config.Dir, signersDir, strconv.FormatUint(size, 10)))
}

// signersWhole says whether each checkpoint is here that shows a change which the log here holds. What was found once
// is not looked for again.
func (n *Node) signersWhole() (bool, error) {
	s, err := n.Signers()
	if err != nil {
		return false, err
	}
	for i := int(n.signing.whole.Load()) + 1; i <= s.Changes(); i++ {
		// Links may say more than the log here has come to: those are no holes.
		if s.After(i) > n.log.Size() {
			break
		}
		kept, err := n.signedAt(s.After(i))
		if err != nil || kept == nil {
			return false, err
		}
		n.signing.whole.Store(int64(i))
	}
	return true, nil
}

// Handover is over how many entries the checkpoint is that shows the newest change of the log's key, 0 without any, and
// whether it is not here.
func (n *Node) Handover() (size uint64, missing bool, err error) {
	s, err := n.Signers()
	if err != nil || s.Changes() == 0 {
		return 0, false, err
	}
	size = s.After(s.Changes())
	kept, err := n.signedAt(size)
	return size, kept == nil, err
}

// SignerLinks shows who signs a checkpoint of this log over so many entries: a link for each change before it.
func (n *Node) SignerLinks(size uint64) (links []signers.Link, err error) {
	if _, err := n.Signers(); err != nil {
		return nil, err
	}
	n.signing.mu.Lock()
	own, heights := n.signing.own, n.signing.heights
	n.signing.mu.Unlock()
	before := uint64(0)
	for i := 1; i <= own.Changes() && own.After(i) < size; i++ {
		l, err := n.signerLink(heights[i-1], before, own.After(i))
		if err != nil {
			return nil, err
		}
		links, before = append(links, l), own.After(i)
	}
	return links, nil
}

// Links is a file of links to those who signed the newest checkpoint that is kept; nil where nothing has changed since
// the genesis.
func (n *Node) Links() ([]byte, error) {
	_, c := n.log.Checkpoint()
	links, err := n.SignerLinks(c.Size)
	if err != nil || len(links) == 0 {
		return nil, err
	}
	return signers.Encode(links), nil
}

// signerLink shows the change of a block that ends the log at a size, behind one at another.
func (n *Node) signerLink(height, before, size uint64) (l signers.Link, err error) {
	if signed, c := n.log.Checkpoint(); c.Size == size { // of a node that orders alone, and has just signed its last
		if err := n.keepSigned(signed); err != nil {
			return l, err
		}
	}
	if l.Checkpoint, err = n.signedAt(size); err != nil {
		return l, err
	}
	if l.Checkpoint == nil {
		return l, refuse(NotYet, "", "the checkpoint of %d entries, which shows a change of validators, is not here "+
			"yet: ask again in a while, or another node", size)
	}
	if before > 0 {
		if l.Consistency, err = n.log.ConsistencyProof(before, size); err != nil {
			return l, err
		}
	}
	if _, l.Index, _, err = n.changeAt(height); err != nil {
		return l, err
	}
	if l.Entry, err = n.log.Entry(l.Index); err != nil {
		return l, err
	}
	l.Inclusion, err = n.log.InclusionProof(l.Index, size)
	return l, err
}

// LearnSigners follows links that another node shows, and keeps what shows them. They may go beyond the log here; as
// far as it goes, they must say what it says. Links come from whoever is asked; they prove themselves from the genesis
// on.
func (n *Node) LearnSigners(links []signers.Link) error {
	learnt, err := signers.FromGenesis(n.genesis, links)
	if err != nil {
		return err
	}
	if _, err := n.Signers(); err != nil {
		return err
	}
	// Everything is checked before the lock and against what is known under it: another link may have been learnt
	// meanwhile.
	s := &n.signing
	s.mu.Lock()
	defer s.mu.Unlock()
	if !learnt.Same(s.known) {
		return refuse(token.NotCanonical, "signers", "what is shown of the validators is not what is known here")
	}
	if learnt.Changes() > s.known.Changes() {
		s.known = learnt
	}
	if n.config.ReadOnly {
		return nil
	}
	// Memory before disk: what a crash takes from the disk is only the proof for others, and is learnt again from the
	// next node that is asked.
	for i := range links {
		at := learnt.Until(i)
		c, opened, err := at.Open(links[i].Checkpoint)
		if err != nil {
			return err
		}
		if err := n.storeSigned(opened, c.Size); err != nil {
			return err
		}
	}
	return nil
}
