package proof

import (
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/node/signers"
)

// Fork checks evidence that those who sign a log have signed two histories: two checkpoints of one size with
// different roots. links show who signs so many entries where validators have changed since the genesis
// (GET /v1/signers). Nil means that the evidence holds; anybody with the genesis and the links can check it.
// Checkpoints of different sizes are held together with a consistency proof (txlog.VerifyConsistency).
func Fork(one, other []byte, g ledger.Genesis, links ...signers.Link) error {
	s, err := signers.FromGenesis(g, links)
	if err != nil {
		return bad("genesis", "it does not lead to who signs the log: %v", err)
	}
	a, _, err := s.Open(one)
	if err != nil {
		return bad("one", "%v", err)
	}
	b, _, err := s.Open(other)
	if err != nil {
		return bad("other", "%v", err)
	}
	if a.Size != b.Size {
		return bad("other", "sizes %d and %d need a consistency proof to be compared", a.Size, b.Size)
	}
	if a.Root == b.Root {
		return bad("other", "both state root %s: they agree", a.Root)
	}
	return nil
}
