package failover

import (
	"fmt"
	"math/bits"
)

// This part of the model holds what candidates do to others when they cannot lead in the end. Each is answered by some of the nodes
// (there); it looks at them first, and then asks one after the other, the leader that it needs before all.

// candidacyLooking has a follower begin to be promoted, or lead when it has asked everybody.
func (m *model) candidacyLooking(w world, i int) {
	n := &w.nodes[i]
	switch {
	case n.candidate && n.next == m.askedLast():
		n.candidate = false
		if m.mayPromise(n.promised.full(), uint64(n.fence.epoch), n.own.full()) && m.finishable(n, i) {
			n.promised = n.own
			m.finishes(w, i)
			return
		}
		m.add(w)
	case !n.leads && !n.candidate && int(w.promoted) < m.promotions && i > 0:
		w.promoted++
		if !m.prepares(n, i) {
			return
		}
		n.candidate, n.promisers, n.leaderStops = true, 0, false
		m.looksAround(w, i)
	}
}

// prepares draws the ballot of a candidate; one that ended before goes on with its own.
func (m *model) prepares(n *machine, i int) bool {
	n.known = max(n.fence.epoch, n.promised.epoch)
	next := ballot{n.known + 1, uint8(i)}
	if n.promised != n.own && !m.mayPromise(n.promised.full(), uint64(n.fence.epoch), next.full()) {
		return false // it promised another meanwhile
	}
	if n.own.epoch > n.fence.epoch && n.own.epoch >= n.promised.epoch {
		n.known, next = n.own.epoch-1, n.own
	}
	n.own = next
	return true
}

// looksAround has a candidate begin with every set of nodes that may answer it, planned (a switchover) or not.
func (m *model) looksAround(w world, i int) {
	others := uint8(1<<(m.followers+1)-1) &^ (1 << i)
	for there := range others + 1 {
		if there&^others != 0 {
			continue
		}
		for leader, l := range w.nodes[:m.followers+1] {
			if leader != i && there&(1<<leader) != 0 && (l.leads || l.stopped) { // one that leads, or led once
				m.look(w, i, there, leader, true)
				m.look(w, i, there, leader, false)
			}
		}
		m.look(w, i, there, -1, false)
	}
}

// look is what a candidate finds out before it asks anybody to promise.
func (m *model) look(w world, i int, there uint8, leader int, planned bool) {
	c := &w.nodes[i]
	c.there, c.next, c.needs = there, 0, -1
	var seen []Seen
	for j, n := range w.nodes[:m.followers+1] {
		if there&(1<<j) == 0 {
			continue
		}
		if n.candidate {
			return // it does not answer
		}
		seen = append(seen, Seen{n.promised.full(), uint64(n.fence.epoch)})
	}
	if m.refuses(seen, uint64(c.fence.epoch), c.own.full()) >= 0 {
		return
	}
	if planned || !m.counts(c, i, there, false) {
		c.needs = int8(leader)
		if !m.countsLate && (leader < 0 || !m.counts(c, i, there, true)) {
			return
		}
	}
	m.add(w)
}

// counts says whether a candidate may lead with the promises of some nodes.
func (m *model) counts(c *machine, i int, promisers uint8, stopped bool) bool {
	members := c.members &^ (1 << i)
	silent := bits.OnesCount8(members &^ promisers)
	all := bits.OnesCount8(members) + 1
	return m.mayLead(int(c.acks), silent, stopped) && m.alone(all, all-silent, stopped)
}

// finishable says whether a candidate leads with what it was promised.
func (m *model) finishable(c *machine, i int) bool { return m.counts(c, i, c.promisers, c.leaderStops) }

// askedLast is what next is when everybody was asked.
func (m *model) askedLast() uint8 { return uint8(m.followers + 2) }

// order is whom a candidate asks at a step: first the leader without whom it may not lead, then all others; -1 for nobody.
func (m *model) order(c *machine, i int, step uint8) int {
	at := int(step) - 1
	if step == 0 {
		at = int(c.needs)
	} else if int8(at) == c.needs {
		return -1
	}
	if at < 0 || at == i || c.there&(1<<at) == 0 {
		return -1
	}
	return at
}

