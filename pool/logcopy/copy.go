package logcopy

import (
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/txlog"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// Names of a copy's files; checkpoints that were fetched before are in old/<size>.
const (
	keyFile        = "log.pub"
	checkpointFile = "checkpoint"
	oldDir         = "old"
	rewrittenDir   = "rewritten"
)

// maxBundle is 256 entries of the greatest length, each after its length in two bytes.
const maxBundle = txlog.TileWidth * (txlog.MaxEntryBytes + 2)

// Copy is a log that was fetched. Its entries are those of the checkpoint.
type Copy struct {
	dir        string
	checkpoint txlog.Checkpoint
}

// Is tells whether a directory holds a copy.
func Is(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, checkpointFile))
	info, tiles := os.Stat(filepath.Join(dir, "tile", "entries"))
	return err == nil && tiles == nil && info.IsDir()
}

// Open opens a copy and verifies the signature, with the public key in the copy, and that the entries are those
// that were signed.
func Open(dir string) (*Copy, error) {
	verifier, err := readKey(dir)
	if err != nil {
		return nil, err
	}
	c := &Copy{dir: dir}
	if _, c.checkpoint, err = readCheckpoint(dir, verifier); err != nil {
		return nil, err
	}
	roots, err := rootsOf(dir, c.checkpoint.Size)
	if err != nil {
		return nil, err
	}
	if got := roots[c.checkpoint.Size]; got != c.checkpoint.Root {
		return nil, fmt.Errorf("%s: the entries have the root %s, signed is %s", dir, got, c.checkpoint.Root)
	}
	return c, nil
}

// Origin is the log's name.
func (c *Copy) Origin() string { return c.checkpoint.Origin }

// Size is the number of entries.
func (c *Copy) Size() uint64 { return c.checkpoint.Size }

// Entries yields the entries [from, to) in order; each is valid until the next.
func (c *Copy) Entries(from, to uint64) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		if to > c.Size() {
			yield(nil, fmt.Errorf("entries to %d of a log of %d", to, c.Size()))
			return
		}
		entries(c.dir, from, to, c.Size(), yield)
	}
}

// Roots computes the roots of the copy at all sizes up to one.
func (c *Copy) Roots(to uint64) (at func(size uint64) txlog.Hash, err error) {
	roots := make([]txlog.Hash, 0, to+1)
	var tree txlog.Tree
	roots = append(roots, tree.Root())
	for entry, err := range c.Entries(0, to) {
		if err != nil {
			return nil, err
		}
		tree.Add(txlog.LeafHash(entry))
		roots = append(roots, tree.Root())
	}
	return func(size uint64) txlog.Hash { return roots[size] }, nil
}

// bundleAt names the bundle of an index in a log of a size.
func bundleAt(index, size uint64) txlog.Tile {
	first := index / txlog.TileWidth * txlog.TileWidth
	return txlog.Tile{Level: txlog.EntriesLevel, Index: index / txlog.TileWidth,
		Width: int(min(size-first, txlog.TileWidth))}
}

// entries yields entries [from, to) of a copy of a log of a size, bundle by bundle, and after an error nothing more.
func entries(dir string, from, to, size uint64, yield func([]byte, error) bool) {
	for index := from; index < to; {
		tile := bundleAt(index, size)
		bundle, err := durable.Read(vfs.OS, filepath.Join(dir, filepath.FromSlash(tile.Path())), maxBundle)
		if err != nil {
			yield(nil, err)
			return
		}
		at := tile.Index * txlog.TileWidth
		end := at + uint64(tile.Width)
		for entry, err := range txlog.SplitBundle(bundle) {
			// The files are a copy from elsewhere: a bundle that holds more or fewer entries than its name says would
			// shift all that follow, and be found only when a root does not fit.
			if err == nil && at >= end {
				err = fmt.Errorf("%s holds more than %d entries", tile.Path(), tile.Width)
			}
			if err != nil {
				yield(nil, err)
				return
			}
			if at >= index && at < to && !yield(entry, nil) {
				return
			}
			at++
		}
		if at < min(end, to) {
			yield(nil, fmt.Errorf("%s ends at entry %d", tile.Path(), at))
			return
		}
		index = end
	}
}

// rootsOf computes the roots of a log at its size and at others below it, from its first entry on: a copy is believed
// for its entries alone.
func rootsOf(dir string, size uint64, others ...uint64) (map[uint64]txlog.Hash, error) {
	roots := map[uint64]txlog.Hash{}
	var tree txlog.Tree
	note := func() {
		for _, at := range append(others, size) {
			if at == tree.Size() {
				roots[at] = tree.Root()
			}
		}
	}
	note()
	var failed error
	entries(dir, 0, size, size, func(entry []byte, err error) bool {
		if failed = err; err != nil {
			return false
		}
		tree.Add(txlog.LeafHash(entry))
		note()
		return true
	})
	return roots, failed
}

func readKey(dir string) (note.Verifier, error) {
	raw, err := durable.Read(vfs.OS, filepath.Join(dir, keyFile), 4096)
	if err != nil {
		return nil, fmt.Errorf("the log's public key: %w", err)
	}
	return parseKey(string(raw))
}

func parseKey(text string) (note.Verifier, error) {
	verifier, err := note.NewVerifier(strings.TrimSpace(text))
	if err != nil {
		return nil, fmt.Errorf("the log's public key %.80q: %w", strings.TrimSpace(text), err)
	}
	return verifier, nil
}

// readCheckpoint reads and verifies what was fetched last; nil bytes when nothing was.
func readCheckpoint(dir string, verifier note.Verifier) ([]byte, txlog.Checkpoint, error) {
	signed, err := durable.Read(vfs.OS, filepath.Join(dir, checkpointFile), txlog.MaxCheckpointBytes)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, txlog.Checkpoint{}, err
		}
		return nil, txlog.Checkpoint{}, fmt.Errorf("checkpoint: %w", err)
	}
	c, err := open(signed, verifier)
	return signed, c, err
}

func open(signed []byte, verifier note.Verifier) (txlog.Checkpoint, error) {
	c, _, err := txlog.OpenCheckpoint(signed, verifier.Name(), note.VerifierList(verifier))
	if err != nil {
		return c, fmt.Errorf("checkpoint: %w", err)
	}
	return c, nil
}
