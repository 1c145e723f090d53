package relay

import "github.com/aqsha/aqsha/bitcoin"

// Known says whether a node is known to have a block.
func (r *Relay) Known(hash bitcoin.Hash) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	b := r.blocks[hash]
	return b != nil && b.taken
}
