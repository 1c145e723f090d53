package node

import (
	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog"
)

// ProofCheckpoint is the newest checkpoint that a proof may rest on: of what may be shown, a follower's the leader's,
// with the log's own signature alone. Followers' cosignatures say that they have it too; whoever checks a proof knows
// the genesis, which names none of them.
func (n *Node) ProofCheckpoint() ([]byte, txlog.Checkpoint, error) {
	signed := n.PublicCheckpoint()
	if n.config.Leader == "" && n.config.Acks == 0 && n.config.Sequencer == nil {
		var err error
		if signed, err = n.Publish(); err != nil {
			return nil, txlog.Checkpoint{}, err
		}
	}
	if signed == nil {
		return nil, txlog.Checkpoint{}, refuse(NotYet, "", "no checkpoint may be shown here yet: ask again in a while")
	}
	c, opened, err := n.openCheckpoint(signed)
	if err != nil {
		return nil, c, err
	}
	own, err := note.Sign(&note.Note{Text: opened.Text, Sigs: opened.Sigs[:1]})
	return own, c, err
}

// Covered refuses a proof of an entry that its checkpoint does not cover.
func Covered(entry uint64, c txlog.Checkpoint) error {
	if entry < c.Size {
		return nil
	}
	return &token.Error{Code: NotYet, Detail: "the newest checkpoint that may be shown does not cover it yet: ask " +
		"again in a while"}
}
