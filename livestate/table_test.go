package livestate

import (
	"encoding/binary"
	"testing"

	"pgregory.net/rapid"
)

type tableKey [8]byte

// hashes under which the table must work, the worst of them included.
var hashes = map[string]func(tableKey) uint64{
	"mixed": func(k tableKey) uint64 {
		return mix(binary.LittleEndian.Uint64(k[:]), 1, &[2]uint64{0x9e3779b97f4a7c15, 0xc2b2ae3d27d4eb4f})
	},
	"constant":        func(tableKey) uint64 { return 0 },
	"constant at end": func(tableKey) uint64 { return 1<<64 - 1 }, // probing wraps around
	"one shard":       func(k tableKey) uint64 { return uint64(binary.LittleEndian.Uint32(k[:])) },
	"few tags":        func(k tableKey) uint64 { return binary.LittleEndian.Uint64(k[:]) & 3 << 30 },
}

func TestTableIsAMap(t *testing.T) {
	for name, hash := range hashes {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				table, model := newTable[tableKey, int](hash), map[tableKey]int{}
				slots := map[tableKey]uint32{}
				number := rapid.Uint64Range(0, 60)
				draw := func(t *rapid.T) (k tableKey) {
					binary.LittleEndian.PutUint64(k[:], number.Draw(t, "key"))
					return k
				}
				put := func(t *rapid.T) {
					k, v := draw(t), rapid.Int().Draw(t, "value")
					if r := table.get(k); r != nil {
						*r = v
					} else {
						slot, r, _ := table.put(k)
						*r = v
						slots[k] = slot
					}
					model[k] = v
				}
				t.Repeat(map[string]func(*rapid.T){
					"put": put, "put more": put, "put yet more": put,
					"remove": func(t *rapid.T) {
						k := draw(t)
						_, v, found := table.remove(k)
						want, known := model[k]
						if found != known || v != want {
							t.Fatalf("removed %d (%v), want %d (%v)", v, found, want, known)
						}
						delete(model, k)
						delete(slots, k)
					},
					"": func(t *rapid.T) {
						if table.live != len(model) || len(table.slots()) != len(model) {
							t.Fatalf("%d live, %d slots, want %d", table.live, len(table.slots()), len(model))
						}
						for k, v := range model {
							slot, ok := table.find(k)
							if !ok || slot != slots[k] || table.at(slot).key != k || *table.get(k) != v {
								t.Fatalf("%x: found %v in slot %d, want slot %d", k, ok, slot, slots[k])
							}
						}
						if k := draw(t); table.get(k) != nil && model[k] == 0 {
							if _, known := model[k]; !known {
								t.Fatalf("%x is found and was never put", k)
							}
						}
					},
				})
			})
		})
	}
}

func TestTableGrowsAndIsReused(t *testing.T) {
	table := newTable[tableKey, uint64](hashes["mixed"])
	const n = 3 * chunkRows
	key := func(i uint64) (k tableKey) { binary.LittleEndian.PutUint64(k[:], i); return k }
	for round := range uint64(3) {
		for i := range uint64(n) {
			_, r, _ := table.put(key(round<<32 | i))
			*r = i
		}
		for i := range uint64(n) {
			if _, v, ok := table.remove(key(round<<32 | i)); !ok || v != i {
				t.Fatalf("round %d: %d (%v)", round, v, ok)
			}
		}
	}
	if table.used > n+1 || table.live != 0 {
		t.Errorf("%d slots for %d rows", table.used, n)
	}
}
