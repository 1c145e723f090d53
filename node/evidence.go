package node

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/aqsha/aqsha/node/failover"
	"github.com/aqsha/aqsha/txlog"
)

// TwoHistories is evidence that a log's key has signed two histories: two checkpoints, and the proof that the
// longer one's first entries are not the shorter one. Nobody who keeps one log can be shown such a pair, but for what a
// promotion left behind: the fences say so.
type TwoHistories struct {
	Origin  string     `json:"origin"`
	Shorter string     `json:"shorter"` // signed checkpoint
	Longer  string     `json:"longer"`  // signed checkpoint, of at least as many entries
	Root    txlog.Hash `json:"root"`    // that the longer one's tree has at the shorter one's size
	// of that (RFC 6962 consistency proof); empty when the sizes are equal
	Proof  []txlog.Hash `json:"proof"`
	Fences []FenceProof `json:"fences,omitempty"` // of promotions between the two, with which both histories agree
	Seen   time.Time    `json:"seen"`
}

// FenceProof is a fence, and the proofs that both histories begin with the log that it states.
type FenceProof struct {
	Fence   string       `json:"fence"`   // signed
	Shorter []txlog.Hash `json:"shorter"` // RFC 6962 consistency proofs; empty when the sizes are equal
	Longer  []txlog.Hash `json:"longer"`
}

// Verdict says what two signed histories mean.
type Verdict string

// Verdicts.
const (
	// Forked is a history that was rewritten: fraud, or an old copy of a leader that was put back and went on.
	Forked Verdict = "two-histories"
	// LeftBehind is what an old leader had signed and nobody had acknowledged when another was promoted.
	LeftBehind Verdict = "left-behind"
)

// epochLine begins the line of a checkpoint that states in which epoch it was signed (an extension line of C2SP
// tlog-checkpoint). The founder's epoch, 0, is not stated.
const epochLine = "aqsha-epoch "

// EpochOf is the epoch in which a checkpoint was signed.
func EpochOf(c txlog.Checkpoint) uint64 {
	for _, line := range c.Extensions {
		if text, found := strings.CutPrefix(line, epochLine); found {
			epoch, _ := strconv.ParseUint(text, 10, 63)
			return epoch
		}
	}
	return 0
}

// Check verifies evidence under the log's key: without an error it holds, and means what the verdict says.
func (e TwoHistories) Check(verifier note.Verifier) (Verdict, error) {
	verifiers := note.VerifierList(verifier)
	shorter, _, err := txlog.OpenCheckpoint([]byte(e.Shorter), e.Origin, verifiers)
	if err != nil {
		return "", fmt.Errorf("shorter: %w", err)
	}
	longer, _, err := txlog.OpenCheckpoint([]byte(e.Longer), e.Origin, verifiers)
	switch {
	case err != nil:
		return "", fmt.Errorf("longer: %w", err)
	case shorter.Size > longer.Size:
		return "", fmt.Errorf("shorter has %d entries, longer %d", shorter.Size, longer.Size)
	case e.Root == shorter.Root:
		return "", fmt.Errorf("the longer history begins with the shorter one: that is as it should be")
	}
	if err := consistent(shorter.Size, longer.Size, e.Root, longer.Root, e.Proof); err != nil {
		return "", fmt.Errorf("proof: %w", err)
	}
	// Both are signed, and one does not begin the other. That is fraud, unless a fence between their epochs, under the
	// same key, says that the older tail was left behind: who promotes does not forge.
	older, newer := EpochOf(shorter), EpochOf(longer)
	if older > newer {
		older, newer = newer, older
	}
	for i, proof := range e.Fences {
		f, err := OpenFence([]byte(proof.Fence), verifier)
		if err == nil {
			err = consistent(f.Size, shorter.Size, f.Root, shorter.Root, proof.Shorter)
		}
		if err == nil {
			err = consistent(f.Size, longer.Size, f.Root, longer.Root, proof.Longer)
		}
		if err != nil {
			return "", fmt.Errorf("fences[%d]: %w", i, err)
		}
		if failover.Abandoned(older, newer, f.Epoch) {
			return LeftBehind, nil
		}
	}
	return Forked, nil
}

// consistent checks that a tree begins another.
func consistent(size, of uint64, root, ofRoot txlog.Hash, proof []txlog.Hash) error {
	switch {
	case size > of:
		return fmt.Errorf("%d entries do not begin %d", size, of)
	case size == of && root == ofRoot, size == 0:
		return nil
	case size == of:
		return fmt.Errorf("root: another one at %d entries", size)
	}
	return txlog.VerifyConsistency(size, of, root, ofRoot, proof)
}

// EvidenceError means that a leader has shown another history than the one that is here.
type EvidenceError struct {
	Evidence TwoHistories
	Verdict  Verdict
	File     string // where it is saved
}

func (e *EvidenceError) Error() string {
	if e.Verdict == LeftBehind {
		return fmt.Sprintf("this log goes on with what the leader's never had: it was not acknowledged when another "+
			"was promoted. Copy the leader's (aqsha restore URL); the proof is in %s", e.File)
	}
	return fmt.Sprintf("the leader has signed two histories; the evidence is in %s", e.File)
}
func (e *EvidenceError) ErrorCode() string  { return string(e.Verdict) }
func (e *EvidenceError) ErrorField() string { return e.File }

// EvidencePattern is how files of evidence are named, in the data directory.
const EvidencePattern = "evidence-*.json"

