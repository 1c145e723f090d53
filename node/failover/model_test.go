package failover

import (
	"fmt"
	"math/bits"
)

// The model is a founder and its followers. Everything that may happen happens in every order: writes, copies, acknowledgements
// that arrive late, crashes of leaders, promotions that end half way, two at once, an old copy of a leader put back. Cuts and delays are
// whatever does not happen yet. What survives a crash is what the node writes before it answers.

const (
	maxNodes = 4
	maxLog   = 3
)

// rules are the rules that the model applies: the package's, or one of them as it once was.
type rules struct {
	shown          func(has, acknowledged uint64) uint64
	mayPromise     func(promised Ballot, led uint64, asked Ballot, over ...Ballot) bool
	alone          func(followers, promised int, leaderStopped bool) bool
	mayAcknowledge func(promised, leader Ballot) bool
	mayLead        func(acks, silent int, leaderStopped bool) bool
	whole          func(acks, followers, heard int) bool
	abandoned      func(older, newer, fence uint64) bool
	mayCopy        func(size, fence, signed, epoch uint64) bool
	maySwitch      func(leads, whole bool) bool
	refuses        func(seen []Seen, known uint64, asked Ballot, over ...Ballot) int
	dropsAcks      bool // a promotion forgets that followers must acknowledge
	countsLate     bool // a candidate that too few answer finds it out when they have promised
	spreads        bool // who hears what another promised promises it too
}

func theRules() rules {
	return rules{shown: Shown, mayPromise: MayPromise, alone: Alone, mayAcknowledge: MayAcknowledge, mayLead: MayLead, whole: Whole, abandoned: Abandoned,
		mayCopy: MayCopy, maySwitch: MaySwitch, refuses: Refuses}
}

// ballot is a Ballot that fits a key of a map.
type ballot struct{ epoch, candidate uint8 }

func (b ballot) full() Ballot {
	if b.epoch == 0 {
		return Ballot{}
	}
	return Ballot{uint64(b.epoch), string('a' + rune(b.candidate))}
}

type log struct {
	entries [maxLog]uint8
	size    uint8
}

func (l log) begins(other log) bool {
	if l.size > other.size {
		return false
	}
	for i := range l.size {
		if l.entries[i] != other.entries[i] {
			return false
		}
	}
	return true
}

type machine struct {
	log
	promised, fence ballot
	leads, stopped  bool
	acked           uint8           // that were acknowledged, as its leader told
	sent            uint8           // acknowledged, and perhaps not arrived
	sentTo          ballot          // by which ballot the leader led that it is sent to
	got             [maxNodes]uint8 // what followers acknowledged here
	heard           uint8           // of which followers since the start
	members         uint8           // whose acknowledgements count
	acks            uint8

	replaced bool  // it led until it heard of another, and serves what it has
	signed   uint8 // the epoch in which its newest checkpoint was signed

	lost        bool // given up by name, and not promoted before it has heard of a newer leader
	candidate   bool
	instead     ballot // that a person gave up, whom it is prepared in the place of
	known       uint8  // newest epoch that the candidate knew before
	promisers   uint8
	leaderStops bool

	// Of a candidate that looks first (bounds.looks): who answers it, whose promise it needs, and whom it asks next.
	own         ballot // that it asks others to promise; it promises itself last
	there, next uint8
	needs       int8 // the leader that it knows, without whose promise it may not lead; -1 for nobody's
}

func (m *machine) ballot() Ballot { return m.fence.full() }

func (b ballot) bit() uint32 { return 1 << (b.epoch*maxNodes + b.candidate) }

// world is everything, and a key of the set of those that were seen.
type world struct {
	nodes    [maxNodes]machine
	reported [maxLog]uint8 // what anybody outside was answered or shown, by position
	epochs   [8]uint8      // in which an entry was written
	fences   [8]log        // with which logs epochs began; of two of one epoch both, see second
	second   [8]log
	written  uint8
	promoted uint8
	crashes  uint8
	restored bool
	over     uint32 // ballots that were given up, a bit each
	missed   bool   // a candidate counted on a node that had ended when it was asked
	fault    string
}

// bounds are how often things happen.
type bounds struct {
	followers, acks, writes, promotions, crashes int
	restore                                      bool
	// Candidates look before they ask, ask one after the other, and end only because one refuses or they lead: somebody leads then.
	looks bool
}

type model struct {
	rules
	bounds
	seen map[world]world // from which each came
	todo []world
	from world
}

