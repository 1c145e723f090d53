package txlog

import (
	"fmt"
	"sync"
)

// pyramid is a complete tile with all inner nodes above its hashes: node i has the
// children 2i and 2i+1, node 1 is the top, the tile's own hashes begin at 256.
type pyramid [2 * tileWidth]Hash

// at is the node that lies height levels above the tile's hashes, in place i.
func (p *pyramid) at(height int, i uint64) Hash { return p[tileWidth>>height+int(i)] }

// pyramids caches those that were used lately, 4 MiB at most. Complete tiles never
// change, so nothing in it gets stale.
type pyramids struct {
	mu    sync.Mutex // over the slots; the nodes of one do not change once it is there
	slots [256]struct {
		level int
		index uint64
		nodes *pyramid
	}
}

func (c *pyramids) slot(level int, index uint64) int {
	return int((index + uint64(level)*89) % uint64(len(c.slots)))
}

// get is what is kept of a tile; nil where another has its place.
func (c *pyramids) get(level int, index uint64) *pyramid {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s := &c.slots[c.slot(level, index)]; s.nodes != nil && s.level == level && s.index == index {
		return s.nodes
	}
	return nil
}

// put keeps a tile's nodes in the place of what was there.
func (c *pyramids) put(level int, index uint64, nodes *pyramid) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := &c.slots[c.slot(level, index)]
	s.level, s.index, s.nodes = level, index, nodes
}

// pyramid reads a complete tile and checks it against the hash that the level above
// has for it, so that a rotten tile makes no proof and is not served. Above the
// highest complete tile stands a partial one, which Open checked against the root.
func (t *tiles) pyramid(level int, index uint64) (*pyramid, error) {
	if p := t.cache.get(level, index); p != nil {
		return p, nil
	}
	p := new(pyramid)
	if err := t.read(level, index*tileWidth, p[tileWidth:]); err != nil {
		return nil, err
	}
	for i := tileWidth - 1; i > 0; i-- {
		p[i] = NodeHash(p[2*i], p[2*i+1])
	}
	want, err := t.node((level+1)*tileHeight, index)
	if err != nil {
		return nil, err
	}
	if p[1] != want {
		return nil, &DamageError{File: t.path(level), Offset: int64(index) * tileWidth * HashBytes,
			Index: index << ((level + 1) * tileHeight),
			Reason: fmt.Sprintf("tile %d does not lead to the hash above it; remove the folder of the tiles to have "+
				"them rebuilt", index)}
	}
	t.cache.put(level, index, p)
	return p, nil
}

// count is how many hashes a level has.
func (t *tiles) count(level int) uint64 {
	if level >= tileLevels {
		return 0
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.written[level] + uint64(len(t.tail[level]))
}
