package verifier

import (
	"hash/maphash"
	"sync"

	"github.com/aqsha/aqsha/token"
)

// Cache keeps decoded public keys of wallets that pay, bounded in memory. It is sharded, so that verifiers
// rarely wait for each other, and holds no pointers for the garbage collector to follow.
type Cache struct {
	seed   maphash.Seed
	shards [keyShards]keyShard
}

// keyShards is how many parts the cache has: so many that two verifiers seldom want the same lock.
const keyShards = 64

// keyBytes is what one cached key takes: its decoding, the key and its place in the map, measured.
const keyBytes = 260

// keyShard is a part of the cache with a lock of its own, over all its fields: verifiers of one batch meet in few. What
// is to be forgotten is found by a clock's hand (second chance), which writes a bit at a hit where a list in order of
// use would write links.
type keyShard struct {
	mu    sync.Mutex
	most  int
	slots map[token.PublicKey]uint32
	keys  []token.PublicKey
	known []token.DecodedKey
	plain []bool // known to have no component of small order
	used  []bool // since the hand passed last
	hand  int

	hits, misses uint64
}

// NewCache makes a cache of at most so many bytes.
func NewCache(bytes int) *Cache {
	c := &Cache{seed: maphash.MakeSeed()}
	for i := range c.shards {
		c.shards[i].most = max(1, bytes/keyBytes/keyShards)
		c.shards[i].slots = map[token.PublicKey]uint32{}
	}
	return c
}

// find returns a key's decoding, if it is there, and whether the key is known to have no component of small order.
func (c *Cache) find(key token.PublicKey) (_ token.DecodedKey, plain, ok bool) {
	s := c.shard(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	slot, ok := s.slots[key]
	if !ok {
		s.misses++
		return token.DecodedKey{}, false, false
	}
	s.used[slot] = true
	s.hits++
	return s.known[slot], s.plain[slot], true
}

func (c *Cache) shard(key token.PublicKey) *keyShard {
	return &c.shards[maphash.Comparable(c.seed, key)%keyShards]
}

// keep stores a decoding.
func (c *Cache) keep(key token.PublicKey, decoded token.DecodedKey) {
	s := c.shard(key)
	s.mu.Lock()
	s.put(key, decoded)
	s.mu.Unlock()
}

// put stores a decoding, in the place of one that was not used for a round of the hand when the shard
// is full. The lock is held.
func (s *keyShard) put(key token.PublicKey, decoded token.DecodedKey) {
	if _, ok := s.slots[key]; ok {
		return // another verifier came first
	}
	if len(s.keys) < s.most {
		s.slots[key] = uint32(len(s.keys))
		s.keys, s.known, s.used = append(s.keys, key), append(s.known, decoded), append(s.used, false)
		s.plain = append(s.plain, false)
		return
	}
	for s.used[s.hand] {
		s.used[s.hand] = false
		s.hand = (s.hand + 1) % len(s.keys)
	}
	delete(s.slots, s.keys[s.hand])
	s.slots[key] = uint32(s.hand)
	s.keys[s.hand], s.known[s.hand], s.plain[s.hand] = key, decoded, false
	s.hand = (s.hand + 1) % len(s.keys)
}

// keepPlain remembers of a key, if it is there still, that it has no component of small order: that is true for ever, and
// costs a multiplication to find out.
func (c *Cache) keepPlain(key token.PublicKey) {
	s := c.shard(key)
	s.mu.Lock()
	if slot, ok := s.slots[key]; ok {
		s.plain[slot] = true
	}
	s.mu.Unlock()
}

// Counts are how often a key was found, and not.
func (c *Cache) Counts() (hits, misses uint64) {
	for i := range c.shards {
		s := &c.shards[i]
		s.mu.Lock()
		hits, misses = hits+s.hits, misses+s.misses
		s.mu.Unlock()
	}
	return hits, misses
}
