package relay

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// journal keeps blocks in files, HEIGHT-HASH.block with a block's bytes as they go over the wire.
// A directory of "" keeps nothing.
type journal struct{ dir string }

const (
	blockSuffix   = ".block"
	partSuffix    = blockSuffix + ".new" // of internal/durable, behind a dot
	maxBlockBytes = 4 << 20
	maxJournal    = 10_000 // files that a start reads
)

func (j journal) path(b *Block) string {
	return filepath.Join(j.dir, fmt.Sprintf("%d-%s%s", b.Height, b.Hash, blockSuffix))
}

// put makes a block durable: the file is whole or not there, also after a crash.
func (j journal) put(b *Block) error {
	if j.dir == "" {
		return nil
	}
	return durable.Replace(vfs.OS, j.path(b), b.Raw)
}

func (j journal) remove(b *Block) error {
	if j.dir == "" {
		return nil
	}
	if err := os.Remove(j.path(b)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// load reads what an earlier run left, and says which files it could not use. A file that cannot be used stays where it
// is.
func (j journal) load() (blocks []*Block, bad []error, err error) {
	if j.dir == "" {
		return nil, nil, nil
	}
	if err := durable.Folder(vfs.OS, j.dir); err != nil {
		return nil, nil, err
	}
	entries, err := os.ReadDir(j.dir)
	if err != nil {
		return nil, nil, err
	}
	for _, entry := range entries {
		path := filepath.Join(j.dir, entry.Name())
		if strings.HasPrefix(entry.Name(), ".") && strings.HasSuffix(entry.Name(), partSuffix) {
			_ = os.Remove(path) // a crash while it was written; its share is in the log, its block with the nodes
			continue
		}
		if !strings.HasSuffix(entry.Name(), blockSuffix) || len(blocks) == maxJournal {
			continue
		}
		block, err := read(path)
		if err != nil {
			bad = append(bad, fmt.Errorf("%s: %w", path, err))
			continue
		}
		blocks = append(blocks, block)
	}
	return blocks, bad, nil
}

// read reads a block that was found and held against its name: the height, and the hash of its header. Found is the
// file's time.
func read(path string) (*Block, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxBlockBytes || info.Size() < bitcoin.HeaderSize {
		return nil, fmt.Errorf("a block does not have %d bytes", info.Size())
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	b := &Block{Raw: raw, Found: info.ModTime()}
	name := strings.TrimSuffix(filepath.Base(path), blockSuffix)
	if _, err := fmt.Sscanf(name, "%d-", &b.Height); err != nil {
		return nil, errors.New("its name does not begin with a height")
	}
	header, err := bitcoin.DecodeHeader(raw[:bitcoin.HeaderSize])
	if err != nil {
		return nil, err
	}
	b.Hash, b.Previous = header.Hash(), header.Previous
	if !strings.HasSuffix(name, b.Hash.String()) {
		return nil, errors.New("its name is not the hash of its header")
	}
	return b, nil
}
