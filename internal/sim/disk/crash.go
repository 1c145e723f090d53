package disk

import (
	"cmp"
	"slices"
)

// settle decides what of the unsynced changes reached the platter. The caller holds mu. Afterwards live and durable
// are the same: the next run begins with what there is.
func (d *Disk) settle() {
	d.settleNames()
	// One mood per crash: all lost, all kept, or somewhere between, so that
	// the extremes come up as often as the mixtures.
	keep := []float64{0, 1, 0.5, d.rng.Float64()}[d.rng.IntN(4)]
	for _, node := range inodes(d.live, d.durable) {
		node.settle(func() bool { return d.rng.Float64() < keep })
		node.live = slices.Clone(node.durable)
	}
	d.live = map[string]*inode{}
	for name, node := range d.durable {
		d.live[name] = node
	}
}

// settleNames keeps the unsynced name changes of each directory up to some point, as a file system with a journal
// does: a rename survives only with all changes of its directory before it.
func (d *Disk) settleNames() {
	kept := map[string]int{}
	for _, c := range d.renames {
		if _, drawn := kept[c.dir]; !drawn {
			total := 0
			for _, other := range d.renames {
				if other.dir == c.dir {
					total++
				}
			}
			kept[c.dir] = d.rng.IntN(total + 1)
		}
		if kept[c.dir] > 0 {
			kept[c.dir]--
			bind(d.durable, c)
		} else {
			kept[c.dir] = 0
		}
	}
	d.renames = nil
}

func bind(names map[string]*inode, c nameChange) {
	if c.node == nil {
		delete(names, c.name)
	} else {
		names[c.name] = c.node
	}
	if c.freed != "" {
		delete(names, c.freed)
	}
}

// inodes lists every file once, in order of creation.
func inodes(sets ...map[string]*inode) []*inode {
	seen := map[*inode]bool{}
	var all []*inode
	for _, set := range sets {
		for _, node := range set {
			if !seen[node] {
				seen[node] = true
				all = append(all, node)
			}
		}
	}
	slices.SortFunc(all, func(a, b *inode) int { return cmp.Compare(a.number, b.number) })
	return all
}

// settle applies the pending changes to the durable bytes, each sector of a write if survives says so. A sector that
// is lost leaves what stood there before, or a hole of zeros where a later one made the file longer.
func (n *inode) settle(survives func() bool) {
	for _, c := range n.pending {
		if c.data == nil {
			if survives() {
				n.durable = resize(n.durable, c.at)
			}
			continue
		}
		for start := c.at; start < c.at+int64(len(c.data)); {
			end := min((start/SectorBytes+1)*SectorBytes, c.at+int64(len(c.data)))
			if survives() {
				n.durable = put(n.durable, start, c.data[start-c.at:end-c.at])
			}
			start = end
		}
	}
	n.pending = nil
}

func put(content []byte, at int64, data []byte) []byte {
	if end := at + int64(len(data)); end > int64(len(content)) {
		content = resize(content, end)
	}
	copy(content[at:], data)
	return content
}

// resize gives content another length; what is added reads as zero.
func resize(content []byte, size int64) []byte {
	if size <= int64(len(content)) {
		return content[:size:size]
	}
	return append(content, make([]byte, size-int64(len(content)))...)
}
