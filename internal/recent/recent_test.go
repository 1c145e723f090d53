package recent_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/aqsha/aqsha/internal/recent"
)

// A map beside a list that is searched: the same entries, and the one used longest ago goes first.
func TestMapBesideAList(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		most := rapid.IntRange(1, 6).Draw(t, "most")
		m := recent.New[int, int](most)
		var keys, values []int // the last used at the end
		use := func(at int) {
			k, v := keys[at], values[at]
			keys, values = append(slices.Delete(keys, at, at+1), k), append(slices.Delete(values, at, at+1), v)
		}
		key := rapid.IntRange(0, 9)
		t.Repeat(map[string]func(*rapid.T){
			"get": func(t *rapid.T) {
				k := key.Draw(t, "key")
				at := slices.Index(keys, k)
				v, ok := m.Get(k)
				if ok != (at >= 0) || (ok && v != values[at]) {
					t.Fatalf("got %d, %v of %v", v, ok, keys)
				}
				if ok {
					use(at)
				}
			},
			"put": func(t *rapid.T) {
				k, v := key.Draw(t, "key"), rapid.Int().Draw(t, "value")
				m.Put(k, v)
				if at := slices.Index(keys, k); at >= 0 {
					values[at] = v
					use(at)
					return
				}
				if keys, values = append(keys, k), append(values, v); len(keys) > most {
					keys, values = keys[1:], values[1:]
				}
			},
			"delete": func(t *rapid.T) {
				k := key.Draw(t, "key")
				m.Delete(k)
				if at := slices.Index(keys, k); at >= 0 {
					keys, values = slices.Delete(keys, at, at+1), slices.Delete(values, at, at+1)
				}
			},
			"clear": func(*rapid.T) {
				m.Clear()
				keys, values = nil, nil
			},
			"": func(t *rapid.T) {
				if m.Len() != len(keys) || m.Len() > most {
					t.Fatalf("%d entries, want %d", m.Len(), len(keys))
				}
			},
		})
	})
}
