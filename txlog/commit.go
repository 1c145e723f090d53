package txlog

import (
	"errors"
	"fmt"

	"github.com/aqsha/aqsha/txlog/vfs"
)

// maxUnwritten bounds the hashes that wait in memory for the tiles (32 MiB).
const maxUnwritten = 1 << 20

// flushAt is how many hashes wait before they are worth a write.
const flushAt = 8192

// Commit makes batches durable together, with one write and one sync. They must
// follow the last committed one in the order in which they were staged. Stage may
// run meanwhile, another Commit waits. When Commit returns an error nothing of the
// group counts as durable; after anything but an *InputError or a *NoRoomError the log is
// poisoned. After the latter the same batches may be committed again.
func (l *Log) Commit(batches ...*Batch) error {
	if len(batches) == 0 {
		return nil
	}
	l.commitMu.Lock()
	defer l.commitMu.Unlock()
	// A copy, which readers do not see before everything is on the disk: what fails leaves the log as it was for them.
	v := l.view()
	if err := l.Err(); err != nil {
		return err
	}
	group, err := l.join(v, batches)
	if err != nil {
		return err
	}
	if err := l.crowded(); err != nil {
		return err
	}
	if err := l.store(&v, batches, group); err != nil {
		if errors.As(err, new(*NoRoomError)) {
			return err
		}
		return l.poison(err)
	}
	v.size = batches[len(batches)-1].Size()
	v.heights += uint64(len(batches))
	v.root = batches[len(batches)-1].Root()
	// From here on nothing fails. Hashes go to the tiles before the size is raised: who sees the size finds them.
	for _, b := range batches {
		l.tiles.add(&b.hashes)
		l.buffers.give(b.record, b.hashes[0])
		b.record, b.hashes = nil, levels{}
	}
	l.mu.Lock()
	v.unsealed += l.durable.unsealed
	l.durable = v
	l.wake()
	l.mu.Unlock()
	l.drain()
	return nil
}

// join checks the order of the batches and finds room for all of them in one buffer: they are written by one write and
// made durable by one sync, which is what a commit costs. The buffer is the log's, used again; a single batch is
// written from where it stands.
func (l *Log) join(v view, batches []*Batch) ([]byte, error) {
	total, index := 0, v.size
	for i, b := range batches {
		if b.log != l || b.record == nil || b.header.height != v.heights+uint64(i) || b.header.firstIndex != index {
			return nil, refuse("batch-order", fmt.Sprintf("batches[%d]", i),
				"is not the batch that follows: the log stands at batch %d", v.heights)
		}
		index = b.Size()
		total += len(b.record)
	}
	if total > maxGroupBytes {
		return nil, refuse("batch-size", "batches", "take %d bytes together, at most %d are written at a time", total,
			maxGroupBytes)
	}
	if len(batches) == 1 {
		return batches[0].record, nil
	}
	if cap(l.group) < total {
		l.group = make([]byte, 0, total+total/4)
	}
	group := l.group[:0]
	for _, b := range batches {
		group = append(group, b.record...)
	}
	return group, nil
}

// store writes the group at the end of the last segment, or of a new one, and moves v behind it. The caller publishes
// v, so a failure leaves the log as it was. The headers get their salt and durable here, since a batch is staged before
// its segment is known. One write and one sync: a crash leaves a beginning of the group, of which recovery keeps the
// whole batches; they were acknowledged to nobody.
func (l *Log) store(v *view, batches []*Batch, group []byte) error {
	base := *v
	v.unsealed = 0
	if base.end+int64(len(group)) > base.capacity {
		if err := l.makeRoom(v, int64(len(group))); err != nil {
			return err
		}
	}
	s := v.segments[len(v.segments)-1]
	at := 0
	for _, b := range batches {
		record := group[at : at+recordHeaderBytes+int(b.header.bodyBytes)]
		b.header.durable = base.heights
		b.header.encode(record, s.header.salt)
		v.positions.add(v.end+int64(at), &b.header, record[recordHeaderBytes:])
		at += len(record)
	}
	if _, err := s.file.WriteAt(group, v.end); err != nil {
		return fmt.Errorf("writing to %s: %w", s.path, err)
	}
	if err := s.file.Datasync(); err != nil {
		return fmt.Errorf("syncing %s: %w", s.path, err)
	}
	v.end += int64(len(group))
	return nil
}

// makeRoom begins the next segment, with room for a group, and leaves the last one to be sealed. One that is still
// empty grows instead. The new file is durable under its name before anything is written to it, and says after which
// root it goes on. A crash behind it leaves an empty last segment.
func (l *Log) makeRoom(v *view, room int64) error {
	last := v.segments[len(v.segments)-1]
	if v.end == segmentHeaderBytes {
		v.capacity = v.end + room
		err := last.file.Preallocate(v.capacity)
		if vfs.Full(err) {
			return &NoRoomError{fmt.Errorf("making %s larger: %w", last.path, err)}
		}
		return err
	}
	header := segmentHeader{firstHeight: v.heights, firstIndex: v.size, root: v.root, origin: l.options.Origin}
	if err := header.draw(l.options.Random); err != nil {
		return err
	}
	capacity := max(l.options.SegmentBytes, segmentHeaderBytes+room)
	next, err := createSegment(l.fs, l.segmentDir(), header, capacity)
	if err != nil {
		return err
	}
	// The last one's index stays in memory until it is sealed.
	full := v.positions
	l.handles.mu.Lock()
	last.end, last.nextHeight, last.nextIndex = v.end, v.heights, v.size
	last.loaded = &full
	l.handles.mu.Unlock()
	v.segments = append(v.segments, next)
	v.end, v.capacity = segmentHeaderBytes, capacity
	v.positions = positions{firstIndex: header.firstIndex}
	v.unsealed = 1
	return nil
}
