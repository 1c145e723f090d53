package pool

import (
	"sync"
	"sync/atomic"
)

// seenHashes knows the headers that were shares on one block. Keys are the first 16 bytes of the
// header's hash: its last bytes are zeros by the work, these are as good as random.
type seenHashes struct {
	// solved is set while a block on this one is with the nodes or taken: a second would only be
	// an orphan of our own.
	solved atomic.Bool
	shards [16]struct {
		mu    sync.Mutex
		known map[[16]byte]struct{}
	}
}

// add notes a hash and says whether it is new.
func (s *seenHashes) add(key [16]byte) bool {
	shard := &s.shards[key[0]%16]
	shard.mu.Lock()
	defer shard.mu.Unlock()
	if shard.known == nil {
		shard.known = map[[16]byte]struct{}{}
	}
	before := len(shard.known)
	shard.known[key] = struct{}{}
	return len(shard.known) > before
}
