package copycmd

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/internal/cli/datadir"
	"github.com/aqsha/aqsha/internal/cli/nodecmd"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// oldLog is what a directory's log held: all of it if it can be read, else what its stored checkpoint says.
type oldLog struct {
	log     *txlog.Log // nil if it is damaged
	network token.NetworkID
	size    uint64
	signed  uint64 // entries under the newest checkpoint here
	root    txlog.Hash
	close   func() error
}

// openPast reads the log of a directory without changing it; nil if there is none.
func openPast(dir string, c datadir.Config) (*oldLog, error) {
	path := filepath.Join(dir, "log")
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	// Opening repairs a torn end: in an overlay, so that what stands there is not changed before its owner has
	// decided.
	overlay := vfs.NewOverlay(vfs.OS)
	p := &oldLog{close: overlay.Close}
	if c.Network != "" {
		if err := p.network.UnmarshalText([]byte(c.Network)); err != nil {
			return nil, fmt.Errorf("%s: network: %w", datadir.ConfigFile, err)
		}
	}
	log, err := txlog.Open(path, txlog.Options{Origin: c.Name, FS: overlay})
	if err == nil && log.Size() > 0 {
		p.log, p.close = log, func() error { return errors.Join(log.Close(), overlay.Close()) }
		p.size, p.root, _ = log.State()
		if _, c := log.Checkpoint(); c.Size > 0 {
			p.signed = c.Size
		}
		genesis, err := log.Entry(0)
		if err != nil {
			return nil, errors.Join(err, p.close())
		}
		p.network = ledger.NetworkOf(genesis)
		return p, nil
	}
	if err == nil {
		err = log.Close()
	}
	// The log cannot be opened: what it once signed is still known, and a restore must not have less without saying
	// so.
	published, stored := txlog.StoredCheckpoint(vfs.OS, path)
	if stored != nil {
		return nil, errors.Join(err, stored, overlay.Close())
	}
	p.size, p.root, p.signed = published.Size, published.Root, published.Size
	return p, nil
}

// common is how many entries, from the first on, the log here and a node's have in common.
func (p *oldLog) common(ctx context.Context, client *api.Client, head node.Head) (uint64, error) {
	same := func(size uint64) (bool, error) {
		here, err := p.root, error(nil)
		if size != p.size {
			here, err = p.log.Root(size)
		}
		if err != nil {
			return false, err
		}
		there, err := nodecmd.RootAt(ctx, client, head, size)
		return here == there, err
	}
	if p.size <= head.Size {
		if all, err := same(p.size); all || err != nil {
			return p.size, err
		}
	}
	if p.log == nil { // only the size that was published is known of it
		if p.size > head.Size {
			return head.Size, nil
		}
		return 0, nil
	}
	low, high := uint64(0), min(p.size, head.Size)+1 // the logs agree at low, and not at high
	for high-low > 1 {
		middle := low + (high-low)/2
		agree, err := same(middle)
		if err != nil {
			return 0, err
		}
		if agree {
			low = middle
		} else {
			high = middle
		}
	}
	return low, nil
}

// list describes the entries from one on, as far as they can be read, at most maxLost of them.
func (p *oldLog) list(from uint64) (entries []lostEntry, err error) {
	if p.log == nil {
		return nil, nil
	}
	index := from
	for data, err := range p.log.Entries(from, min(p.size, from+maxLost)) {
		if err != nil {
			return entries, err
		}
		e, err := ledger.DecodeEntry(data)
		if err != nil {
			return entries, err
		}
		lost := lostEntry{Index: index, What: "block"}
		switch {
		case e.Transaction != nil:
			id := e.Transaction.ID()
			lost.What, lost.Transaction = e.Transaction.Body.Kind().String(), &id
		case e.System != nil:
			lost.What = e.System.Kind.String()
		}
		entries = append(entries, lost)
		index++
	}
	return entries, nil
}