func (m *model) start() world {
	var w world
	for i := range m.followers + 1 {
		w.nodes[i].log, w.nodes[i].needs = log{[maxLog]uint8{1}, 1}, -1
		w.nodes[i].acked = 1
		w.nodes[i].members, w.nodes[i].acks = uint8(1<<(m.followers+1)-2), uint8(m.acks)
	}
	w.nodes[0].leads, w.nodes[0].heard = true, w.nodes[0].members
	for i := range m.followers {
		w.nodes[0].got[i+1] = 1
	}
	w.reported[0], w.written = 1, 1
	return w
}

// explore visits every world, and returns the first fault and how many there are.
func (m *model) explore() (fault string, worlds int) {
	m.seen = map[world]world{}
	m.add(m.start())
	for len(m.todo) > 0 {
		w := m.todo[len(m.todo)-1]
		m.todo = m.todo[:len(m.todo)-1]
		fault := w.fault
		if fault == "" {
			fault = m.stands(w)
		}
		if fault != "" {
			return fault + m.path(w), len(m.seen)
		}
		m.from = w
		for i := range m.followers + 1 {
			m.byItself(w, i)
			m.candidacy(w, i)
			for j := range m.followers + 1 {
				if i != j {
					if m.writes > 0 || m.crashes > 0 || !m.looks { // else there is nothing to copy, and all were heard
						m.copies(w, i, j)
						m.acknowledges(w, i, j)
					}
					if m.looks {
						m.asks(w, i, j)
					} else {
						m.promises(w, i, j)
					}
					m.learns(w, i, j)
				}
			}
		}
	}
	return "", len(m.seen)
}

func (m *model) add(w world) {
	if _, seen := m.seen[w]; !seen {
		m.seen[w] = m.from
		m.todo = append(m.todo, w)
	}
}

// path is how it came to a world, from the first step on.
func (m *model) path(w world) (steps string) {
	for start := m.start(); w != start; {
		before := m.seen[w]
		for i, n := range w.nodes {
			if n != before.nodes[i] {
				steps = fmt.Sprintf("\n  %d: %+v", i, n) + steps
			}
		}
		w = before
	}
	return steps
}

// notify answers or shows a node's entries up to a size.
func (w *world) notify(i int, size uint64, what string) {
	n := &w.nodes[i]
	for p := range min(size, uint64(n.size)) {
		x := n.entries[p]
		if w.reported[p] != 0 && w.reported[p] != x {
			w.fault = fmt.Sprintf("%s %d: entry %d is another one than was told before", what, i, p)
		}
		w.reported[p] = x
		for epoch := n.fence.epoch + 1; int(epoch) < len(w.fences); epoch++ {
			for _, l := range []log{w.fences[epoch], w.second[epoch]} {
				if l.size > 0 && (uint64(l.size) <= p || l.entries[p] != x) {
					w.fault = fmt.Sprintf("%s %d of epoch %d: entry %d, which the leader of epoch %d does not have", what, i, n.fence.epoch, p, epoch)
				}
			}
		}
	}
}

// acknowledged is how much of its log a leader may answer.
func (m *model) acknowledged(n *machine) uint64 {
	members := bits.OnesCount8(n.members)
	if !m.whole(int(n.acks), members, bits.OnesCount8(n.heard&n.members)) {
		return 1
	}
	if n.acks == 0 {
		return uint64(n.size)
	}
	var sizes []uint64
	for i, size := range n.got {
		if n.members&(1<<i) != 0 {
			sizes = append(sizes, uint64(size))
		}
	}
	return max(1, Acknowledged(sizes, int(n.acks)))
}

// byItself is what a node does by itself.
func (m *model) byItself(w world, i int) {
	n := w.nodes[i]
	if n.leads && !n.stopped && int(w.written) <= m.writes && n.size < maxLog {
		v := w
		v.written++
		v.epochs[v.written] = n.fence.epoch
		v.nodes[i].entries[n.size] = v.written
		v.nodes[i].size++
		if n.acks == 0 {
			v.notify(i, uint64(n.size)+1, "answered by")
		}
		m.add(v)
	}
	if n.leads && int(w.crashes) < m.crashes {
		v := w
		v.crashes++
		v.nodes[i].got, v.nodes[i].heard = [maxNodes]uint8{}, 0
		for j := range v.nodes { // what is under way to it ends with the connection
			v.nodes[j].sent = 0
		}
		m.add(v)
		if m.restore && !w.restored && i == 0 { // with the directory as it was in the beginning
			old := m.start().nodes[0]
			old.got, old.heard = [maxNodes]uint8{}, 0
			v.nodes[0], v.restored = old, true
			m.add(v)
		}
	}
}

