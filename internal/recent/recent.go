// Package recent keeps what was used last: a map that forgets the entry whose use is longest ago when it is full. It is
// used by one goroutine at a time.
package recent

import "container/list"

// Map holds at most so many entries. Each operation takes a constant time.
type Map[K comparable, V any] struct {
	most    int
	entries map[K]*list.Element
	order   list.List // of entry[K, V], the last used first
}

type entry[K comparable, V any] struct {
	key   K
	value V
}

// New makes a map of at most so many entries, at least one.
func New[K comparable, V any](most int) *Map[K, V] {
	return &Map[K, V]{most: max(1, most), entries: map[K]*list.Element{}}
}

// Get finds an entry and uses it.
func (m *Map[K, V]) Get(key K) (value V, ok bool) {
	e, ok := m.entries[key]
	if !ok {
		return value, false
	}
	m.order.MoveToFront(e)
	return e.Value.(entry[K, V]).value, true
}

// Put sets an entry and uses it. When the map is full, the one whose use is longest ago goes for a new key.
func (m *Map[K, V]) Put(key K, value V) {
	if e, ok := m.entries[key]; ok {
		e.Value = entry[K, V]{key, value}
		m.order.MoveToFront(e)
		return
	}
	if len(m.entries) == m.most {
		last := m.order.Back()
		delete(m.entries, m.order.Remove(last).(entry[K, V]).key)
	}
	m.entries[key] = m.order.PushFront(entry[K, V]{key, value})
}

// Delete forgets an entry.
func (m *Map[K, V]) Delete(key K) {
	if e, ok := m.entries[key]; ok {
		m.order.Remove(e)
		delete(m.entries, key)
	}
}

// Clear forgets all.
func (m *Map[K, V]) Clear() {
	clear(m.entries)
	m.order.Init()
}

// Len is how many entries there are.
func (m *Map[K, V]) Len() int { return len(m.entries) }
