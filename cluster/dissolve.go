package cluster

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog"
	"github.com/aqsha/aqsha/txlog/quorum"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// dissolvedDir begins the name under which the cluster's part of a directory stays whose node orders alone again.
const dissolvedDir = "cluster.dissolved"

// stepPrecommit is CometBFT's number of the vote that decides a block, in what a key has signed.
const stepPrecommit = 3

// Decided is the height of the last block that this validator, which does not run, may have helped to decide, and at
// which height its log stands, of so many entries. While the first is greater, others may have executed, and answered,
// what the log lacks.
func (e *Engine) Decided(entries uint64, root txlog.Hash) (voted, stands uint64, err error) {
	v, err := openValidator(e.dir, e.keys.Consensus)
	if err != nil {
		return 0, 0, err
	}
	last := v.LastSignState
	if voted = uint64(max(0, last.Height)); last.Step < stepPrecommit && voted > 0 {
		voted-- // whoever votes on a block has the one before it decided
	}
	journal, err := openPositions(vfs.OS, filepath.Join(e.dir, homeDir, positionsFile))
	if err != nil {
		return 0, 0, err
	}
	// Not the journal's last: it is written before the log, and a crash may have come between.
	at, err := journal.of(entries, root)
	return voted, at.Height, errors.Join(err, journal.close())
}

// Alone says why a list of validators, none where the ledger has set none yet, is not this one alone; nil where it is.
func (e *Engine) Alone(members []token.Validator) error {
	if len(members) == 0 && len(e.charter.Members) == 1 {
		// Open has held its keys against the genesis's.
		if e.charter.ByConsensus(public(e.keys.Consensus)) == 0 {
			return nil
		}
		return fmt.Errorf("%s orders alone, with other keys than those of this directory", e.charter.Members[0].Name)
	}
	if len(members) == 1 {
		m := MemberOf(members[0])
		if bytes.Equal(m.Consensus, public(e.keys.Consensus)) && bytes.Equal(m.Checkpoint, public(e.keys.Checkpoint)) {
			return nil
		}
		return fmt.Errorf("%s orders alone now, with other keys than those of this directory", m.Name)
	}
	if len(members) == 0 {
		return errors.New("the validators are still those of the cluster's genesis")
	}
	return fmt.Errorf("%d validators order this ledger", len(members))
}

// LogSecret is the key with which this validator, alone among so many that the ledger has set, signs the log of a
// network: an ordinary note's key (Keys.LogSecret) where it was set, and before any were, the genesis's, which is that
// of a quorum of one.
func (e *Engine) LogSecret(name string, set int) (string, error) {
	if set == 0 {
		return quorum.SoleSecret(name, e.keys.Checkpoint)
	}
	return e.keys.LogSecret(name), nil
}

// Dissolve makes the directory of a validator that is alone, and does not run, one of a node that orders by itself. One
// rename does: before it the directory is a validator's, behind it a node's, whenever a crash comes. What was the
// cluster's stays beside, under a name with the entries of the log, which is returned.
func Dissolve(dir string, entries uint64) (beside string, err error) {
	beside = filepath.Join(dir, fmt.Sprintf("%s-%d", dissolvedDir, entries))
	if err := vfs.OS.Rename(filepath.Join(dir, homeDir), beside); err != nil {
		return "", err
	}
	return beside, vfs.OS.SyncDir(dir)
}
