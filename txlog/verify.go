package txlog

import (
	"context"
	"fmt"
)

// Verify reads the whole durable log, recomputes every hash and compares the roots
// that the batches state, the tiles, and the root that the log serves. It ends with
// the first *DamageError, or the context's error. Progress, if not nil, is called
// after each batch with the number of entries that are verified. The log may go on
// growing meanwhile; what is added is not looked at.
func (l *Log) Verify(ctx context.Context, progress func(entries uint64)) error {
	size, root, heights := l.State()
	var edge frontier
	for batch, err := range l.Batches(0) {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
		// Committed since we began: not part of what State said.
		if batch.Height >= heights {
			break
		}
		var hashes levels
		for start, end := range spans(batch.body) {
			edge.push(leafHashAt(batch.body, start, end), &hashes)
		}
		if got := edge.root(); got != batch.Root {
			return l.suspect(batch.BatchInfo, fmt.Sprintf("batch leads to root %v, its record says %v", got,
				batch.Root))
		}
		if err := l.compareTiles(&hashes, &edge, batch.BatchInfo); err != nil {
			return err
		}
		if progress != nil {
			progress(edge.size)
		}
	}
	if edge.size != size || edge.root() != root {
		return &DamageError{File: l.segmentDir(), Height: heights, Index: size,
			Reason: fmt.Sprintf("entries lead to root %v at size %d, the log serves %v at %d", edge.root(), edge.size,
				root, size)}
	}
	return l.comparePublished()
}

// compareTiles holds the hashes that a batch added against the tiles.
func (l *Log) compareTiles(hashes *levels, edge *frontier, batch BatchInfo) error {
	for level, want := range hashes {
		first := edge.size>>(level*tileHeight) - uint64(len(want))
		for len(want) > 0 {
			var space [tileWidth]Hash
			got := space[:min(len(want), tileWidth)]
			if err := l.tiles.read(level, first, got); err != nil {
				return err
			}
			for i := range got {
				if got[i] != want[i] {
					return &DamageError{File: l.tiles.path(level), Offset: int64(first+uint64(i)) * HashBytes,
						Height: batch.Height, Index: batch.FirstIndex,
						Reason: "hash is not that of the entries; remove the folder of the tiles to have them rebuilt"}
				}
			}
			first, want = first+uint64(len(got)), want[len(got):]
		}
	}
	return nil
}

// suspect is damage somewhere in a batch.
func (l *Log) suspect(b BatchInfo, reason string) error {
	v := l.view()
	s, err := l.section(&v, v.segmentAt(b.Height))
	if err != nil {
		return err
	}
	defer l.release(s.segment)
	return s.blame(frameError(reason), int64(s.positions.offsets[b.Height-s.header.firstHeight]), b.Height,
		b.FirstIndex)
}
