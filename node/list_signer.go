package node

import (
	"fmt"

	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/token"
)

// listSigner signs revocation lists with the log's key. What it signs are hashes of 32 bytes, which no signed note can
// be: a checkpoint's, a fence's and a snapshot's text each has a root or digest in base64, which alone is longer.
type listSigner struct {
	public token.PublicKey
	signer note.Signer
}

// ListSigner is by which this node signs revocation lists of offline purses: no-log-key where it cannot. The key is the
// one that signs the log now, to which links lead from the genesis, so that a log of validators has one too when one
// node orders it again, and a node that was handed over signs none.
func (n *Node) ListSigner() (token.Signer, error) {
	known, err := n.Signers()
	if err != nil {
		return nil, err
	}
	public, single := known.Single()
	if signers := n.config.Options.Signers; single && len(signers) > 0 &&
		signers[0].Name() == known.Newest().Name() && signers[0].KeyHash() == known.Newest().KeyHash() {
		return &listSigner{public, signers[0]}, nil
	}
	return nil, refuse(NoLogKey, "", "this node has not the key that signs the log by itself: ask the node that leads")
}

func (s *listSigner) Public() token.PublicKey { return s.public }

// Sign signs with the log's key, in the form of the ledger's signatures.
func (s *listSigner) Sign(digest [32]byte) (signature token.Signature, err error) {
	raw, err := s.signer.Sign(digest[:])
	if err == nil && len(raw) != len(signature)-1 {
		err = fmt.Errorf("the log's key made a signature of %d bytes", len(raw))
	}
	signature[0] = byte(token.Ed25519)
	copy(signature[1:], raw)
	return signature, err
}
