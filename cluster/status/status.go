// Package status is what a validator says of its cluster, for those who serve and show it. It imports nothing of the
// engine.
//
// It belongs to cluster. Invariant: what is not known is absent, not nought.
package status

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/aqsha/aqsha/token"
)

// Status is how a validator sees its cluster.
type Status struct {
	Member      string   `json:"member" doc:"which of the validators answers"`
	Height      uint64   `json:"height" doc:"of the cluster's last block that is durable here; most blocks have no entry of the log"`
	Silent      int64    `json:"silent_millis" doc:"since that block; blocks come at least every second or two"`
	Needed      int      `json:"needed" doc:"validators that must be there for a block: more than two thirds"`
	Reached     int      `json:"reached" doc:"validators that are connected to this one, itself counted"`
	CatchingUp  bool     `json:"catching_up" doc:"it fetches blocks that it has missed, and does not vote yet"`
	Batches     int      `json:"waiting_batches" doc:"batches of transactions that wait for a block"`
	Bytes       int64    `json:"waiting_bytes" doc:"how long they are"`
	LastBatches int      `json:"last_batches" doc:"batches in the last block that had any"`
	LastCount   int      `json:"last_transactions" doc:"transactions in it"`
	Members     []Member `json:"members"`
	Since       uint64   `json:"since" doc:"entries up to the end of the block that set them; 0: the genesis"`
	Faults      []Fault  `json:"faults" doc:"proofs that a validator has signed twice, kept since this one began"`
	Outside     bool     `json:"outside,omitempty" doc:"this validator is none of the members"`
	Changed     uint64   `json:"changed,omitempty" doc:"block that set them, until the second behind it is there"`
	Leaving     []Member `json:"leaving,omitempty" doc:"no members since then; needed until that second block"`
	Stopped     string   `json:"stopped,omitempty" doc:"why this validator has stopped for good"`
}

// Member is a validator as another sees it.
type Member struct {
	Name      string `json:"name"`
	Self      bool   `json:"self"`
	Connected bool   `json:"connected"`
	Signed    bool   `json:"signed" doc:"its vote is in the last block"`
	Missed    uint64 `json:"missed" doc:"blocks without its vote, since this validator started"`

	Vote       token.PublicKey `json:"vote" doc:"key of its votes"`
	Checkpoint token.PublicKey `json:"checkpoint" doc:"key with which it signs checkpoints of the log"`
	Peer       string          `json:"peer" doc:"by which the others know it on their network"`
}

// Fault is a validator's signing two blocks of one height.
type Fault struct {
	Height int64           `json:"height"`
	Member string          `json:"member"`
	Kind   string          `json:"kind"`
	Vote   token.PublicKey `json:"vote" doc:"key with which it signed"`
	Proof  []byte          `json:"proof,omitempty" doc:"the two votes, as the consensus engine encodes them"`
}

// evidenceBytes are shown of a proof's hash: nobody keeps so many proofs that two would be taken for each other.
const evidenceBytes = 8

// Evidence is by which a fault's proof is named: the beginning of its SHA-256 in hexadecimal; empty without a proof.
func (f *Fault) Evidence() string {
	if len(f.Proof) == 0 {
		return ""
	}
	sum := sha256.Sum256(f.Proof)
	return hex.EncodeToString(sum[:evidenceBytes])
}

// Votes of a change hold from the second block behind it on: the block between is agreed on by those before it.
const (
	Handing = 1 // blocks behind a change that those before it agree on
	InForce = 2 // blocks behind a change after which the members alone agree
)

// Has says whether so many blocks are there behind the change that set the members, whose block ends the log behind the
// entry of an index.
func (s *Status) Has(index, blocks uint64) bool {
	return s.Since > index && (s.Changed == 0 || s.Height >= s.Changed+blocks)
}

// Away names those who are not reached of the members, and of those who are leaving.
func (s *Status) Away() (names []string) {
	for _, list := range [][]Member{s.Members, s.Leaving} {
		for i := range list {
			if !list[i].Connected && !list[i].Self {
				names = append(names, list[i].Name)
			}
		}
	}
	return names
}

// MaxPause is after how many milliseconds without a block those who are not reached are taken for away: blocks come
// every second or two, and they may come from a validator that is reached through another.
const MaxPause = 3_000

// MaxSilent is after how many milliseconds without a block a cluster is said to stand still.
const MaxSilent = 10_000

// Waits says why payments wait: empty when they do not.
func (s Status) Waits() string {
	switch {
	case s.Stopped != "":
		return "this validator has stopped: " + s.Stopped
	case s.CatchingUp:
		return "this validator fetches the blocks that it has missed"
	case s.Silent > MaxPause && s.Reached < s.Needed:
		return fmt.Sprintf("too few validators are reached to agree on a block: %d of %d, and %d are needed; away: %s",
			s.Reached, len(s.Members), s.Needed, strings.Join(s.Away(), ", "))
	case s.Silent > MaxSilent:
		return "the cluster has agreed on no block for some time"
	}
	return ""
}
