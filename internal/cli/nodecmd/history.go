package nodecmd

import (
	"context"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/internal/cli/datadir"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog"
)

// nodeTiles reads the tiles of a node's log as tlog wants them; tlog verifies each against the tree's root.
type nodeTiles struct {
	ctx    context.Context
	client *api.Client
}

const tileHeight = 8

func (nodeTiles) Height() int { return tileHeight }

func (nodeTiles) SaveTiles([]tlog.Tile, [][]byte) {}

func (r nodeTiles) ReadTiles(tiles []tlog.Tile) (all [][]byte, err error) {
	for _, t := range tiles {
		content, err := r.client.Tile(r.ctx, txlog.Tile{Level: t.L, Index: uint64(t.N), Width: t.W})
		if err != nil {
			return nil, err
		}
		all = append(all, content)
	}
	return all, nil
}

// RootAt is the root that a node's log had at a size, verified against its present head.
func RootAt(ctx context.Context, client *api.Client, head node.Head, size uint64) (root txlog.Hash, err error) {
	if size == 0 || size > head.Size {
		return root, fmt.Errorf("size %d of a log of %d entries", size, head.Size)
	}
	tree := tlog.Tree{N: int64(head.Size), Hash: tlog.Hash(head.Root)}
	hash, err := tlog.TreeHash(int64(size), tlog.TileHashReader(tree, nodeTiles{ctx, client}))
	return txlog.Hash(hash), err
}

// sameHistory refuses a copy that is not the beginning of the log it is to be continued from, by that one's tiles.
func sameHistory(ctx context.Context, n *node.Node, from api.Network, client *api.Client) error {
	if n.Network() != from.Network {
		return token.Errorf(datadir.WrongNetwork, "dir", "it holds network %s (%s); this ledger is network %s (%s)",
			n.Network(), n.Genesis().Name, from.Network, from.Name)
	}
	have := n.Log().Size()
	if have > from.Head.Size {
		return token.Errorf(datadir.WrongHistory, "dir", "it holds %d entries of network %s, and this ledger only %d",
			have, from.Network, from.Head.Size)
	}
	here, err := n.Log().Root(have)
	if err != nil {
		return err
	}
	there, err := RootAt(ctx, client, from.Head, have)
	if err != nil {
		return err
	}
	if here != there {
		return token.Errorf(datadir.WrongHistory, "dir",
			"it holds another history of network %s: the first %d entries differ", from.Network, have)
	}
	return nil
}
