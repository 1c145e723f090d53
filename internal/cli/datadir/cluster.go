package datadir

import (
	"fmt"

	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/node"
)

// clusterNode completes a node's configuration in a validator's directory.
func clusterNode(nc node.Config, dir string, c Config) (node.Config, error) {
	if c.Cluster == nil {
		return nc, cli.Usage(fmt.Errorf("%s is a validator's directory, and its cluster decides what is written "+
			"there: run it (aqsha up --data %s), or name a node (--node URL)", dir, dir))
	}
	if c.Acks > 0 || len(c.Followers) > 0 {
		return nc, cli.Usage(fmt.Errorf("%s: followers and acks are a leader's; a validator's payments are "+
			"acknowledged by its cluster", ConfigFile))
	}
	sealer, verifier, err := c.Cluster.Sealer()
	if err != nil {
		return nc, err
	}
	nc.Sequencer, nc.Sealer, nc.SnapshotVerifiers = c.Cluster, sealer, append(nc.SnapshotVerifiers, verifier)
	nc.TrustClock = true // the validators' clocks together date blocks, not this one
	nc.Archive = c.Archive
	return nc, nil
}
