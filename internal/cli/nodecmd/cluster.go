package nodecmd

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/aqsha/aqsha/cluster"
	"github.com/aqsha/aqsha/internal/cli/datadir"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/wallet"
)

// OpenCluster opens a validator's part of a directory; nil for a node that orders alone, which the other functions here
// take. A key that is to follow is taken along: from the block on that names it, it signs.
func OpenCluster(dir string, keyring *wallet.Keyring, logger *slog.Logger) (*cluster.Engine, error) {
	if !cluster.Here(dir) {
		return nil, nil
	}
	text, err := keyring.Validator()
	if err != nil {
		return nil, err
	}
	keys, err := cluster.ParseKeys(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", wallet.ValidatorKeyFile, err)
	}
	e, err := cluster.Open(dir, keys, logger)
	if err != nil {
		return nil, err
	}
	if text, err = keyring.NextValidator(); err != nil || text == "" {
		return e, err
	}
	next, err := cluster.ParseKeys(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", wallet.NextValidatorKeyFile, err)
	}
	e.Succeed(next, keyring.PromoteValidator)
	return e, nil
}

// restoreLog begins the log of a validator that has lost its own; the others have the rest.
func restoreLog(e *cluster.Engine, dir string, c datadir.Config, keyring *wallet.Keyring, logger *slog.Logger) error {
	if e == nil {
		return nil
	}
	nc, err := datadir.NodeConfig(dir, c, keyring, logger)
	if err != nil {
		return err
	}
	restored, err := cluster.RestoreLog(dir, nc.Options)
	if restored {
		logger.Info("this directory had no log: it is fetched from the other validators")
	}
	return err
}

func startCluster(e *cluster.Engine, n *node.Node) error {
	if e == nil {
		return nil
	}
	return e.Start(n, n.Genesis().Name)
}

func stopCluster(e *cluster.Engine) error {
	if e == nil {
		return nil
	}
	return e.Stop()
}

// untilClusterStops ends a context when a validator cannot go on; stopped says why.
func untilClusterStops(ctx context.Context, e *cluster.Engine,
	served <-chan struct{}) (until context.Context, stopped func() error) {
	if e == nil {
		return ctx, func() error { return nil }
	}
	until, cancel := context.WithCancel(ctx)
	go func() {
		select {
		case <-e.Failed():
		case <-served:
		}
		cancel()
	}()
	return until, e.Err
}
