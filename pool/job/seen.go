package job

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/aqsha/aqsha/bitcoin"
)

// SeenShares are the shares of the newest tips. All loops share them: a share that was handed in over one connection is
// a duplicate over another.
type SeenShares struct {
	mu    sync.Mutex // over the map and the list; each SeenHashes has its own
	byTip map[bitcoin.Hash]*SeenHashes
	tips  []bitcoin.Hash // oldest first
}

// keptTips is how many blocks' shares are known as such: a share of an older one is not taken.
const keptTips = 64

// NewSeenShares knows none.
func NewSeenShares() *SeenShares { return &SeenShares{byTip: map[bitcoin.Hash]*SeenHashes{}} }

// On are the shares on a block, of which there are none yet if it is new.
func (s *SeenShares) On(previous bitcoin.Hash) *SeenHashes {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byTip[previous] == nil {
		s.byTip[previous] = &SeenHashes{}
		if s.tips = append(s.tips, previous); len(s.tips) > keptTips {
			delete(s.byTip, s.tips[0])
			s.tips = s.tips[1:]
		}
	}
	return s.byTip[previous]
}

// Known are the shares on a block that has some; else nil.
func (s *SeenShares) Known(previous bitcoin.Hash) *SeenHashes {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.byTip[previous]
}

// Claims are when a block on each tip was last sent out, as far as one is out.
func (s *SeenShares) Claims() map[bitcoin.Hash]int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	claims := map[bitcoin.Hash]int64{}
	for tip, seen := range s.byTip {
		if at := seen.Claimed.Load(); at != 0 {
			claims[tip] = at
		}
	}
	return claims
}

// Release has another block on the same parent go out: the one that did has vanished, or was refused.
func (s *SeenHashes) Release() { s.Claimed.Store(0) }

// Take notes that a node has a block on this parent.
func (s *SeenHashes) Take() { s.Claimed.Store(taken) }

// SeenHashes knows the headers that were shares on one block. Keys are the first 16 bytes of the
// header's hash: its last bytes are zeros by the work, these are as good as random.
//
// Claimed goes from 0 to a time (Claim), from there to taken (Take) or back to 0 (Release); from taken only Release
// leads back. Half of a hash as a key: two different headers with one are as good as impossible, and a miner who found
// a pair would lose a share.
type SeenHashes struct {
	// claimed is when a block on this one was last sent out (Unix nanoseconds), 0 while none is out,
	// taken once a node has one: another is then a sibling.
	Claimed atomic.Int64
	// sent are the blocks on this one that went out, the siblings among them.
	sent struct {
		sync.Mutex
		known map[[16]byte]struct{}
		full  bool // and said so
	}
	shards [16]struct {
		mu    sync.Mutex
		known map[[16]byte]struct{}
	}
}

const (
	taken = -1
	// undecided is how long a block on its way to the nodes keeps another on the same parent back.
	undecided = time.Second
	// MaxSiblings bounds the blocks on one parent. A second is rare where work is worth something, and may win a
	// race; on a test network of the least difficulty every share solves one.
	MaxSiblings = 16
)

// Sibling says whether a block is to be sent out beside others on the same parent: it is new, and they are not too
// many. overflow is true for the first one that is one too many.
func (s *SeenHashes) Sibling(key [16]byte, most int) (ok, overflow bool) {
	s.sent.Lock()
	defer s.sent.Unlock()
	if _, known := s.sent.known[key]; known {
		return false, false
	}
	if len(s.sent.known) >= most {
		overflow, s.sent.full = !s.sent.full, true
		return false, overflow
	}
	s.note(key)
	return true, false
}

// note adds a block to those that were sent. The caller holds sent.
func (s *SeenHashes) note(key [16]byte) {
	if s.sent.known == nil {
		s.sent.known = map[[16]byte]struct{}{}
	}
	s.sent.known[key] = struct{}{}
}

// Claim says whether a solution is the first on this parent to go out: no node has the pool's block, and none is just
// on its way. Loops may ask at once; one of them is told yes.
func (s *SeenHashes) Claim(key [16]byte, now time.Time) bool {
	for {
		at := s.Claimed.Load()
		if at == taken || at != 0 && now.UnixNano()-at < int64(undecided) {
			return false
		}
		if s.Claimed.CompareAndSwap(at, now.UnixNano()) {
			s.sent.Lock()
			s.note(key)
			s.sent.Unlock()
			return true
		}
	}
}

// Add notes a hash and says whether it is new.
func (s *SeenHashes) Add(key [16]byte) bool {
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
