package audit

import (
	"context"

	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/node/signers"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog"
)

// Block is a block's leaf and where it stands in the log.
type Block struct {
	Leaf  ledger.Leaf
	First uint64
}

// Shown is what everybody may read of a network whose entries are private: the genesis, the leaf of every block, and
// the hashes.
type Shown interface {
	Checkpoint(ctx context.Context) ([]byte, error)
	Tile(ctx context.Context, t txlog.Tile) ([]byte, error)
	Genesis(ctx context.Context) (ledger.Genesis, error)
	// Signers are links to who signs the newest checkpoint; none where nobody has taken the genesis's key's place.
	Signers(ctx context.Context) ([]signers.Link, error)
	// Blocks are those from a height on, in order, as many as the source gives at a time.
	Blocks(ctx context.Context, from uint64) ([]Block, error)
}

// Public verifies what everybody may read of a log. The genesis leads to the network's id and names the log's key;
// links lead from there to who signs the checkpoint, where validators have changed; the hashes of the tiles lead to the
// root in it; every leaf is one of them, and states the root of all before it and money that adds up. What entries
// between the leaves say, it cannot tell.
func Public(ctx context.Context, source Shown, network token.NetworkID,
	progress func(done, size uint64)) (r Report, err error) {
	// The checkpoint first, and all else held against it: a source whose log grows meanwhile would otherwise show
	// tiles of one size and a root of another.
	signed, err := source.Checkpoint(ctx)
	if err != nil {
		return r, err
	}
	claimed, err := txlog.ParseSigned(signed)
	if err != nil {
		return r, err
	}
	genesis, err := source.Genesis(ctx)
	if err != nil {
		return r, err
	}
	if err := genesis.CheckError(); err != nil {
		return r, mismatch("the genesis: %v", err)
	}
	r.Network, r.Name, r.Size, r.Root = genesis.Network(), genesis.Name, claimed.Size, claimed.Root.String()
	// Where the caller brings an id, nothing that the source says is believed before it: an honest genesis hashes to
	// it, and no other log key does.
	if network != (token.NetworkID{}) && network != r.Network {
		return r, mismatch("this is network %s, not %s", r.Network, network)
	}
	links, err := source.Signers(ctx)
	if err != nil {
		return r, err
	}
	s, err := signers.FromGenesis(genesis, links)
	if err != nil {
		return r, mismatch("who signs the log: %v", err)
	}
	if _, _, err := s.Open(signed); err != nil {
		return r, mismatch("the checkpoint is not signed by those who sign this log: %v", err)
	}
	p := publicCheck{ctx: ctx, source: source, size: claimed.Size, progress: progress, last: genesis.Leaf()}
	if p.changes, err = changesOf(links); err != nil {
		return r, err
	}
	if err := p.run(); err != nil {
		return r, err
	}
	// Last, and it is what binds everything: leaves were compared with hashes, and only now are these hashes those
	// that were signed.
	if root := p.stream.Root(); root != claimed.Root {
		return r, mismatch("the hash tiles lead to root %s at %d entries, the checkpoint states %s", root, claimed.Size,
			claimed.Root)
	}
	r.Tiles, r.Leaves, r.Height, r.TimeMillis, r.Rules = p.compared, p.last.Height+1, p.last.Height, p.last.TimeMillis,
		p.last.Rules
	r.Issued, r.Redeemed, r.Circulating = p.last.Issued, p.last.Redeemed, p.last.Circulating
	r.missing(network)
	return r, nil
}

// changesOf is what the links' checkpoints state: the log must have had those roots.
func changesOf(links []signers.Link) (list []txlog.Checkpoint, err error) {
	for i := range links {
		c, err := txlog.ParseSigned(links[i].Checkpoint)
		if err != nil {
			return nil, err
		}
		list = append(list, c)
	}
	return list, nil
}

// publicCheck walks through the hashes of a log, beside its leaves.
type publicCheck struct {
	ctx      context.Context
	source   Shown
	size     uint64
	progress func(done, size uint64)
	stream   txlog.TileStream
	compared uint64
	blocks   []Block // that follow
	last     ledger.Leaf
	next     uint64             // index of the next leaf
	begun    bool               // the genesis was seen
	changes  []txlog.Checkpoint // of who signs, that the walk has not come to
}

