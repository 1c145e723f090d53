package cluster

import (
	"crypto/ed25519"
	"sync"
)

// cosigning gathers the members' signatures over the checkpoint of the state that is being voted on. Each travels with
// its member's vote for the next block (a vote extension), so that whoever has seen a block decided has seen enough of
// them.
type cosigning struct {
	key ed25519.PrivateKey // of this member

	mu     sync.Mutex // over what follows
	by     *set       // who signs it
	text   string
	size   uint64
	signed [][]byte // by member; nil where none has come
	kept   uint64   // size of the newest checkpoint that enough have signed
}

// about begins anew when the state has moved. The lock is held.
func (c *cosigning) about(by *set, text string, size uint64) {
	if text != c.text {
		c.by, c.text, c.size, c.signed = by, text, size, make([][]byte, len(by.members))
	}
}

// sign is this member's signature; nil when it has none to give, or the checkpoint is there already and need not be
// signed by everybody.
func (c *cosigning) sign(by *set, text string, size uint64, all bool) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.about(by, text, size)
	own := c.by.byCheckpoint(public(c.key))
	if own < 0 || c.kept >= size && !all {
		return nil
	}
	if c.signed[own] == nil {
		c.signed[own] = ed25519.Sign(c.key, []byte(text))
	}
	return c.signed[own]
}

// hear takes a member's signature and says whether it is one.
func (c *cosigning) hear(by *set, address, signature []byte, text string, size uint64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.about(by, text, size)
	from := c.by.byAddress(address)
	if from < 0 || len(signature) != ed25519.SignatureSize ||
		!ed25519.Verify(c.by.members[from].Checkpoint, []byte(text), signature) {
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
	return c.by.join(name, c.text, c.signed)
}

// keeps notes that a checkpoint is kept: no more signatures are needed for it.
func (c *cosigning) keeps(size uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.kept = max(c.kept, size)
}
