package clustercmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/cluster"
	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/cli/datadir"
	"github.com/aqsha/aqsha/internal/cli/nodecmd"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/txlog"
	"github.com/aqsha/aqsha/txlog/quorum"
	"github.com/aqsha/aqsha/wallet"
)

func newClusterDissolveCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "dissolve",
		Short: "Make of the last validator that is left a node that orders alone",
		Long: `Make the directory of a validator that orders a ledger alone, after "aqsha cluster remove" has removed
all others or which was founded with it alone, one of a node that orders by itself, as "aqsha init" makes them. The
validator does not run. Its key for checkpoints signs the log as before, so that
followers, proofs and receipts go on; entries, roots and the network's id
stay. Whatever this validator has voted for and not yet executed it executes first.

What was the cluster's stays beside, in cluster.dissolved-ENTRIES; that directory must never run as a validator again,
nor a copy of it.`,
		Example: "  aqsha cluster dissolve --data ./net/central && aqsha up --data ./net/central",
		Args:    cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			dir := cli.Flag(command, "data")
			if !cluster.Here(dir) {
				return cli.Usage(fmt.Errorf("%s is no validator's directory", dir))
			}
			// Taken before anything is read: a validator that runs here could still vote, and its vote would bind a log
			// that has gone on without it.
			c, lock, err := datadir.TakeLedger(command.Context(), dir, datadir.AnyLedger)
			if err != nil {
				return err
			}
			defer lock.Close()
			keyring, err := datadir.OpenKeyring(command)
			if err != nil {
				return err
			}
			d := dissolving{dir: dir, config: c, keyring: keyring}
			head, beside, err := d.dissolve(command.Context())
			if err != nil {
				return err
			}
			result := map[string]any{"entries": head.Size, "root": head.Root, "cluster": beside}
			return cli.Show(command, result, func(w io.Writer) {
				fmt.Fprintln(w, cli.LanguageFor(command).Text("cluster.dissolved", "dir", dir, "entry", head.Size))
			})
		},
	}
}

// dissolving is a validator's directory that becomes an ordinary node's.
type dissolving struct {
	dir     string
	config  datadir.Config
	keyring *wallet.Keyring
	engine  *cluster.Engine
	set     int // validators that the ledger has set: this one, or none yet
}

// dissolve does it, in steps of which each may be the last before a crash: until the rename at the end the directory is
// a validator's that goes on as one, or is dissolved by the same command again.
func (d *dissolving) dissolve(ctx context.Context) (head node.Head, beside string, err error) {
	if err := d.finish(ctx); err != nil {
		return head, "", err
	}
	secret, err := d.engine.LogSecret(d.config.Name, d.set)
	if err != nil {
		return head, "", err
	}
	signer, _, err := quorum.OpenSecret(secret)
	if err != nil {
		return head, "", err
	}
	if err := d.keep(secret, signer); err != nil {
		return head, "", err
	}
	// It signs what is there as a node does, and takes a snapshot under that key: one of the validator's the node would
	// not believe, and would execute the log from its beginning.
	_, sealed, err := d.engine.Sealer()
	if err != nil {
		return head, "", err
	}
	n, err := node.Open(node.Config{Dir: d.dir, Options: txlog.Options{Origin: d.config.Name,
		Signers: []note.Signer{signer}}, SnapshotVerifiers: []note.Verifier{sealed}})
	if err != nil {
		return head, "", err
	}
	signed, at := n.Published()
	head = n.Head()
	err = errors.Join(n.CheckCheckpoint(signed), n.Close())
	if err == nil && at.Size != head.Size {
		err = fmt.Errorf("the checkpoint is over %d entries of %d", at.Size, head.Size)
	}
	if err != nil {
		return head, "", err
	}
	beside, err = cluster.Dissolve(d.dir, head.Size)
	return head, beside, err
}

// keep keeps the log's key, where it was not kept before a crash.
func (d *dissolving) keep(secret string, key note.Signer) error {
	if !d.keyring.HasLogKey() {
		return d.keyring.KeepLogKey(secret)
	}
	kept, err := d.keyring.LogSigner()
	if err == nil && (kept.Name() != key.Name() || kept.KeyHash() != key.KeyHash()) {
		err = fmt.Errorf("%s is there, and is another key: move it away", wallet.LogKeyFile)
	}
	return err
}

// maxFinishes is how often the engine is run until the log has what was decided, each time until it has executed one
// block more, or for finishFor: it may be stopped between a vote and its block again.
const (
	maxFinishes = 20
	finishFor   = 15 * time.Second
)

// finish has the log come to every block that this validator has voted for, and to the checkpoint that shows who signed
// before it was alone.
func (d *dissolving) finish(ctx context.Context) (err error) {
	logger := d.config.LoggerOrDefault()
	if d.engine, err = nodecmd.OpenCluster(d.dir, d.keyring, logger); err != nil {
		return err
	}
	for range maxFinishes {
		voted, done, err := d.finished()
		if err != nil || done {
			return err
		}
		if d.engine, err = nodecmd.OpenCluster(d.dir, d.keyring, logger); err != nil {
			return err
		}
		if err := d.run(ctx, voted); err != nil {
			return err
		}
	}
	return fmt.Errorf("the log does not come to what this validator has voted for: run it (aqsha up --data %s), stop "+
		"it, and try again", d.dir)
}

// finished says whether there is nothing left to execute, and up to which block of the cluster it has voted; an error,
// where others order too.
func (d *dissolving) finished() (voted uint64, done bool, err error) {
	config := d.config
	config.Cluster = d.engine
	nc, err := datadir.NodeConfig(d.dir, config, d.keyring, d.config.LoggerOrDefault())
	if err != nil {
		return 0, false, err
	}
	nc.Sequencer, nc.ReadOnly = nil, true
	n, err := node.Open(nc)
	if err != nil {
		return 0, false, err
	}
	defer n.Close()
	members, _ := n.ExecutedValidators()
	d.set = len(members)
	if err := d.engine.Alone(members); err != nil {
		return 0, false, cli.Usage(fmt.Errorf("%w: a cluster is dissolved when all but one are removed", err))
	}
	head := n.Head()
	voted, stands, err := d.engine.Decided(head.Size, head.Root)
	if err != nil {
		return 0, false, err
	}
	_, missing, err := n.Handover()
	return max(voted, stands), !missing && voted <= stands, err
}

// run has the engine execute a block behind one of its height.
func (d *dissolving) run(ctx context.Context, height uint64) error {
	config := d.config
	config.Cluster = d.engine
	n, err := datadir.OpenNode(d.dir, config, d.keyring, d.config.LoggerOrDefault())
	if err != nil {
		return err
	}
	if err := d.engine.Start(n, n.Genesis().Name); err != nil {
		return errors.Join(err, n.Close())
	}
	ctx, done := context.WithTimeout(ctx, finishFor)
	defer done()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for d.engine.Status().Height <= height && ctx.Err() == nil {
		select {
		case <-tick.C:
		case <-ctx.Done():
		case <-d.engine.Failed():
			done()
		}
	}
	return errors.Join(d.engine.Err(), d.engine.Stop(), n.Close())
}
