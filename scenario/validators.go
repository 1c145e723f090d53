package scenario

import (
	"context"
	"errors"
	"fmt"

	"github.com/aqsha/aqsha/txlog"
)

// Unplugged is what salaries showed on a network of several validators, one of which was unplugged meanwhile.
type Unplugged struct {
	Validator      string  // which one
	Paid           int     // salaries
	PauseSeconds   float64 // from the unplugging to the next salary's receipt
	CatchUpSeconds float64 // from its start until it had what the others have
	Entries        uint64  // of each validator's log
	Root           txlog.Hash
}

// validatorSteps are about a ledger that several run together.
func validatorSteps() []Step {
	return []Step{{"validator-unplugged",
		"Where four run a ledger together, one's machine is unplugged during the salaries " +
			"and comes back", unplug}}
}

// unplug has it played by whoever can start processes: validators in one process could not be killed one by one.
func unplug(ctx context.Context, w *Stage) error {
	if w.Validators == nil {
		return errors.New("whoever plays the story starts no processes of validators")
	}
	found, err := w.Validators(ctx, w.Say)
	if err != nil {
		return err
	}
	w.Proves("validators-proves-1", "paid", found.Paid, "validator", found.Validator, "pause",
		fmt.Sprintf("%.1f", found.PauseSeconds), "catch_up", fmt.Sprintf("%.1f", found.CatchUpSeconds))
	w.Proves("validators-proves-2", "entries", found.Entries, "root", found.Root)
	return nil
}
