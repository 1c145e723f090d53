package node

import (
	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/node/signers"
)

// What says who leads, fences and prepares, is signed by the key of the log: of those who sign checkpoints behind
// everything known here, to whom links lead from the genesis.

// LeadKey is the key under which a node is promoted now.
func (n *Node) LeadKey() (text string, verifier note.Verifier, err error) {
	s, err := n.Signers()
	if err != nil {
		return "", nil, err
	}
	return s.NewestKey(), s.Newest(), nil
}

// readFence opens a fence: it bears the signature of those who sign behind the entries that it states.
func (n *Node) readFence(signed []byte) (Fence, error) {
	s, err := n.Signers()
	if err != nil {
		return Fence{}, err
	}
	for i := s.Changes(); i >= 0; i-- {
		v := s.Until(i).Newest()
		f, opening := OpenFence(signed, v)
		if opening != nil {
			err = opening
			continue
		}
		if !sameKey(s.VerifierOf(f.Size+1), v) {
			return Fence{}, errFence
		}
		return f, nil
	}
	return Fence{}, err
}

func sameKey(a, b note.Verifier) bool { return a.Name() == b.Name() && a.KeyHash() == b.KeyHash() }

// ofThePast refuses a fence of those who signed before the newest change, where one of the present ones is known or
// this node leads behind the change: they led before it, and stop nobody who came after.
func (n *Node) ofThePast(f, known Fence) error {
	s, err := n.Signers()
	if err != nil {
		return err
	}
	last := s.After(s.Changes())
	if f.Size < last && f != known && (known.Size >= last && known.Epoch > 0 ||
		n.config.Leader == "" && n.log.Size() > last) {
		return refuse(Fenced, "fence", "those who signed it sign this log no more, since entry %d", last)
	}
	return nil
}

// readPrepare opens what a candidate asks now.
func (n *Node) readPrepare(signed []byte) (Prepare, error) {
	_, verifier, err := n.LeadKey()
	if err != nil {
		return Prepare{}, err
	}
	return OpenPrepare(signed, verifier)
}

// keptPrepare opens one that was kept here, maybe before who signs the log has changed.
func (n *Node) keptPrepare(signed []byte) (p Prepare, err error) {
	var s *signers.Signers
	if s, err = n.Signers(); err != nil {
		return p, err
	}
	for i := s.Changes(); i >= 0; i-- {
		if p, err = OpenPrepare(signed, s.Until(i).Newest()); err == nil {
			return p, nil
		}
	}
	return p, err
}
