package node

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/aqsha/aqsha/node/signers"
	"github.com/aqsha/aqsha/txlog"
)

// PointFile stands in a copy of the past: under which signed checkpoint its log stands, though none was signed of its
// own size.
const PointFile = "point.json"

// MaxPointBytes bounds such a file.
const MaxPointBytes = 64 << 10

// Point shows that a log of some size begins the one over which the log's key signed a checkpoint.
type Point struct {
	Size       uint64 `json:"size"` // entries
	Root       []byte `json:"root"` // of the log at that size
	Checkpoint string `json:"checkpoint"`
	// RFC 6962 consistency, from size to the checkpoint's; empty when it is of that size
	Proof [][]byte `json:"proof"`
	// a file of links to those who signed the checkpoint, where validators have changed behind the size
	Signers []byte `json:"signers,omitempty"`
}

// ReadPoint reads such a file's content.
func ReadPoint(content []byte) (p Point, err error) {
	if len(content) > MaxPointBytes {
		return p, fmt.Errorf("%s: %d bytes", PointFile, len(content))
	}
	if err = json.Unmarshal(content, &p); err != nil {
		return p, fmt.Errorf("%s: %w", PointFile, err)
	}
	for _, hash := range append(p.Proof, p.Root) {
		if len(hash) != txlog.HashBytes {
			return p, fmt.Errorf("%s: a hash of %d bytes, want %d", PointFile, len(hash), txlog.HashBytes)
		}
	}
	return p, nil
}

func (p Point) root() txlog.Hash { return txlog.Hash(p.Root) }

// proof is the proof as the log's checks take it.
func (p Point) proof() (proof []txlog.Hash) {
	for _, hash := range p.Proof {
		proof = append(proof, txlog.Hash(hash))
	}
	return proof
}

// Check verifies a point by whoever signs the log, and returns how many entries they signed. Where validators change
// between its end and the checkpoint, the point shows it by links.
func (p Point) Check(s *signers.Signers) (signed uint64, err error) {
	if len(p.Signers) > 0 {
		links, err := signers.Decode(p.Signers)
		for i := s.Changes(); err == nil && i < len(links); i++ {
			s, err = s.Follow(&links[i])
		}
		if err != nil {
			return 0, mismatch("%v", err)
		}
	}
	c, _, err := s.Open([]byte(p.Checkpoint))
	switch {
	case err != nil:
		return 0, mismatch("the checkpoint is not signed by the log's key: %v", err)
	case c.Size == p.Size && c.Root == p.root():
		return c.Size, nil
	case c.Size <= p.Size:
		return 0, mismatch("the checkpoint is of %d entries, the copy has %d", c.Size, p.Size)
	}
	if err := txlog.VerifyConsistency(p.Size, c.Size, p.root(), c.Root, p.proof()); err != nil {
		return 0, mismatch("the log of %d entries does not begin the one of %d that was signed: %v", p.Size, c.Size,
			err)
	}
	return c.Size, nil
}

// keepPoint keeps under which of a leader's checkpoints a copy of the past stands. Of a leader that is further, the
// proof that its log begins with the copy's is kept beside: later, nobody may be there to ask for it.
func (n *Node) keepPoint(ctx context.Context, leader Leader, signed []byte, c txlog.Checkpoint, size uint64,
	root txlog.Hash) error {
	p := Point{Size: size, Root: root[:], Checkpoint: string(signed)}
	if c.Size > size {
		tree := tlog.Tree{N: int64(c.Size), Hash: tlog.Hash(c.Root)}
		proof, err := tlog.ProveTree(int64(c.Size), int64(size),
			tlog.TileHashReader(tree, &tileReader{ctx, leader, map[string][]byte{}}))
		if err != nil {
			return fmt.Errorf("the leader's tiles: %w", err)
		}
		for _, hash := range proof {
			p.Proof = append(p.Proof, hash[:])
		}
	}
	if s, err := n.Signers(); err != nil {
		return err
	} else if n := s.Changes(); n > 0 && s.After(n) >= size {
		if p.Signers, err = leader.Signers(ctx); err != nil {
			return err
		}
	}
	content, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return err
	}
	return replaceFile(n.fs, n.config.Dir, filepath.Join(n.config.Dir, PointFile), append(content, '\n'))
}
