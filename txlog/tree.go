package txlog

import "math/bits"

// node is the root of the complete subtree over entries [n·2^height, (n+1)·2^height). Of a full tile the nodes within
// are kept (pyramid); of the last, which grows, they are hashed anew.
func (t *tiles) node(height int, n uint64) (Hash, error) {
	level, above := height/tileHeight, height%tileHeight
	first := n << above
	if tile := first / tileWidth; t.count(level+1) > tile {
		p, err := t.pyramid(level, tile)
		if err != nil {
			return Hash{}, err
		}
		return p.at(above, first%tileWidth>>above), nil
	}
	var space [tileWidth / 2]Hash
	hashes := space[:1<<above]
	if err := t.read(level, first, hashes); err != nil {
		return Hash{}, err
	}
	for len(hashes) > 1 {
		for i := range len(hashes) / 2 {
			hashes[i] = NodeHash(hashes[2*i], hashes[2*i+1])
		}
		hashes = hashes[:len(hashes)/2]
	}
	return hashes[0], nil
}

// subtree is the RFC 6962 hash of entries [from, to), where from is a multiple of
// every power of two below to-from, as it is for all that proofs are made of.
func (t *tiles) subtree(from, to uint64) (Hash, error) {
	n := to - from
	switch {
	case n == 0:
		return EmptyRoot, nil
	case n&(n-1) == 0:
		height := bits.TrailingZeros64(n)
		return t.node(height, from>>height)
	}
	split := from + splitPoint(n)
	left, err := t.subtree(from, split)
	if err != nil {
		return Hash{}, err
	}
	right, err := t.subtree(split, to)
	return NodeHash(left, right), err
}

// frontier is the right edge at size.
func (t *tiles) frontier(size uint64) (f frontier, err error) {
	f.size = size
	for at := uint64(0); at < size; f.depth++ {
		height := bits.Len64(size-at) - 1
		if f.stack[f.depth], err = t.node(height, at>>height); err != nil {
			return f, err
		}
		at += 1 << height
	}
	return f, nil
}

// inclusion is PATH(index, D[from:to]) of RFC 6962 section 2.1.1.
func (t *tiles) inclusion(proof []Hash, index, from, to uint64) ([]Hash, error) {
	if to-from == 1 {
		return proof, nil
	}
	split := from + splitPoint(to-from)
	near, far := [2]uint64{from, split}, [2]uint64{split, to}
	if index >= split {
		near, far = far, near
	}
	proof, err := t.inclusion(proof, index, near[0], near[1])
	if err != nil {
		return nil, err
	}
	sibling, err := t.subtree(far[0], far[1])
	return append(proof, sibling), err
}

// consistency is SUBPROOF(old, D[from:to], whole) of RFC 6962 section 2.1.2; whole
// tells that the old tree is the subtree itself, whose hash the verifier has.
func (t *tiles) consistency(proof []Hash, old, from, to uint64, whole bool) ([]Hash, error) {
	if old == to {
		if whole {
			return proof, nil
		}
		h, err := t.subtree(from, to)
		return append(proof, h), err
	}
	split := from + splitPoint(to-from)
	var err error
	var sibling Hash
	if old <= split {
		if proof, err = t.consistency(proof, old, from, split, whole); err != nil {
			return nil, err
		}
		sibling, err = t.subtree(split, to)
	} else {
		if proof, err = t.consistency(proof, old, split, to, false); err != nil {
			return nil, err
		}
		sibling, err = t.subtree(from, split)
	}
	return append(proof, sibling), err
}

// Root is the root of the log when it had size entries. It takes a tile of each level, and no entry.
func (l *Log) Root(size uint64) (Hash, error) {
	if v := l.view(); size > v.size {
		return Hash{}, outOfRange("size", size, v.size)
	} else if size == v.size {
		return v.root, nil
	}
	return l.tiles.subtree(0, size)
}

// InclusionProof proves that the entry at index is in the log of the given size; VerifyInclusion checks it. The hashes
// go from the leaf to the root, ⌈log₂ size⌉ at most.
func (l *Log) InclusionProof(index, size uint64) ([]Hash, error) {
	if v := l.view(); size > v.size {
		return nil, outOfRange("size", size, v.size)
	}
	if index >= size {
		return nil, refuse("log-range", "index", "%d is not below the size %d", index, size)
	}
	return l.tiles.inclusion(nil, index, 0, size)
}

// ConsistencyProof proves that the log of newSize extends the log of oldSize;
// VerifyConsistency checks it.
func (l *Log) ConsistencyProof(oldSize, newSize uint64) ([]Hash, error) {
	if v := l.view(); newSize > v.size {
		return nil, outOfRange("newSize", newSize, v.size)
	}
	if oldSize > newSize {
		return nil, refuse("log-range", "oldSize", "%d is beyond the new size %d", oldSize, newSize)
	}
	if oldSize == 0 || oldSize == newSize {
		return nil, nil
	}
	return l.tiles.consistency(nil, oldSize, 0, newSize, true)
}
