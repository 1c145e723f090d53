package verifier

import (
	"bytes"
	"crypto/ed25519"
	"encoding/binary"
	"math/rand/v2"
	"os"
	"reflect"
	"testing"

	"github.com/aqsha/aqsha/token"
)

// someDecodings are of a few real keys: the cache never looks into one, but must not give one key's for another's.
func someDecodings(t *testing.T) (list []token.DecodedKey) {
	t.Helper()
	for i := range 97 {
		key := token.PublicKey{0: byte(token.Ed25519)}
		copy(key[1:], ed25519.NewKeyFromSeed(bytes.Repeat([]byte{byte(i)}, ed25519.SeedSize)).Public().(ed25519.PublicKey))
		decoded, ok := token.DecodeKey(key)
		if !ok {
			t.Fatal("not a key")
		}
		list = append(list, decoded)
	}
	return list
}

func same(a, b token.DecodedKey) bool { return reflect.DeepEqual(a, b) }

func sweptKey(i int) (k token.PublicKey) {
	binary.LittleEndian.PutUint64(k[1:], uint64(i))
	return k
}

// A cache of every size, given fewer keys, as many, and more, never holds more than it may, never loses one while there is
// room, and gives back nothing but what was kept under the same key, as a plain map has it.
func TestCachesOfEverySize(t *testing.T) {
	var sizes []int
	for n := range 5_001 {
		near := n < 4 || n%271 == 0
		for power := 4; power <= 4096; power *= 2 {
			near = near || (n >= power-1 && n <= power+1)
		}
		if os.Getenv("SWEEP") == "all" || near {
			sizes = append(sizes, n)
		}
	}
	decoded := someDecodings(t)
	for _, most := range sizes {
		rng := rand.New(rand.NewPCG(uint64(most), 1))
		c := NewCache(1)
		for i := range c.shards { // all keys in one shard, so that its size is known
			c.shards[i].most = max(1, most)
		}
		s := &c.shards[0]
		model := map[token.PublicKey]token.DecodedKey{}
		for range 2*most + 8 {
			i := rng.IntN([]int{1 + most/2, 1 + most, 2 + 2*most}[most%3])
			key := sweptKey(i)
			s.put(key, decoded[i%len(decoded)])
			model[key] = decoded[i%len(decoded)]
			if rng.IntN(2) == 0 {
				s.used[s.slots[key]] = true
			}
			if _, ok := s.slots[key]; !ok {
				t.Fatalf("of %d: a key just kept is not there", most)
			}
		}
		if want := min(len(model), max(1, most)); len(s.slots) != want || len(s.keys) != want || len(s.known) != want || len(s.used) != want {
			t.Fatalf("of %d: holds %d of %d keys", most, len(s.slots), len(model))
		}
		for key, slot := range s.slots {
			if s.keys[slot] != key || !same(s.known[slot], model[key]) {
				t.Fatalf("of %d: a key has another's decoding", most)
			}
		}
	}
}

// The whole cache, by the ways in which verifiers use it, gives what a plain map does, or nothing.
func TestTheCacheBesideAMap(t *testing.T) {
	decoded := someDecodings(t)
	for _, room := range []int{0, 1, keyBytes * keyShards, 3 * keyBytes * keyShards, 1 << 20} {
		c, found := NewCache(room), 0
		rng := rand.New(rand.NewPCG(uint64(room), 2))
		model := map[token.PublicKey]token.DecodedKey{}
		for range 20_000 {
			i := rng.IntN(1500)
			key := sweptKey(i)
			got, _, ok := c.find(key)
			if want, kept := model[key]; ok && (!kept || !same(got, want)) {
				t.Fatalf("%d bytes: found what was not kept", room)
			}
			if ok {
				found++
				continue
			}
			c.keep(key, decoded[i%len(decoded)])
			model[key] = decoded[i%len(decoded)]
		}
		held := 0
		for i := range c.shards {
			held += len(c.shards[i].slots)
		}
		if hits, misses := c.Counts(); int(hits) != found || hits+misses != 20_000 || held > max(keyShards, room/keyBytes) {
			t.Errorf("%d bytes: %d hits, %d misses, %d found, %d held", room, hits, misses, found, held)
		}
	}
}
