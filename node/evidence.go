package node

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/aqsha/aqsha/txlog"
)

// TwoHistories is evidence that a log's key has signed two histories: two checkpoints, and the proof that the
// longer one's first entries are not the shorter one. Nobody who keeps one log can be shown such a pair.
type TwoHistories struct {
	Origin  string       `json:"origin"`
	Shorter string       `json:"shorter"` // signed checkpoint
	Longer  string       `json:"longer"`  // signed checkpoint, of at least as many entries
	Root    txlog.Hash   `json:"root"`    // that the longer one's tree has at the shorter one's size
	Proof   []txlog.Hash `json:"proof"`   // of that (RFC 6962 consistency proof); empty when the sizes are equal
	Seen    time.Time    `json:"seen"`
}

// Check verifies evidence under the log's key: nil means that it holds.
func (e TwoHistories) Check(verifier note.Verifier) error {
	verifiers := note.VerifierList(verifier)
	shorter, _, err := txlog.OpenCheckpoint([]byte(e.Shorter), e.Origin, verifiers)
	if err != nil {
		return fmt.Errorf("shorter: %w", err)
	}
	longer, _, err := txlog.OpenCheckpoint([]byte(e.Longer), e.Origin, verifiers)
	switch {
	case err != nil:
		return fmt.Errorf("longer: %w", err)
	case shorter.Size > longer.Size:
		return fmt.Errorf("shorter has %d entries, longer %d", shorter.Size, longer.Size)
	case e.Root == shorter.Root:
		return fmt.Errorf("the longer history begins with the shorter one: that is as it should be")
	case shorter.Size == longer.Size:
		if e.Root != longer.Root {
			return fmt.Errorf("root: not the longer checkpoint's")
		}
		return nil
	}
	if err := txlog.VerifyConsistency(shorter.Size, longer.Size, e.Root, longer.Root, e.Proof); err != nil {
		return fmt.Errorf("proof: %w", err)
	}
	return nil
}

// EvidenceError means that a leader has shown two histories.
type EvidenceError struct {
	Evidence TwoHistories
	File     string // where it is saved
}

func (e *EvidenceError) Error() string {
	return fmt.Sprintf("the leader has signed two histories; the evidence is in %s", e.File)
}
func (e *EvidenceError) ErrorCode() string  { return "two-histories" }
func (e *EvidenceError) ErrorField() string { return e.File }

// EvidencePattern is how files of evidence are named, in the data directory.
const EvidencePattern = "evidence-*.json"

// accuse makes evidence of a checkpoint that contradicts the one kept here, which is at least as long.
func (n *Node) accuse(signed []byte, c txlog.Checkpoint) error {
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
	return n.saveEvidence(e)
}

// saveEvidence keeps evidence that holds, and returns it as an error.
func (n *Node) saveEvidence(e TwoHistories) error {
	e.Seen = time.UnixMilli(int64(n.config.Now())).UTC()
	if err := e.Check(n.logVerifier); err != nil {
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
	return &EvidenceError{e, path}
}

// tileReader reads a leader's hash tiles, as golang.org/x/mod/sumdb/tlog asks for them.
type tileReader struct {
	ctx    context.Context
	leader Leader
	kept   map[string][]byte
}

func (r *tileReader) Height() int { return 8 }

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

func (r *tileReader) SaveTiles([]tlog.Tile, [][]byte) {}
