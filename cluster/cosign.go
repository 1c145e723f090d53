package cluster

import (
	"crypto/ed25519"
	"sync"
)

// cosigning gathers the members' signatures over the checkpoint of the state that is being voted on. Each travels with
// its member's vote for the next block (a vote extension), so that whoever has seen a block decided has seen enough of
// them.
type cosigning struct {
	charter Charter
	key     ed25519.PrivateKey // of this member
	own     int                // its place

	mu     sync.Mutex
	text   string
	size   uint64
	signed [][]byte // by member; nil where none has come
	kept   uint64   // size of the newest checkpoint that enough have signed
}

// about begins anew when the state has moved. The lock is held.
func (c *cosigning) about(text string, size uint64) {
	if text != c.text {
		c.text, c.size, c.signed = text, size, make([][]byte, len(c.charter.Members))
	}
}

// sign is this member's signature, nil when the checkpoint is there already.
func (c *cosigning) sign(text string, size uint64) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.about(text, size)
	if c.own < 0 || c.kept >= size {
		return nil
	}
	if c.signed[c.own] == nil {
		c.signed[c.own] = ed25519.Sign(c.key, []byte(text))
	}
	return c.signed[c.own]
}

// hear takes a member's signature and says whether it is one.
func (c *cosigning) hear(address, signature []byte, text string, size uint64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.about(text, size)
	from := c.charter.byAddress(address)
	if from < 0 || len(signature) != ed25519.SignatureSize ||
		!ed25519.Verify(c.charter.Members[from].Checkpoint, []byte(text), signature) {
		return false
	}
	c.signed[from] = signature
	return true
}

// complete is the checkpoint with enough signatures, nil before.
func (c *cosigning) complete(name string) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.text == "" || c.size <= c.kept {
		return nil
	}
	signed, err := c.charter.Quorum().Sign(name, c.text, c.signed)
	if err != nil {
		return nil // too few yet
	}
	return signed
}

// keeps notes the newest checkpoint that was kept.
func (c *cosigning) keeps(size uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.kept = max(c.kept, size)
}
