package txlog

// Tree accumulates leaf hashes into the RFC 6962 root of a list, keeping only its right
// edge. The zero Tree is the empty one.
type Tree struct{ edge frontier }

// Add appends a leaf, given its LeafHash.
func (t *Tree) Add(leaf Hash) { t.edge.push(leaf, nil) }

// Size is the number of leaves.
func (t *Tree) Size() uint64 { return t.edge.size }

// Root is the root over all leaves.
func (t *Tree) Root() Hash { return t.edge.root() }

// Edge is the Tree of the log's durable entries, to which those that come after them may be added.
func (l *Log) Edge() (t Tree, err error) {
	t.edge, err = l.tiles.frontier(l.view().size)
	return t, err
}
