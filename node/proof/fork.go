package proof

import (
	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/txlog"
	"github.com/aqsha/aqsha/txlog/quorum"
)

// Fork checks evidence that a log's key signed two histories: two checkpoints of one size with
// different roots. Nil means that the evidence holds; anybody with the genesis can check it.
// Checkpoints of different sizes are held together with a consistency proof (txlog.VerifyConsistency).
func Fork(one, other []byte, g ledger.Genesis) error {
	verifier, err := quorum.NewVerifier(g.LogKey)
	if err != nil {
		return bad("genesis", "it names no usable log key: %v", err)
	}
	a, _, err := txlog.OpenCheckpoint(one, g.Name, note.VerifierList(verifier))
	if err != nil {
		return bad("one", "%v", err)
	}
	b, _, err := txlog.OpenCheckpoint(other, g.Name, note.VerifierList(verifier))
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