// candidacy has a follower begin to be promoted, give it up, or lead.
func (m *model) candidacy(w world, i int) {
	n := w.nodes[i]
	if m.looks {
		m.candidacyLooking(w, i)
		return
	}
	if !n.leads && !n.candidate && !n.lost && int(w.promoted) < m.promotions && i > 0 {
		m.begins(w, i, ballot{})
		for epoch := range uint8(len(w.epochs)) {
			for j := range maxNodes {
				if b := (ballot{epoch, uint8(j)}); w.over&b.bit() != 0 {
					m.begins(w, i, b)
				}
			}
		}
	}
	if n.candidate {
		v := w
		v.nodes[i].candidate = false // given up half way
		v.over |= n.promised.bit()
		m.add(v)
		m.finishes(w, i)
	}
}

// begins makes a follower a candidate, in the place of one that was given up or of none. One that ended half way goes on with
// the ballot that it prepared.
func (m *model) begins(w world, i int, instead ballot) {
	w.promoted++
	c := &w.nodes[i]
	open := c.promised.epoch > c.fence.epoch
	if own := c.promised; open && own.candidate == uint8(i) {
		w.over &^= own.bit()
		c.known = own.epoch - 1
	} else {
		c.known = max(c.fence.epoch, c.promised.epoch, instead.epoch)
		next := ballot{c.known + 1, uint8(i)}
		if !m.mayPromise(c.promised.full(), uint64(c.fence.epoch), next.full(), instead.full()) {
			return
		}
		c.promised = next
	}
	c.candidate, c.instead, c.promisers, c.leaderStops = true, instead, 0, false
	m.add(w)
}

// finishes makes a candidate the leader, if it may be.
func (m *model) finishes(w world, i int) {
	n := &w.nodes[i]
	members := n.members &^ (1 << i)
	silent := bits.OnesCount8(members &^ n.promisers)
	if n.promised.candidate != uint8(i) || n.promised.epoch != n.known+1 || !m.mayLead(int(n.acks), silent, n.leaderStops) {
		return
	}
	promised := bits.OnesCount8(members & n.promisers)
	if !m.alone(bits.OnesCount8(members)+1, promised+1, n.leaderStops) {
		if m.rivals(w, i) {
			return
		}
		for j := range w.nodes {
			w.nodes[j].lost = members&^n.promisers&(1<<j) != 0
		}
	}
	m.unawares(&w, i)
	n.candidate, n.leads, n.stopped, n.fence = false, true, false, n.promised
	n.replaced, n.signed = false, n.fence.epoch // it signs what it begins with when it opens
	n.members, n.acks = members, min(n.acks, uint8(bits.OnesCount8(members)))
	n.got, n.heard = [maxNodes]uint8{}, 0
	if m.dropsAcks {
		n.acks = 0
	}
	for p, x := range w.reported {
		if x != 0 && (uint8(p) >= n.size || n.entries[p] != x) {
			w.fault = fmt.Sprintf("the leader of epoch %d, %d, lacks entry %d, which was told", n.fence.epoch, i, p)
		}
	}
	if w.fences[n.fence.epoch].size == 0 {
		w.fences[n.fence.epoch] = n.log
	} else {
		w.second[n.fence.epoch] = n.log
	}
	m.add(w)
}

// rivals says whether a follower that a person would have to give up is promoted: he looks, and does not give it up.
func (m *model) rivals(w world, i int) bool {
	for j, n := range w.nodes[:m.followers+1] {
		if j > 0 && j != i && w.nodes[i].promisers&(1<<j) == 0 && (n.candidate || n.leads) {
			return true
		}
	}
	return false
}

// unawares finds a leader of whom neither a candidate knows nor anybody who promised it: nobody would acknowledge to both, and it
// is left to chance to whom.
func (m *model) unawares(w *world, i int) {
	known := uint8(0)
	for j, n := range w.nodes {
		if j == i || w.nodes[i].promisers&(1<<j) != 0 {
			known = max(known, n.fence.epoch)
		}
	}
	for j, n := range w.nodes {
		if j != i && n.leads && !n.stopped && n.fence.epoch > known && !w.restored {
			w.fault = fmt.Sprintf("%d is to lead epoch %d, and %d leads epoch %d unawares", i, w.nodes[i].promised.epoch, j, n.fence.epoch)
		}
	}
}

// copies has a follower copy what a leader has, be told what was acknowledged, and acknowledge what it has.
func (m *model) copies(w world, i, j int) {
	f, l := &w.nodes[i], &w.nodes[j]
	if f.leads || f.candidate || !l.leads && !l.replaced || f.fence.epoch > l.fence.epoch || (f.fence.epoch == l.fence.epoch && f.fence != l.fence) {
		return
	}
	f.fence, f.lost = l.fence, f.lost && f.fence == l.fence
	if !m.mayAcknowledge(f.promised.full(), l.ballot()) {
		m.add(w)
		return
	}
	switch {
	case f.begins(l.log):
		has := f.size
		f.log = m.covered(w, f, l)
		f.sent, f.sentTo = f.size, l.fence
		if f.size > has {
			f.signed = l.signed
			m.strays(&w, i)
		}
		f.acked = max(f.acked, uint8(m.acknowledged(l)))
		w.notify(i, m.shown(uint64(f.size), uint64(f.acked)), "shown by")
	case l.begins(f.log): // it has gone back: an alarm
	default:
		m.judges(&w, f.log, l.log)
	}
	m.add(w)
}

