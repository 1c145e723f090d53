package ledger

import (
	"slices"

	"github.com/aqsha/aqsha/token"
)

// MaxValidatorChanges is how often validators may be set in a network's life: the heights of all changes are kept.
const MaxValidatorChanges = 1 << 14

// Validators are who orders the network and signs its log, as a transaction set them last. There are none before the
// first: those of the genesis's log key, of whom the ledger knows no more, sign until then. Since rules version 5.
type Validators struct {
	Members []token.Validator `json:"members"`
	Changes []uint64          `json:"changes"` // heights of the blocks that hold the transactions, ascending
}

// setValidators says who signs the log behind this block.
func (x *Executor) setValidators(t *token.SetValidators) *token.Error {
	a := x.state.Authority()
	root := a.Set(token.RoleRoot)
	if err := sequence(root.Sequence, t.Sequence); err != nil {
		return err
	}
	changes := a.Validators.Changes
	if n := len(changes); n > 0 && changes[n-1] == x.height {
		// Whoever follows the signers from one to the next learns of one change at the end of a block.
		return refuse(ValidatorsChanged, "validators", "a block holds one change of validators: send it again")
	} else if n >= MaxValidatorChanges {
		return refuse(token.TooMany, "validators", "they were set %d times, the most", n)
	}
	if n := len(a.Validators.Members); n > 0 {
		// As many may leave as may fail, (n−1)/3: from four on, those who stay are more than two thirds of the old, so
		// that some of any quorum of the old are among the new. Of fewer than four one may leave.
		if gone, most := leaving(a.Validators.Members, t.Validators), max(1, (n-1)/3); gone > most {
			return refuse(TooManyLeave, "validators", "%d of %d would leave or get other keys, at most %d at once",
				gone, n, most)
		}
	}
	root.Sequence++
	a.Validators = Validators{Members: slices.Clone(t.Validators), Changes: append(slices.Clip(changes), x.height)}
	return nil
}

// leaving counts validators that are not among others with the same keys.
func leaving(present, next []token.Validator) (n int) {
	for i := range present {
		v := &present[i]
		if !slices.ContainsFunc(next, func(o token.Validator) bool {
			return o.Vote == v.Vote && o.Checkpoint == v.Checkpoint
		}) {
			n++
		}
	}
	return n
}
