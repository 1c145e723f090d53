package node

import (
	"fmt"
	"path/filepath"

	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/txlog"
)

// Init begins a network in a data directory: its log with the genesis as first entry. The log's signer must be the one
// whose key the genesis names. A crash behind the commit leaves a log that Open signs (signRecovered); one before it
// leaves an empty log, and Init can be called again.
func Init(config Config, g ledger.Genesis) error {
	config.complete()
	if err := g.Check(); err != nil {
		return err
	}
	if err := config.Options.FS.MkdirAll(config.Dir); err != nil {
		return err
	}
	log, err := txlog.Open(filepath.Join(config.Dir, logDir), config.Options)
	if err != nil {
		return err
	}
	defer log.Close()
	if log.Size() != 0 {
		return fmt.Errorf("%s holds a network already", config.Dir)
	}
	batch, err := log.Stage([][]byte{g.Leaf().Encode()})
	if err != nil {
		return err
	}
	if err := log.Commit(batch); err != nil {
		return err
	}
	_, err = log.Publish()
	return err
}

// InitCopy begins a copy of a network's log in a data directory, with the genesis as its first entry. The log is to be
// copied from a leader, see Follow. It returns the genesis.
func InitCopy(config Config, genesis []byte) (ledger.Genesis, error) {
	config.complete()
	e, err := ledger.DecodeEntry(genesis)
	if err != nil || e.Leaf == nil || e.Leaf.Genesis == nil {
		return ledger.Genesis{}, fmt.Errorf("the leader's log does not begin with a genesis: %w", err)
	}
	g := *e.Leaf.Genesis
	if err := g.Check(); err != nil {
		return g, err
	}
	if err := config.Options.FS.MkdirAll(config.Dir); err != nil {
		return g, err
	}
	config.Options.Origin, config.Options.Signers = g.Name, nil
	log, err := txlog.Open(filepath.Join(config.Dir, logDir), config.Options)
	if err != nil {
		return g, err
	}
	defer log.Close()
	if log.Size() != 0 {
		return g, fmt.Errorf("%s holds a network already", config.Dir)
	}
	batch, err := log.Stage([][]byte{genesis})
	if err != nil {
		return g, err
	}
	return g, log.Commit(batch)
}