// covered is what a follower takes of a log that goes on from its own: none that was signed before the fence that it knows of and
// lies beyond.
func (m *model) covered(w world, f, l *machine) log {
	fence := w.fences[f.fence.epoch]
	if m.mayCopy(uint64(l.size), uint64(fence.size), uint64(l.signed), uint64(f.fence.epoch)) {
		return l.log
	}
	if f.size >= fence.size || !fence.begins(l.log) {
		return f.log
	}
	return fence
}

// strays finds a follower that has just copied what the leader of the epoch that it knows of never had.
func (m *model) strays(w *world, i int) {
	f := &w.nodes[i]
	fence := w.fences[f.fence.epoch]
	if f.fence.epoch == 0 || w.second[f.fence.epoch].size > 0 || w.restored || f.size <= fence.size {
		return
	}
	if epoch := w.epochs[f.entries[fence.size]]; epoch < f.fence.epoch {
		w.fault = fmt.Sprintf("%d follows epoch %d and copies entry %d of epoch %d, which its leader never had", i, f.fence.epoch, fence.size, epoch)
	}
}

// judges decides what two histories mean: only an old copy that was put back makes evidence of two.
func (m *model) judges(w *world, here, there log) {
	a, b := w.epochs[here.entries[here.size-1]], w.epochs[there.entries[there.size-1]]
	for epoch, fence := range w.fences {
		for _, at := range []log{fence, w.second[epoch]} {
			if at.size > 0 && at.begins(here) && at.begins(there) && m.abandoned(uint64(min(a, b)), uint64(max(a, b)), uint64(epoch)) {
				return
			}
		}
	}
	if !w.restored {
		w.fault = "honest nodes made evidence of two histories"
	}
}

// acknowledges brings a follower's acknowledgement to the leader that it is for.
func (m *model) acknowledges(w world, i, j int) {
	f, l := &w.nodes[i], &w.nodes[j]
	if f.sent == 0 || !l.leads || f.sentTo != l.fence || f.sent > l.size || !(log{f.entries, f.sent}).begins(l.log) {
		return
	}
	l.got[i] = max(l.got[i], f.sent)
	l.heard |= 1 << i
	if !l.stopped {
		w.notify(j, m.acknowledged(l), "answered by")
	}
	m.add(w)
}

// promises has a node promise what a candidate asks, and the candidate copy what it has beyond.
func (m *model) promises(w world, i, j int) {
	c, n := &w.nodes[i], &w.nodes[j]
	if !c.candidate || n.candidate && n.promised.epoch > c.promised.epoch || !m.mayPromise(n.promised.full(), uint64(n.fence.epoch), c.promised.full(), c.instead.full()) {
		return
	}
	fence := w.fences[c.fence.epoch]
	if c.begins(n.log) && !m.mayCopy(uint64(n.size), uint64(fence.size), uint64(n.signed), uint64(c.fence.epoch)) {
		return // it is not asked: what it has beyond the fence was never acknowledged
	}
	n.promised = c.promised
	if n.leads {
		n.stopped = true
		whole := m.whole(int(n.acks), bits.OnesCount8(n.members), bits.OnesCount8(n.heard&n.members))
		c.leaderStops = c.leaderStops || whole && n.fence.epoch >= c.known
	}
	switch {
	case c.begins(n.log):
		c.log, c.signed = n.log, n.signed
	case !n.begins(c.log): // the two contradict each other: a person has to choose
		c.candidate = false
	}
	c.promisers |= 1 << j
	m.add(w)
}

// learns has a node hear of the fence that another knows of.
func (m *model) learns(w world, i, j int) {
	n, f := &w.nodes[i], w.nodes[j].fence
	switch {
	case f.epoch > n.fence.epoch:
		n.stopped = n.stopped || n.leads
		n.replaced = n.replaced || n.leads && n.size > w.fences[f.epoch].size // else nobody copies anything from it
		n.leads = false                                                       // it opens as a follower only
		n.fence, n.lost = f, false
	case f.epoch == n.fence.epoch && f != n.fence && n.leads && !n.stopped:
		n.stopped = true
	default:
		return
	}
	m.add(w)
}
