package livestate

import (
	"fmt"
	"math/bits"
	"slices"
	"unsafe"
)

// table maps ids to rows. Rows live in chunks and never move, so a row's slot number is a
// reference of four bytes; the index over them grows by a quarter, one shard at a time, so
// that memory stays near what is used, growth included. Neither holds pointers.
//
// A lookup takes the hash, one entry of the index where the key is alone at home, and one row: two misses of the cache.
// It has no lock: reads may be at once, a write excludes everything (package node).
type table[K comparable, R any] struct {
	hash   func(K) uint64
	chunks [][]row[K, R]
	used   uint32   // slots handed out so far
	free   []uint32 // slots given back
	shards [shardCount]shard
	live   int
}

type row[K comparable, R any] struct {
	key   K
	value R
}

const (
	shardBits  = 8
	shardCount = 1 << shardBits
	chunkBits  = 12
	chunkRows  = 1 << chunkBits

	leastShard = 8 // entries of a shard when first used, or reserved

	// A shard is never more than 85 % full, counting the entry that comes: probing ends at an empty place, of which
	// there must be one.
	fullParts, ofParts = 17, 20

	maxChunks = 32 // added at a time: 8 MiB of tokens, which clears in a millisecond or two
)

// shard is an open-addressing table with linear probing. An entry is a 32-bit tag of the hash and the slot number plus
// one; zero is empty. The tag alone gives the home position, so growing and deleting do not read rows. The tag's bits
// are others than those that chose the shard.
type shard struct {
	entries []uint64
	count   int
}

func newTable[K comparable, R any](hash func(K) uint64) *table[K, R] {
	return &table[K, R]{hash: hash}
}

func split(hash uint64) (shardIndex int, tag uint32) {
	return int(hash >> (64 - shardBits)), uint32(hash)
}

// after is the position after one.
func (s *shard) after(i int, wraps *int) int {
	if i++; i < len(s.entries) {
		return i
	}
	return s.wrap(wraps)
}

// wrap goes on at the beginning. Probing that comes around for the second time would go on for ever, under the lock
// that everybody waits for: rather the process ends, and says why. Only who wraps pays for the check.
func (s *shard) wrap(wraps *int) int {
	if *wraps++; *wraps > 1 {
		panic(fmt.Sprintf("livestate: probing a shard of %d entries, %d of them in use, does not end", len(s.entries),
			s.count))
	}
	return 0
}

// full says whether another entry needs a larger shard first.
func (s *shard) full() bool { return (s.count+1)*ofParts > len(s.entries)*fullParts }

// home scales a tag to a position.
func (s *shard) home(tag uint32) int { return int(uint64(tag) * uint64(len(s.entries)) >> 32) }

func (t *table[K, R]) at(slot uint32) *row[K, R] {
	return &t.chunks[slot>>chunkBits][slot&(chunkRows-1)]
}

// homes looks where some keys should stand, and returns the slots found there. They are most often the keys' own.
// No step waits for another, so that the processor fetches many places from memory at once.
func (t *table[K, R]) homes(keys []K, slots []uint32) []uint32 {
	for i := range keys {
		index, tag := split(t.hash(keys[i]))
		if s := &t.shards[index]; s.count > 0 {
			if slot := uint32(s.entries[s.home(tag)]); slot != 0 {
				slots = append(slots, slot-1)
			}
		}
	}
	return slots
}

// find returns the slot of a key.
func (t *table[K, R]) find(key K) (slot uint32, found bool) {
	index, tag := split(t.hash(key))
	s := &t.shards[index]
	if s.count == 0 {
		return 0, false
	}
	wraps := 0
	for i := s.home(tag); ; i = s.after(i, &wraps) {
		entry := s.entries[i]
		if entry == 0 {
			return 0, false
		}
		if uint32(entry>>32) == tag {
			slot := uint32(entry) - 1
			if t.at(slot).key == key {
				return slot, true
			}
		}
	}
}

// get returns a key's row, or nil. The pointer holds until the key is removed.
func (t *table[K, R]) get(key K) *R {
	slot, ok := t.find(key)
	if !ok {
		return nil
	}
	return &t.at(slot).value
}

// put returns a key's row, and makes it when there is none. The row of a new key is zero. The last slot of 32 bits is
// none, and never reached: the memory ends before.
func (t *table[K, R]) put(key K) (slot uint32, r *R, isNew bool) {
	index, tag := split(t.hash(key))
	s := &t.shards[index]
	if s.full() {
		s.grow()
	}
	i, wraps := s.home(tag), 0
	for ; s.entries[i] != 0; i = s.after(i, &wraps) {
		if uint32(s.entries[i]>>32) == tag {
			slot := uint32(s.entries[i]) - 1
			if found := t.at(slot); found.key == key {
				return slot, &found.value, false
			}
		}
	}
	slot = t.newSlot()
	s.entries[i] = uint64(tag)<<32 | uint64(slot+1)
	s.count++
	t.live++
	fresh := t.at(slot)
	*fresh = row[K, R]{key: key}
	return slot, &fresh.value, true
}

