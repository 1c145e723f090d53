package audit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"time"

	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// Directory verifies the log that lies in a directory: a log's own, a data directory, a backup, an archive or a
// follower's folder with one in "log", or a mirror in the layout of C2SP tlog-tiles. Nothing is written there, and a
// node may be writing.
func Directory(ctx context.Context, dir string, network token.NetworkID,
	progress func(done, size uint64)) (Report, error) {
	for _, at := range []string{dir, filepath.Join(dir, "log")} {
		if isDir(filepath.Join(at, "segments")) {
			return stored(ctx, at, network, progress)
		}
		if isDir(filepath.Join(at, "tile")) {
			r, err := Log(ctx, mirror{os.DirFS(at)}, network, progress)
			r.Source = at
			return r, err
		}
	}
	if _, err := os.ReadDir(dir); errors.Is(err, fs.ErrPermission) { // what lies there is not known
		return Report{}, err
	}
	return Report{}, &NoLogError{dir}
}

// NoLogError says that there is no log in a directory.
type NoLogError struct{ Dir string }

func (e *NoLogError) Error() string {
	return fmt.Sprintf("no log in %s: it has neither segments/ (a log's directory), nor log/segments/ (a data "+
		"directory, backup or archive), nor tile/ (a C2SP mirror)", e.Dir)
}
func (e *NoLogError) ErrorCode() string  { return "no-log" }
func (e *NoLogError) ErrorField() string { return "log" }

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// segments shows a log's own directory.
type segments struct {
	log        *txlog.Stored
	checkpoint []byte
}

// Checkpoint, Entries and Tile are what a verification asks for: the checkpoint is the one that was read first, though
// a node may have stored a newer one since.
func (s *segments) Checkpoint(context.Context) ([]byte, error) { return s.checkpoint, nil }
func (s *segments) Entries(_ context.Context, size uint64) iter.Seq2[[]byte, error] {
	return s.log.Entries(size)
}
func (s *segments) Tile(_ context.Context, t txlog.Tile) ([]byte, error) { return s.log.Tile(t) }

// stored verifies a log's folder from its first entry, and then looks for what the folder has beside it: a node may be
// writing to it meanwhile, and nothing is changed.
func stored(ctx context.Context, dir string, network token.NetworkID,
	progress func(done, size uint64)) (Report, error) {
	log, err := txlog.OpenStored(vfs.OS, dir)
	if err != nil {
		return Report{Source: dir}, err
	}
	source := &segments{log: log}
	source.checkpoint, _, err = log.Checkpoint()
	point := (*node.Point)(nil)
	if none := new(txlog.NoCheckpointError); errors.As(err, &none) {
		point, err = pointBeside(dir, err)
	}
	if err != nil {
		return Report{Source: dir}, err
	}
	// A node that runs has the newest hashes in memory, and a copy may have none: whoever opens it computes them again.
	r, err := verify(ctx, source, network, point, progress, tileCheck{ctx: ctx, source: source, partial: true})
	r.Source = dir
	if err != nil {
		return r, err
	}
	if point != nil {
		r.Faults = pastRemains(dir, log, point)
	} else {
		r.Faults, err = remains(ctx, dir, log)
	}
	if err == nil && len(r.Faults) > 0 {
		err = &FaultsError{r.Faults}
	}
	return r, err
}

// pointBeside reads the point under which a copy of the past stands: beside its log. missing is the error where there
// is none.
func pointBeside(dir string, missing error) (*node.Point, error) {
	content, err := durable.Read(vfs.OS, filepath.Join(filepath.Dir(filepath.Clean(dir)), node.PointFile),
		node.MaxPointBytes)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, missing
	}
	if err != nil {
		return nil, err
	}
	p, err := node.ReadPoint(content)
	return &p, err
}

// pastRemains names what lies beyond the point of a copy of the past, in which nobody writes.
func pastRemains(dir string, log *txlog.Stored, point *node.Point) (faults []Fault) {
	if size, _ := log.State(); size > point.Size {
		faults = append(faults, Fault{FaultBeyond, dir, fmt.Sprintf("the copy's point speaks of %d entries, the log "+
			"holds %d: the last %d were not judged", point.Size, size, size-point.Size)})
	}
	if tail := log.Tail(); tail != nil {
		faults = append(faults, Fault{FaultTail, tail.File, fmt.Sprintf("%s at offset %d: %s", tail.File, tail.Offset,
			tail.Reason)})
	}
	return faults
}

// How often, and how far apart, a directory is looked at again that a node may be writing; and how often where one has
// it open: validators publish the checkpoint of a block with the votes on the next one, which may take some rounds.
const (
	looks       = 6
	looksBeside = 150
	lookPause   = 100 * time.Millisecond
)

