package cluster

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog/quorum"
)

// Member is a participant with a validator.
type Member struct {
	Name       string            `json:"name"`
	Consensus  ed25519.PublicKey `json:"consensus"`  // signs votes and proposals
	Checkpoint ed25519.PublicKey `json:"checkpoint"` // signs checkpoints of the log
	Peer       string            `json:"peer"`       // by which its peers know it
}

// address is by which CometBFT names a validator: the beginning of the hash of its consensus key.
func (m Member) address() []byte {
	sum := sha256.Sum256(m.Consensus)
	return sum[:20]
}

// Charter is who orders a network together, as all of them were given it: CometBFT's genesis carries it.
type Charter struct {
	Network token.NetworkID `json:"network"`
	Members []Member        `json:"members"`
}

// Most members of a cluster: those of a quorum.
const maxMembers = quorum.MaxMembers

// peerIDLength is that of CometBFT's names for peers: the hexadecimal hash of a key.
const peerIDLength = 40

// Check says what is wrong with a charter.
func (c Charter) Check() error {
	if len(c.Members) == 0 || len(c.Members) > maxMembers {
		return fmt.Errorf("%d validators, want 1 to %d", len(c.Members), maxMembers)
	}
	for i, m := range c.Members {
		if m.Name == "" || len(m.Name) > token.MaxName {
			return fmt.Errorf("validator %d: a name of %d bytes, want 1 to %d", i, len(m.Name), token.MaxName)
		}
		if len(m.Consensus) != ed25519.PublicKeySize {
			return fmt.Errorf("validator %s: a consensus key of %d bytes, want %d", m.Name, len(m.Consensus),
				ed25519.PublicKeySize)
		}
		if len(m.Peer) != peerIDLength {
			return fmt.Errorf("validator %s: a peer's id of %d characters, want %d", m.Name, len(m.Peer), peerIDLength)
		}
		for _, other := range c.Members[:i] {
			if other.Name == m.Name || bytes.Equal(other.Consensus, m.Consensus) || other.Peer == m.Peer {
				return fmt.Errorf("validator %s is listed twice", m.Name)
			}
		}
	}
	return c.Quorum().Check()
}

// Quorum is whose signatures a checkpoint needs: of more than two thirds.
func (c Charter) Quorum() quorum.Quorum {
	q := quorum.Quorum{Threshold: quorum.Max(len(c.Members))}
	for _, m := range c.Members {
		q.Members = append(q.Members, m.Checkpoint)
	}
	return q
}

// ByConsensus finds a member by its consensus key; -1 without one.
func (c Charter) ByConsensus(key ed25519.PublicKey) int {
	for i, m := range c.Members {
		if bytes.Equal(m.Consensus, key) {
			return i
		}
	}
	return -1
}

// byAddress finds a member by CometBFT's address; -1 without one.
func (c Charter) byAddress(address []byte) int {
	for i, m := range c.Members {
		if bytes.Equal(m.address(), address) {
			return i
		}
	}
	return -1
}

// decodeCharter reads the application's part of a genesis.
func decodeCharter(b []byte) (c Charter, err error) {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&c); err != nil {
		return c, fmt.Errorf("the cluster's genesis: %w", err)
	}
	if d.More() {
		return c, errors.New("the cluster's genesis: more after its end")
	}
	return c, c.Check()
}
