package recount

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"path/filepath"
	"slices"
	"strings"

	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/txlog"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// Source is a public log as somebody shows it: nothing of it is believed.
type Source struct {
	Checkpoint []byte
	Entries    iter.Seq2[[]byte, error] // from the first on, each time; more than the checkpoint covers is not read
	Key        string                   // verifier key that the checkpoint must have
}

// ErrNoKey is a log of which nobody has said what key it has.
var ErrNoKey = errors.New("name the log's key")

// Files of an office's folder.
const (
	logFolder  = "log"
	logKeyFile = "log.key"
)

// Folder is the log in an office's folder, or in a log's own. Without a key that of the office's folder is taken.
func Folder(files vfs.FS, dir, key string) (s Source, err error) {
	if dir, key, err = logOf(files, dir, key); err != nil {
		return s, err
	}
	log, err := txlog.OpenStored(files, dir)
	if err != nil {
		return s, err
	}
	checkpoint, _, err := log.Checkpoint()
	if err != nil {
		return s, err
	}
	return Source{Checkpoint: checkpoint, Key: key, Entries: func(yield func([]byte, error) bool) {
		log, err := txlog.OpenStored(files, dir) // whoever reads again begins again
		if err != nil {
			yield(nil, err)
			return
		}
		for batch, err := range log.Batches() {
			if err != nil {
				yield(nil, err)
				return
			}
			for _, entry := range batch.Entries() {
				if !yield(entry, nil) {
					return
				}
			}
		}
	}}, nil
}

// logOf finds the log in a folder, which is an office's or the log's own, and its key.
func logOf(files vfs.FS, dir, key string) (string, string, error) {
	names, err := files.List(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", "", err
	}
	if slices.Contains(names, logFolder) {
		if key == "" {
			raw, err := durable.Read(files, filepath.Join(dir, logKeyFile), 1<<12)
			if err != nil {
				return "", "", err
			}
			key = strings.TrimSpace(string(raw))
		}
		dir = filepath.Join(dir, logFolder)
	}
	if key == "" {
		return "", "", ErrNoKey
	}
	return dir, key, nil
}

// Tiles is a log that is served as C2SP tlog-tiles: read answers with what is at a path.
func Tiles(ctx context.Context, key string, read func(ctx context.Context, path string) ([]byte, error)) (s Source,
	err error) {
	checkpoint, err := read(ctx, "checkpoint")
	if err != nil {
		return s, err
	}
	parsed, err := txlog.ParseSigned(checkpoint)
	if err != nil {
		return s, err
	}
	return Source{Checkpoint: checkpoint, Key: key, Entries: func(yield func([]byte, error) bool) {
		for from := uint64(0); from < parsed.Size; from += txlog.TileWidth {
			width := min(parsed.Size-from, txlog.TileWidth)
			path := txlog.Tile{Level: txlog.EntriesLevel, Index: from / txlog.TileWidth, Width: int(width)}.Path()
			bundle, err := read(ctx, path)
			if err != nil {
				yield(nil, fmt.Errorf("%s: %w", path, err))
				return
			}
			for entry, err := range txlog.SplitBundle(bundle) {
				if !yield(entry, err) || err != nil {
					return
				}
			}
		}
	}}, nil
}