// run reads the hashes of all entries from the tiles: leaves of blocks are found by their places, and each block must
// begin where the one before ends.
func (p *publicCheck) run() error {
	for p.stream.Size() < p.size {
		first := p.stream.Size()
		t := txlog.Tile{Level: 0, Index: first / txlog.TileWidth, Width: int(min(txlog.TileWidth, p.size-first))}
		b, err := p.source.Tile(p.ctx, t)
		if err != nil {
			return err
		}
		if len(b) != t.Width*txlog.HashBytes {
			return mismatch("hash tile %s has %d bytes, want %d", t.Path(), len(b), t.Width*txlog.HashBytes)
		}
		p.compared++
		for i := range t.Width {
			if err := p.add(txlog.Hash(b[i*txlog.HashBytes:])); err != nil {
				return err
			}
		}
		if p.progress != nil {
			p.progress(p.stream.Size(), p.size)
		}
	}
	if p.next != p.size {
		return mismatch("the last block reaches to entry %d, the checkpoint to %d", p.next, p.size)
	}
	return p.stream.Finish(p.above)
}

// above compares the tiles of the upper levels with what those of the lowest lead to.
func (p *publicCheck) above(t txlog.Tile, want []txlog.Hash) error {
	if t.Level == 0 {
		return nil // these came from there
	}
	got, err := p.source.Tile(p.ctx, t)
	if err != nil {
		return err
	}
	if len(got) != len(want)*txlog.HashBytes {
		return mismatch("hash tile %s has %d bytes, want %d", t.Path(), len(got), len(want)*txlog.HashBytes)
	}
	for i := range want {
		if txlog.Hash(got[i*txlog.HashBytes:]) != want[i] {
			return mismatch("hash tile %s: hash %d is not that of the tile below it", t.Path(), i)
		}
	}
	p.compared++
	return nil
}

// add takes the next entry's hash, which is a leaf's where a block begins.
func (p *publicCheck) add(hash txlog.Hash) error {
	if p.stream.Size() == p.next {
		if err := p.leaf(hash); err != nil {
			return err
		}
	}
	if err := p.stream.Add(hash, p.above); err != nil {
		return err
	}
	if len(p.changes) > 0 && p.changes[0].Size == p.stream.Size() {
		if root := p.stream.Root(); root != p.changes[0].Root {
			return mismatch("the signers changed behind %d entries with root %s, this log has root %s there",
				p.stream.Size(), p.changes[0].Root, root)
		}
		p.changes = p.changes[1:]
	}
	return nil
}

// leaf compares a leaf with its hash, and what it states with the leaf before.
func (p *publicCheck) leaf(hash txlog.Hash) error {
	leaf, before := p.last, p.last
	// The first leaf is the genesis that led to the network's id; all others come from the source.
	if p.begun {
		height := p.last.Height + 1
		if len(p.blocks) == 0 {
			var err error
			if p.blocks, err = p.source.Blocks(p.ctx, height); err != nil {
				return err
			}
			if len(p.blocks) == 0 {
				return mismatch("block %d is not shown", height)
			}
		}
		// Where a block begins is counted here from the leaves before, never taken from the source: it cannot leave a
		// block out.
		leaf = p.blocks[0].Leaf
		if first := p.blocks[0].First; leaf.Height != height || first != p.next || leaf.Genesis != nil {
			return mismatch("block %d should begin at entry %d; block %d is shown, at %d", height, p.next, leaf.Height,
				first)
		}
		p.blocks = p.blocks[1:]
	}
	if txlog.LeafHash(leaf.Encode()) != hash {
		return mismatch("block %d is not in the log: entry %d has another hash than its leaf", leaf.Height, p.next)
	}
	switch {
	case leaf.Issued < leaf.Redeemed || leaf.Circulating != leaf.Issued-leaf.Redeemed:
		return mismatch("block %d states issued %s, redeemed %s and circulating %s, which do not add up", leaf.Height,
			leaf.Issued, leaf.Redeemed, leaf.Circulating)
	case p.begun && leaf.Previous != token.Hash(p.stream.Root()):
		return mismatch("block %d states root %s before it, the hashes lead to %s", leaf.Height, leaf.Previous,
			p.stream.Root())
	case leaf.TimeMillis < before.TimeMillis || leaf.Issued < before.Issued || leaf.Redeemed < before.Redeemed ||
		leaf.Rules < before.Rules:
		return mismatch("block %d goes back in time, money or rules behind the block before it", leaf.Height)
	}
	p.last, p.begun = leaf, true
	p.next += 1 + uint64(leaf.Count)
	return nil
}
