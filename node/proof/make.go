package proof

import (
	"context"
	"slices"

	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/node/signers"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog"
)

// Make gathers the proof of a token, live or spent, under the newest checkpoint.
func Make(ctx context.Context, n *node.Node, id token.ID) (*File, error) {
	origin, err := n.Origin(ctx, id)
	if err != nil {
		return nil, err
	}
	// The genesis is always there: it names the key under which the checkpoint stands.
	indices := map[uint64]bool{0: true}
	for queue := []uint64{origin.Entry}; len(queue) > 0; queue = queue[1:] {
		if indices[queue[0]] {
			continue
		}
		indices[queue[0]] = true
		if len(indices) > MaxEntries {
			return nil, token.Errorf(token.TooMany, "token", "its provenance has more than %d transactions", MaxEntries)
		}
		inputs, err := inputsOf(n, queue[0])
		if err != nil {
			return nil, err
		}
		for _, input := range inputs {
			origin, err := n.Origin(ctx, input)
			if err != nil {
				return nil, err
			}
			queue = append(queue, origin.Entry)
		}
	}
	// Taken after the walk: the log may have grown meanwhile, and every entry found is below it or not shown yet.
	signed, checkpoint, err := n.ProofCheckpoint()
	if err != nil {
		return nil, err
	}
	f := &File{Checkpoint: signed, Token: id}
	if f.Signers, f.Continues, err = shownSigners(n, checkpoint); err != nil {
		return nil, err
	}
	for index := range indices {
		if err := node.Covered(index, checkpoint); err != nil {
			return nil, err
		}
		entry, err := n.Log().Entry(index)
		if err != nil {
			return nil, err
		}
		path, err := n.Log().InclusionProof(index, checkpoint.Size)
		if err != nil {
			return nil, err
		}
		f.Entries = append(f.Entries, Included{index, entry, path})
	}
	slices.SortFunc(f.Entries, func(a, b Included) int {
		if a.Index < b.Index {
			return -1
		}
		return 1
	})
	return f, nil
}

// shownSigners shows who signed a checkpoint, to whoever knows the genesis.
func shownSigners(n *node.Node, c txlog.Checkpoint) (links []signers.Link, continues []txlog.Hash, err error) {
	if links, err = n.SignerLinks(c.Size); err != nil || len(links) == 0 {
		return nil, nil, err
	}
	last, err := txlog.ParseSigned(links[len(links)-1].Checkpoint)
	if err != nil {
		return nil, nil, err
	}
	continues, err = n.ConsistencyProof(last.Size, c.Size)
	return links, continues, err
}

func inputsOf(n *node.Node, entry uint64) ([]token.ID, error) {
	e, _, err := n.Entry(entry)
	if err != nil {
		return nil, err
	}
	s, err := readStep(0, e)
	return s.inputs, err
}
