package cluster

import (
	"encoding/json"
	"path/filepath"

	cmttypes "github.com/cometbft/cometbft/types"

	"github.com/aqsha/aqsha/cluster/status"
	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// faultsFile keeps, beside the log, which validators were proved to have signed twice, and the proof: CometBFT's
// blocks, which have it too, are pruned.
const faultsFile = "faults"

// maxFaults is how many are kept.
const maxFaults = 100

var faultsOptions = durable.Options{Header: "aqsha cluster faults v1\n", Max: 64 << 10, Locked: true}

// openFaults brings back the faults that were kept.
func (a *app) openFaults(home string) (err error) {
	path := filepath.Join(home, faultsFile)
	a.faults, err = durable.OpenJournal(vfs.OS, path, faultsOptions, func(body []byte) error {
		var f status.Fault
		err := json.Unmarshal(body, &f)
		a.seen.faults = append(a.seen.faults, f)
		return err
	})
	return err
}

// closeFaults lets go of the journal of faults; a second call does nothing.
func (a *app) closeFaults() error {
	if a.faults == nil {
		return nil
	}
	err := a.faults.Close()
	a.faults = nil
	return err
}

// keepFault makes a fault durable, once: a block that is executed again brings it again. The lock is held.
func (a *app) keepFault(f status.Fault) error {
	for _, known := range a.seen.faults {
		if known.Height == f.Height && known.Vote == f.Vote && known.Kind == f.Kind {
			return nil
		}
	}
	a.logger.Error("a validator has signed twice", "validator", f.Member, "height", f.Height, "kind", f.Kind)
	if len(a.seen.faults) >= maxFaults {
		return nil
	}
	a.seen.faults = append(a.seen.faults, f)
	if a.faults == nil {
		return nil
	}
	body, err := json.Marshal(f)
	if err != nil {
		return err
	}
	return a.faults.Append(body)
}

// evidence is CometBFT's evidence in a block, encoded, by the validator's address; none of a block that is not kept.
func (e *Engine) evidence(height uint64) map[string][]byte {
	comet := e.comet.Load()
	if comet == nil {
		return nil
	}
	block := comet.BlockStore().LoadBlock(int64(height))
	if block == nil {
		return nil
	}
	all := map[string][]byte{}
	for _, one := range block.Evidence.Evidence {
		if twice, ok := one.(*cmttypes.DuplicateVoteEvidence); ok {
			all[string(twice.VoteA.ValidatorAddress)] = twice.Bytes()
		}
	}
	return all
}