// beside says whether a node has a log's folder open. Where that cannot be said nobody has.
func beside(dir string) bool {
	lock, err := vfs.LockShared(dir)
	if err == nil {
		_ = lock.Close()
	}
	return errors.As(err, new(*vfs.LockedError))
}

// remains names what the verification of a log up to its checkpoint passes over: damaged slots, entries for which the
// checkpoint does not speak, and bytes behind them. A node that runs publishes a checkpoint right behind each batch and
// writes the slots in turn: what is its work under way is gone when one looks again.
func remains(ctx context.Context, dir string, log *txlog.Stored) (faults []Fault, err error) {
	size, _ := log.State()
	var published txlog.Checkpoint
	tail := log.Tail()
	var slots []*txlog.DamageError
	most := looks
	if beside(dir) {
		most = looksBeside
	}
	for look := 0; ; look++ {
		var signed []byte
		if signed, slots, err = log.Checkpoint(); err != nil {
			return nil, err
		}
		if published, err = txlog.ParseSigned(signed); err != nil {
			return nil, err
		}
		if published.Size > size {
			tail = nil // a batch stands there by now
		}
		if (len(slots) == 0 && published.Size >= size && tail == nil) || look == most {
			break
		}
		select {
		case <-time.After(lookPause):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	for _, slot := range slots {
		faults = append(faults, Fault{FaultSlot, slot.File,
			fmt.Sprintf("%s, slot at offset %d: %s", slot.File, slot.Offset, slot.Reason)})
	}
	if beyond := int64(size) - int64(published.Size); beyond > 0 {
		faults = append(faults, Fault{FaultBeyond, dir, fmt.Sprintf("the checkpoint speaks of %d entries, the log "+
			"holds %d: nobody signed for the last %d, which were not judged", published.Size, size, beyond)})
	}
	if tail != nil {
		faults = append(faults, Fault{FaultTail, tail.File, fmt.Sprintf("%s at offset %d: %s", tail.File, tail.Offset,
			tail.Reason)})
	}
	return faults, nil
}

// mirror shows a directory in the layout of C2SP tlog-tiles.
type mirror struct{ files fs.FS }

// maxTileFile bounds what is read of one file of a mirror: a bundle of the largest entries.
const maxTileFile = txlog.TileWidth * (txlog.MaxEntryBytes + 2)

func (m mirror) read(name string, most int64) ([]byte, error) {
	f, err := m.files.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && int64(len(b)) > most {
		err = mismatch("%s has more than %d bytes", name, most)
	}
	return b, err
}

// Checkpoint is the mirror's newest.
func (m mirror) Checkpoint(context.Context) ([]byte, error) {
	return m.read("checkpoint", txlog.MaxCheckpointBytes)
}

// Tile reads a tile, or the beginning of the full one that has replaced a partial one.
func (m mirror) Tile(_ context.Context, t txlog.Tile) ([]byte, error) {
	b, err := m.read(t.Path(), txlog.TileWidth*txlog.HashBytes)
	if errors.Is(err, fs.ErrNotExist) && t.Width < txlog.TileWidth {
		full := t
		full.Width = txlog.TileWidth
		if b, err = m.read(full.Path(), txlog.TileWidth*txlog.HashBytes); err == nil {
			b = b[:min(len(b), t.Width*txlog.HashBytes)]
		}
	}
	return b, err
}

// Entries are the bundles' one after the other. As with tiles, a full bundle may have replaced the partial one that
// the size asks for; what it has beyond the size is not yielded.
func (m mirror) Entries(_ context.Context, size uint64) iter.Seq2[[]byte, error] {
	return Bundles(size, func(t txlog.Tile) ([]byte, error) {
		b, err := m.read(t.Path(), maxTileFile)
		if errors.Is(err, fs.ErrNotExist) && t.Width < txlog.TileWidth {
			full := t
			full.Width = txlog.TileWidth
			return m.read(full.Path(), maxTileFile)
		}
		return b, err
	})
}

// Bundles yields the entries of a log up to a size, bundle by bundle.
func Bundles(size uint64, read func(txlog.Tile) ([]byte, error)) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for first := uint64(0); first < size; first += txlog.TileWidth {
			t := txlog.Tile{Level: txlog.EntriesLevel, Index: first / txlog.TileWidth,
				Width: int(min(txlog.TileWidth, size-first))}
			bundle, err := read(t)
			if err != nil {
				yield(nil, err)
				return
			}
			count := 0
			for entry, err := range txlog.SplitBundle(bundle) {
				if count == t.Width {
					break // of a full bundle that has replaced a partial one
				}
				count++
				if err != nil {
					err = fmt.Errorf("%s: %w", t.Path(), err)
				}
				if !yield(entry, err) || err != nil {
					return
				}
			}
			if count < t.Width {
				yield(nil, mismatch("bundle %s has %d entries, want %d", t.Path(), count, t.Width))
				return
			}
		}
	}
}
