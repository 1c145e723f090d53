package txlog

// TileStream makes the tiles of a tree (C2SP tlog-tiles) out of its leaves, given in order: who compares them with
// tiles that somebody serves has looked at all of them. It keeps one tile of each level. The zero TileStream is ready.
type TileStream struct {
	edge   frontier
	levels levels
	full   [tileLevels]uint64 // tiles that were emitted
}

// Add appends a leaf, given its LeafHash, and emits each tile that it completes. The hashes are valid during the call.
func (t *TileStream) Add(leaf Hash, emit func(Tile, []Hash) error) error {
	t.edge.push(leaf, &t.levels)
	for level := range t.levels {
		if len(t.levels[level]) < tileWidth {
			return nil
		}
		if err := emit(Tile{Level: level, Index: t.full[level], Width: tileWidth}, t.levels[level]); err != nil {
			return err
		}
		t.full[level]++
		t.levels[level] = t.levels[level][:0]
	}
	return nil
}

// Finish emits the partial tiles at the right edge.
func (t *TileStream) Finish(emit func(Tile, []Hash) error) error {
	for level := range t.levels {
		if hashes := t.levels[level]; len(hashes) > 0 {
			if err := emit(Tile{Level: level, Index: t.full[level], Width: len(hashes)}, hashes); err != nil {
				return err
			}
		}
	}
	return nil
}

// Size is the number of leaves.
func (t *TileStream) Size() uint64 { return t.edge.size }

// Root is the root over all leaves.
func (t *TileStream) Root() Hash { return t.edge.root() }
