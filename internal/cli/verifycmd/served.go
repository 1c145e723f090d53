package verifycmd

import (
	"context"
	"errors"
	"iter"
	"net/http"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/node/audit"
	"github.com/aqsha/aqsha/node/signers"
	"github.com/aqsha/aqsha/txlog"
)

// served is the log of a server: a node's, or any that serves C2SP tlog-tiles.
type served struct{ client *api.Client }

func newServed(url, access string) served { return served{api.NewClient(url, access)} }

func (s served) Checkpoint(ctx context.Context) ([]byte, error) { return s.client.Checkpoint(ctx) }

// Tile fetches a tile, or the beginning of the full one by which a server may have replaced a partial one.
func (s served) Tile(ctx context.Context, t txlog.Tile) ([]byte, error) {
	b, err := s.client.Tile(ctx, t)
	if err == nil || t.Width == txlog.TileWidth || statusOf(err) != http.StatusNotFound {
		return b, err
	}
	full := t
	full.Width = txlog.TileWidth
	if b, failed := s.client.Tile(ctx, full); failed == nil {
		if t.Level != txlog.EntriesLevel {
			b = b[:min(len(b), t.Width*txlog.HashBytes)]
		}
		return b, nil
	}
	return nil, err
}

func (s served) Entries(ctx context.Context, size uint64) iter.Seq2[[]byte, error] {
	return audit.Bundles(size, func(t txlog.Tile) ([]byte, error) { return s.Tile(ctx, t) })
}

func (s served) Genesis(ctx context.Context) (ledger.Genesis, error) { return s.client.Genesis(ctx) }

// Signers are the links that a node shows. A server of tiles alone shows none: its log's key is the genesis's, or the
// checkpoint does not hold.
func (s served) Signers(ctx context.Context) ([]signers.Link, error) {
	links, err := s.client.Signers(ctx)
	if statusOf(err) == http.StatusNotFound || err == nil && links == nil {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return signers.Decode(links)
}

// blocksAtOnce is how many leaves are asked for at a time, the most that a node gives.
const blocksAtOnce = 500

func (s served) Blocks(ctx context.Context, from uint64) (blocks []audit.Block, err error) {
	views, err := s.client.Blocks(ctx, from+blocksAtOnce, blocksAtOnce)
	for i := len(views) - 1; i >= 0; i-- { // the latest come first
		if v := views[i]; v.Height >= from {
			blocks = append(blocks, audit.Block{Leaf: v.Leaf, First: v.First})
		}
	}
	return blocks, err
}

// deniedEntries says whether a server keeps entries from who asks.
func deniedEntries(err error) bool {
	status := statusOf(err)
	return status == http.StatusUnauthorized || status == http.StatusForbidden
}

// statusOf is the HTTP status that an error brought, or 0.
func statusOf(err error) int {
	if stated := (interface{ GetStatus() int })(nil); errors.As(err, &stated) {
		return stated.GetStatus()
	}
	return 0
}
