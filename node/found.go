package node

import (
	"fmt"
	"path/filepath"

	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/txlog"
)

// Found begins a network in a data directory: its log with the genesis as first entry. The log's
// signer must be the one whose key the genesis names.
func Found(config Config, g ledger.Genesis) error {
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