// accuse makes evidence of a checkpoint that contradicts the one kept here, which is at least as long. It always
// returns an error: an *EvidenceError where the evidence holds and is stored.
func (f *follower) accuse(ctx context.Context, signed []byte, c txlog.Checkpoint) error {
	n := f.node
	own, kept := n.log.Checkpoint()
	root, err := n.log.Root(c.Size)
	if err != nil {
		return err
	}
	e := TwoHistories{Origin: c.Origin, Shorter: string(signed), Longer: string(own), Root: root}
	if c.Size < kept.Size {
		if e.Proof, err = n.log.ConsistencyProof(c.Size, kept.Size); err != nil {
			return err
		}
	}
	return f.saveEvidence(ctx, e, kept, c)
}

// FenceKeeper is a leader that can be asked for the fence of an epoch.
type FenceKeeper interface {
	FenceOf(ctx context.Context, epoch uint64) ([]byte, error) // nil when it has none
}

// maxFences bounds how many promotions evidence looks at. Each is asked of the leader, which may take SilenceBound.
const maxFences = 64

// fences are those of promotions between two checkpoints, with whose logs both agree: with one of them the two
// histories are a leader that was left behind and no forgery. A fence that is not here is asked of the leader; one
// that cannot be had is left out. At most maxFences are looked for.
func (f *follower) fences(ctx context.Context, kept, theirs txlog.Checkpoint) (proofs []FenceProof) {
	n := f.node
	from, to := EpochOf(kept), EpochOf(theirs)
	if from > to {
		from, to = to, from
	}
	keeper, _ := f.leader.(FenceKeeper)
	for epoch := from + 1; epoch <= to && epoch <= from+maxFences; epoch++ {
		signed, err := n.FenceOf(epoch)
		if signed == nil && keeper != nil {
			asking, done := context.WithTimeout(ctx, SilenceBound)
			signed, err = keeper.FenceOf(asking, epoch)
			done()
		}
		if err != nil || signed == nil {
			continue
		}
		if proof, err := f.agree(ctx, signed, kept, theirs); err == nil {
			proofs = append(proofs, proof)
		}
	}
	return proofs
}

// agree proves that the log here and the leader's both begin as a fence states, so that who has the proof can see
// where they part. The proof from the fence to the log here is made from it, that to the leader's from tiles that the
// leader serves, whose hashes must lead to the root that it signed. Shorter and Longer are in order of the two logs'
// sizes.
func (f *follower) agree(ctx context.Context, signed []byte, kept, theirs txlog.Checkpoint) (p FenceProof, err error) {
	n := f.node
	fence, err := n.readFence(signed)
	if err != nil {
		return p, err
	}
	if fence.Size > min(kept.Size, theirs.Size) {
		return p, errors.New("one of the two is shorter")
	}
	here, err := n.log.ConsistencyProof(fence.Size, kept.Size)
	if err != nil {
		return p, err
	}
	reader := tlog.TileHashReader(tlog.Tree{N: int64(theirs.Size), Hash: tlog.Hash(theirs.Root)},
		&tileReader{ctx, f.leader, map[string][]byte{}})
	there, err := tlog.ProveTree(int64(theirs.Size), int64(fence.Size), reader)
	if err != nil {
		return p, err
	}
	p = FenceProof{Fence: string(signed), Shorter: here}
	for _, hash := range there {
		p.Longer = append(p.Longer, txlog.Hash(hash))
	}
	if theirs.Size < kept.Size {
		p.Shorter, p.Longer = p.Longer, p.Shorter
	}
	return p, nil
}

// saveEvidence keeps evidence that holds, and returns it as an error. kept is the checkpoint here, theirs the
// leader's. The file is durable before the error goes on: what stops the follower can be shown after a crash as well.
func (f *follower) saveEvidence(ctx context.Context, e TwoHistories, kept, theirs txlog.Checkpoint) error {
	n := f.node
	e.Seen = time.UnixMilli(int64(n.config.Now())).UTC()
	known, err := n.Signers()
	if err != nil {
		return err
	}
	logKey := known.VerifierOf(min(kept.Size, theirs.Size))
	verdict, err := e.Check(logKey)
	for _, fence := range f.fences(ctx, kept, theirs) {
		explained := e
		explained.Fences = []FenceProof{fence}
		if v, err := explained.Check(logKey); err == nil && v == LeftBehind {
			e, verdict = explained, v
			break
		}
	}
	if err != nil {
		return fmt.Errorf("the leader contradicts itself, but the evidence does not hold: %w", err)
	}
	content, err := json.MarshalIndent(e, "", "  ")
	if err != nil {
		return err
	}
	path := filepath.Join(n.config.Dir, strings.Replace(EvidencePattern, "*", fmt.Sprint(n.config.Now()), 1))
	if err := replaceFile(n.fs, n.config.Dir, path, append(content, '\n')); err != nil {
		return err
	}
	return &EvidenceError{e, verdict, path}
}

// tileReader reads a leader's hash tiles, as golang.org/x/mod/sumdb/tlog asks for them.
type tileReader struct {
	ctx    context.Context
	leader Leader
	kept   map[string][]byte
}

// Height is that of the log's tiles: 2⁸ hashes in each.
func (r *tileReader) Height() int { return 8 }

// ReadTiles asks the leader for each tile once; proofs that are made of them are checked by the caller.
func (r *tileReader) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var contents [][]byte
	for _, t := range tiles {
		path := t.Path()
		content, ok := r.kept[path]
		if !ok {
			var err error
			asking, done := context.WithTimeout(r.ctx, SilenceBound)
			content, err = r.leader.Tile(asking, txlog.Tile{Level: t.L, Index: uint64(t.N), Width: t.W})
			done()
			if err != nil {
				return nil, err
			}
			r.kept[path] = content
		}
		contents = append(contents, content)
	}
	return contents, nil
}

// SaveTiles keeps nothing: tiles are kept as they are read.
func (r *tileReader) SaveTiles([]tlog.Tile, [][]byte) {}
