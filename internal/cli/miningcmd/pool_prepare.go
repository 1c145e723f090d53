package miningcmd

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/aqsha/aqsha/pool"
	"github.com/aqsha/aqsha/txlog"
)

// poolPreparation is what a successor has read of the directory while the running pool still serves. Nil: nothing.
type poolPreparation struct {
	reader   *txlog.Reader
	prepared *pool.Prepared
}

func (b *poolPreparation) log() *txlog.Reader {
	if b == nil {
		return nil
	}
	return b.reader
}

func (b *poolPreparation) records() *pool.Prepared {
	if b == nil {
		return nil
	}
	return b.prepared
}

func (b *poolPreparation) close() {
	if b != nil {
		_ = b.reader.Close() // it was only read
	}
}

// prepare reads the share log and the books beside the running pool, so that miners need not wait for it. Without
// success the pool is taken over all the same.
func (up *poolUp) prepare(ctx context.Context, ends poolEnds, logger *slog.Logger) (*poolPreparation, error) {
	shares := filepath.Join(up.dir, "shares")
	if _, err := os.Stat(shares); err != nil {
		return nil, nil //nolint:nilerr // a new pool
	}
	began := time.Now()
	options, err := poolLogOptions(up.dir, up.name, false)
	if err != nil {
		return nil, err
	}
	b := &poolPreparation{}
	if b.reader, err = txlog.OpenReader(shares, options); err == nil {
		logger.Info("reading the share log beside the running pool", "entries", b.reader.Size())
		if b.prepared, err = pool.Prepare(ctx, ends.network, b.reader,
			filepath.Join(up.dir, "books.sqlite")); err == nil {
			logger.Info("share log read beforehand", "entries", b.reader.Size(), "took",
				time.Since(began).Round(time.Millisecond))
			return b, nil
		}
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	logger.Warn("nothing could be read beforehand; miners wait while the log is read", "error", err)
	if b.reader == nil {
		return nil, nil
	}
	return b, nil
}