// asks has a candidate ask the next node for its promise. Who refuses ends it.
func (m *model) asks(w world, i, j int) {
	if m.spreads {
		m.hears(w, i, j)
	}
	c, n := &w.nodes[i], &w.nodes[j]
	if !c.candidate {
		return
	}
	for c.next < m.askedLast() && m.order(c, i, c.next) < 0 {
		c.next++
	}
	if c.next == m.askedLast() {
		m.add(w)
		return
	}
	if m.order(c, i, c.next) != j {
		return
	}
	c.next++
	if n.candidate { // it does not answer any more
		w.missed = true
		c.candidate = int8(j) != c.needs
		m.add(w)
		return
	}
	leads, whole := n.leads && !n.stopped, m.whole(int(n.acks), bits.OnesCount8(n.members), bits.OnesCount8(n.heard&n.members))
	again := n.promised == c.own // it stopped for this very candidate
	if int8(j) == c.needs && !again && !m.maySwitch(leads, whole) || !m.mayPromise(n.promised.full(), uint64(n.fence.epoch), c.own.full()) {
		c.candidate = false
		m.add(w)
		return
	}
	n.promised = c.own
	useful := n.leads && whole && n.fence.epoch >= c.known
	n.stopped = n.stopped || n.leads
	c.leaderStops = c.leaderStops || useful
	if int8(j) == c.needs && !useful {
		c.candidate = false // its promise is of no use
		m.add(w)
		return
	}
	if c.begins(n.log) {
		c.log = n.log
	}
	c.promisers |= 1 << j
	m.add(w)
}

// hears has a node promise what another one promised, as nodes once asked their peers.
func (m *model) hears(w world, i, j int) {
	n, other := &w.nodes[i], &w.nodes[j]
	if n.candidate || other.promised.epoch <= n.promised.epoch || !m.mayPromise(n.promised.full(), uint64(n.fence.epoch), other.promised.full()) {
		return
	}
	n.promised = other.promised
	n.stopped = n.stopped || n.leads
	m.add(w)
}

// stands finds a world in which nobody leads and nobody is about to, though no candidate was given up: those that were refused
// have stopped the leader for nothing. Where one was given up, or counted on a node that ended meanwhile, a command has to help.
func (m *model) stands(w world) string {
	for i, n := range w.nodes[:m.followers+1] {
		if n.leads && !n.stopped || n.candidate && (!m.looks || n.next < m.askedLast() || m.finishable(&n, i)) {
			return ""
		}
	}
	if m.looks && !w.missed {
		return fmt.Sprintf("after %d promotions nobody leads, though nobody was given up", w.promoted)
	}
	for i := range m.followers {
		if m.helps(w, i+1) {
			return ""
		}
	}
	if w.restored {
		return "" // an old copy may contradict all others
	}
	return fmt.Sprintf("after %d promotions nobody leads, and no follower can be promoted", w.promoted)
}

// helps says whether a follower leads when it is promoted in the place of every candidate that was promised anything, while
// all others serve.
func (m *model) helps(w world, i int) bool {
	c := w.nodes[i]
	var over []Ballot
	c.known = c.fence.epoch
	for _, n := range w.nodes[:m.followers+1] {
		c.known = max(c.known, n.promised.epoch, n.own.epoch)
		over = append(over, n.promised.full(), n.own.full())
	}
	c.promisers, c.leaderStops, c.own = 0, false, ballot{c.known + 1, uint8(i)}
	var seen []Seen
	for j, n := range w.nodes[:m.followers+1] {
		if j == i || !c.begins(n.log) && !n.begins(c.log) {
			continue
		}
		if c.begins(n.log) {
			c.log = n.log
		}
		seen = append(seen, Seen{n.promised.full(), uint64(n.fence.epoch)})
		whole := m.whole(int(n.acks), bits.OnesCount8(n.members), bits.OnesCount8(n.heard&n.members))
		c.leaderStops = c.leaderStops || n.leads && whole && n.fence.epoch >= c.known
		c.promisers |= 1 << j
	}
	// Who is told of a newer leader takes that in, and is run again.
	led := uint64(0)
	for _, s := range seen {
		led = max(led, s.Led)
	}
	return m.refuses(seen, led, c.own.full(), over...) < 0 && m.finishable(&c, i)
}