// newSlot is a slot that was freed, or the next.
func (t *table[K, R]) newSlot() uint32 {
	if n := len(t.free); n > 0 {
		slot := t.free[n-1]
		t.free = t.free[:n-1]
		return slot
	}
	if int(t.used) == len(t.chunks)*chunkRows {
		t.addChunks(min(max(1, len(t.chunks)/16), maxChunks))
	}
	t.used++
	return t.used - 1
}

// addChunks makes room for more rows, in one piece of memory. Large pages are not asked for: looking up gained little,
// and finding them takes long where the machine is a guest.
func (t *table[K, R]) addChunks(count int) {
	rows := make([]row[K, R], count*chunkRows)
	for chunk := range slices.Chunk(rows, chunkRows) {
		t.chunks = append(t.chunks, chunk)
	}
}

// reserve makes room for so many rows more, as far as they can be foreseen to fall evenly on the shards; one that gets
// more grows as ever. Somebody else finds memory for them meanwhile.
func (t *table[K, R]) reserve(rows int) {
	var reserved [][]row[K, R]
	if chunks := (int(t.used) + rows + chunkRows - 1) / chunkRows; chunks > len(t.chunks) {
		first := len(t.chunks)
		t.addChunks(chunks - first)
		reserved = slices.Clone(t.chunks[first:])
	}
	var index [][]uint64
	for i := range t.shards {
		s := &t.shards[i]
		if entries := max(leastShard, (s.count+rows/shardCount)*5/4); entries > len(s.entries) {
			s.resize(entries)
			index = append(index, s.entries)
		}
	}
	go func() {
		for _, entries := range index { // first, since rows are used in order and these are not
			populate(unsafe.Pointer(&entries[0]), uintptr(len(entries))*8)
		}
		for _, chunk := range reserved {
			populate(unsafe.Pointer(&chunk[0]), uintptr(chunkRows)*unsafe.Sizeof(chunk[0]))
		}
	}()
}

// insert puts an entry into the first free place from its home on; there must be one.
func (s *shard) insert(entry uint64) {
	i, wraps := s.home(uint32(entry>>32)), 0
	for s.entries[i] != 0 {
		i = s.after(i, &wraps)
	}
	s.entries[i] = entry
	s.count++
}

func (s *shard) grow() { s.resize(max(leastShard, len(s.entries)+len(s.entries)/4)) }

// resize moves all entries into an array of another size.
func (s *shard) resize(entries int) {
	old := s.entries
	s.entries = make([]uint64, entries)
	s.count = 0
	for _, entry := range old {
		if entry != 0 {
			s.insert(entry)
		}
	}
}

// remove deletes a key's row and returns where it was and what it held. The slot is given to the next key that comes.
func (t *table[K, R]) remove(key K) (slot uint32, value R, found bool) {
	slot, ok := t.find(key)
	if !ok {
		return none, value, false
	}
	index, tag := split(t.hash(key))
	t.shards[index].remove(uint64(tag)<<32 | uint64(slot+1))
	t.free = append(t.free, slot)
	t.live--
	r := t.at(slot)
	value = r.value
	*r = row[K, R]{}
	return slot, value, true
}

// remove takes an entry out and shifts back those that probing had pushed past it. Without gravestones a table that
// lives for years, and of which most rows come and go, probes no further than one that was made anew.
func (s *shard) remove(entry uint64) {
	i, wraps := s.home(uint32(entry>>32)), 0
	for s.entries[i] != entry {
		i = s.after(i, &wraps)
	}
	n := len(s.entries)
	wraps = 0
	for j := s.after(i, &wraps); s.entries[j] != 0; j = s.after(j, &wraps) {
		// The entry at j may fill the hole at i unless its home lies cyclically in (i, j].
		home := s.home(uint32(s.entries[j] >> 32))
		if (j-home+n)%n >= (j-i+n)%n {
			s.entries[i] = s.entries[j]
			i = j
		}
	}
	s.entries[i] = 0
	s.count--
}

// bytes is the memory that rows and index take, whether in use or not.
func (t *table[K, R]) bytes() int {
	var r row[K, R]
	n := len(t.chunks)*chunkRows*int(unsafe.Sizeof(r)) + 4*cap(t.free)
	for i := range t.shards {
		n += 8 * len(t.shards[i].entries)
	}
	return n
}

// slots lists the slots in use, in no useful order.
func (t *table[K, R]) slots() []uint32 {
	free := make([]bool, t.used)
	for _, slot := range t.free {
		free[slot] = true
	}
	slots := make([]uint32, 0, t.live)
	for slot := range t.used {
		if !free[slot] {
			slots = append(slots, slot)
		}
	}
	return slots
}

// mix hashes two words under a secret seed; ids are chosen by their makers, who must not be able to choose where they
// land. It is no cryptographic hash: the seed never leaves the process, and no answer depends on it but how long it
// takes.
func mix(a, b uint64, seed *[2]uint64) uint64 {
	high, low := bits.Mul64(a^seed[0], b^seed[1])
	high2, low2 := bits.Mul64(high^low^seed[1], seed[0]|1)
	return high2 ^ low2
}
