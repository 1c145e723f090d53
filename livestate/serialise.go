package livestate

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog"
)

// listedWallet is a wallet of the moment and where it stood.
type listedWallet struct {
	id   token.WalletID
	slot uint32
}

// chunk is what was read while the lock was held once, to be encoded without it.
type chunk struct {
	wallets []chunkWallet
	tokens  []chunkToken
	whole   int           // tokens of wallets that were read to the end
	assets  []token.Asset // by number
}

// chunkToken is a token of the moment.
type chunkToken struct {
	id     token.ID
	amount money.Tiyn
	asset  uint32
	hops   uint16
}

// chunkWallet is a wallet of the moment. Its tokens stand in chunk.tokens from its from up to the next wallet's.
type chunkWallet struct {
	id     token.WalletID
	wallet ledger.Wallet
	detail ledger.Detail
	from   int // its first token in chunk.tokens
}

// pace is how much is read under the lock at a time: what takes a millisecond or two.
type pace struct {
	rows  int // of wallets and tokens
	rare  int // records of contracts, definitions and closed wallets
	slots int // that are only looked at
}

// paceFor is faster for a large state, of which a snapshot would otherwise take too long.
func paceFor(tokens int) pace {
	return pace{rows: min(max(8_192, tokens/512), 20_480), rare: 1_024, slots: 1 << 16}
}

// serialiser writes a capture: it holds the lock while it reads, never while it encodes, writes or sorts. pause is
// called without the lock only: it may sleep.
type serialiser struct {
	*Capture
	lock  sync.Locker
	pause func()

	held        time.Time     // when the lock was taken
	longestHold time.Duration // of the lock
}

// Write writes the capture as a snapshot. The lock is held while the state is read, a little at a time; rest is called
// in between, when it is not. It returns the root over the records and the longest time that the lock was held. It is
// called once, by one goroutine. After an error the stream is no snapshot; what was read stays marked as read, so that
// the capture cannot be written again.
func (c *Capture) Write(to io.Writer, lock sync.Locker,
	rest func()) (root txlog.Hash, longestHold time.Duration, err error) {
	t := &serialiser{Capture: c, lock: lock, pause: rest}
	out := newSnapshotWriter(to)
	for _, record := range c.rare {
		out.record(func(b []byte) []byte { return append(b, record...) })
	}
	t.definitions(out)
	t.closed(out)
	t.contractsInOrder(out)
	t.list()
	for t.pos < len(t.listed) && out.err == nil {
		t.nextChunk()
		if err := t.encode(out); err != nil {
			return root, t.longestHold, err
		}
		rest()
	}
	out.flushPage()
	t.pursesInOrder(out)
	root, err = out.finish()
	return root, t.longestHold, err
}

// pursesInOrder writes the purses as they were. Those that were opened since are none of the capture. A purse is never
// removed, so the ids that are listed now are those of the moment and those that were opened since; of the latter
// Capture.purses has nothing to write.
func (t *serialiser) pursesInOrder(out *snapshotWriter) {
	if t.purseBook == nil {
		return
	}
	put := func(record []byte) { out.record(func(b []byte) []byte { return append(b, record...) }) }
	put(t.purseBook)
	t.acquire()
	all := t.state.Purses()
	t.release()
	for _, id := range all {
		t.acquire()
		records, kept := t.Capture.purses[id]
		if !kept {
			records = purseRecords(t.state.Purse(id))
		}
		t.release()
		for _, record := range records {
			put(record)
		}
	}
}

func (t *serialiser) acquire() {
	t.lock.Lock()
	t.held = time.Now()
}

func (t *serialiser) release() {
	t.longestHold = max(t.longestHold, time.Since(t.held))
	t.lock.Unlock()
}

// yield lets others have the lock.
func (t *serialiser) yield() {
	t.release()
	t.pause()
	t.acquire()
}

// ids collects and sorts ids that are wanted, while what they come from may change between steps. A range over a map
// that changes between steps yields what is there throughout exactly once (Go's specification, "For statements with
// range clause"); what comes and goes meanwhile is the caller's to know.
func ids[K ~[16]byte | ~[32]byte](t *serialiser, all iter.Seq[K], wanted func(K) bool, compare func(a, b K) int) []K {
	t.acquire()
	var out []K
	seen := 0
	for id := range all {
		if seen++; seen%t.pace.slots == 0 {
			t.yield()
		}
		if wanted(id) {
			out = append(out, id)
		}
	}
	t.release()
	slices.SortFunc(out, compare)
	return out
}

func compareWallets(a, b token.WalletID) int { return bytes.Compare(a[:], b[:]) }

// serialiseRecords writes the records of some ids in order. They are made while the lock is held.
func serialiseRecords[K any](t *serialiser, out *snapshotWriter, all []K, record func(id K) []byte) {
	for some := range slices.Chunk(all, t.pace.rare) {
		records := make([][]byte, len(some))
		t.acquire()
		for i, id := range some {
			records[i] = record(id)
		}
		t.release()
		for _, made := range records {
			out.record(func(b []byte) []byte { return append(b, made...) })
		}
		t.pause()
	}
}

// definitions writes definitions as they were. The ids are collected over several holds of the lock: one that is
// dropped meanwhile may come from both sides, and is compacted.
func (t *serialiser) definitions(out *snapshotWriter) {
	s := t.state
	compare := func(a, b token.Hash) int { return bytes.Compare(a[:], b[:]) }
	all := ids(t, s.EachDefinition(), func(id token.Hash) bool { return !t.newDefinitions[id] }, compare)
	t.acquire()
	for id := range t.Capture.definitions { // any order: sorted below. Some are listed already
		all = append(all, id)
	}
	t.release()
	slices.SortFunc(all, compare)
	serialiseRecords(t, out, slices.Compact(all), func(id token.Hash) []byte {
		if was := t.Capture.definitions[id]; was != nil {
			return was
		}
		return s.definitionRecord(id)
	})
}

// closed writes the wallets that were closed. A record of one never changes, so that only new ones have to be told
// apart.
func (t *serialiser) closed(out *snapshotWriter) {
	s := t.state
	all := ids(t, s.EachClosed(), func(id token.WalletID) bool { return !t.newClosed[id] }, compareWallets)
	serialiseRecords(t, out, all, func(id token.WalletID) []byte {
		closed, _ := s.Closed(id)
		return appendClosed(nil, id, closed)
	})
}

// contractsInOrder writes contracts as they were. One that changes while the ids are collected may be met or not, so
// those put aside are added at the end.
func (t *serialiser) contractsInOrder(out *snapshotWriter) {
	s := t.state
	all := ids(t, s.EachContract(), func(id token.WalletID) bool { _, kept := t.contracts[id]; return !kept },
		compareWallets)
	t.acquire()
	for id, was := range t.contracts { // any order: sorted below
		if was != nil {
			all = append(all, id)
		}
	}
	t.release()
	slices.SortFunc(all, compareWallets)
	serialiseRecords(t, out, slices.Compact(all), func(id token.WalletID) []byte {
		if was := t.contracts[id]; was != nil {
			return was
		}
		return appendContract(nil, s.Contract(id))
	})
}

// list lists the wallets of the moment by id. From then on no wallet of the moment is unknown: one that is removed is
// found in gone by its id, one that stays by its slot.
func (t *serialiser) list() {
	wallets := t.state.wallets
	t.acquire()
	t.listed = make([]listedWallet, 0, wallets.live+len(t.gone))
	used := uint32(len(t.rowOf))
	for slot := range used {
		if int(slot)%t.pace.slots == t.pace.slots-1 {
			t.yield()
		}
		if !t.wallets.has(slot) {
			t.listed = append(t.listed, listedWallet{wallets.at(slot).key, slot})
		}
	}
	for id := range t.gone { // any order: sorted below. Some are listed already
		t.listed = append(t.listed, listedWallet{id, none})
	}
	t.release()
	t.pause()
	t.sortListed()
}

// sortListed sorts by id, in pieces that share a first byte, so that it can rest in between: ids are hashes, and the
// 256 pieces are about as long as each other. A wallet that stands twice counts once.
func (t *serialiser) sortListed() {
	var starts [257]int
	for _, w := range t.listed {
		starts[int(w.id[0])+1]++
	}
	for i := range 256 {
		starts[i+1] += starts[i]
	}
	sorted, at := make([]listedWallet, len(t.listed)), starts
	for _, w := range t.listed {
		sorted[at[w.id[0]]] = w
		at[w.id[0]]++
	}
	t.listed = sorted[:0]
	for i := range 256 {
		piece := sorted[starts[i]:starts[i+1]]
		slices.SortFunc(piece, func(a, b listedWallet) int {
			return cmp.Or(bytes.Compare(a.id[:], b.id[:]), cmp.Compare(a.slot, b.slot))
		})
		piece = slices.CompactFunc(piece, func(a, b listedWallet) bool { return a.id == b.id })
		t.listed = append(t.listed, piece...)
		t.pause()
	}
}

// group is how many wallets' lists of tokens are followed side by side.
const group = 64

// nextChunk reads wallets and their tokens until it has read enough for one hold of the lock. A wallet with many tokens
// is left in the midst (inside) and gone on with in the next: what is spent of it meanwhile is put aside, and read at
// its end with the rest.
func (t *serialiser) nextChunk() {
	t.acquire()
	defer t.release()
	defer func() { t.chunk.assets = t.state.assets.values }()
	left := t.pace.rows
	for t.pos < len(t.listed) && left > 0 {
		if !t.inside {
			t.warm(t.listed[t.pos:min(t.pos+group, len(t.listed))])
		}
		for range group {
			if t.pos == len(t.listed) || left <= 0 {
				return
			}
			left -= t.scan(left)
		}
	}
}

// warm reads what scanning some wallets will read, in steps that do not wait for each other: the cache misses of 64
// lists overlap.
func (t *serialiser) warm(wallets []listedWallet) {
	var cursors [group]uint32
	for i, w := range wallets {
		cursors[i] = none
		if !t.wallets.has(w.slot) {
			cursors[i] = t.state.wallets.at(w.slot).value.first
		}
	}
	for range group { // not to the end of long lists
		more := false
		for i, slot := range cursors[:len(wallets)] {
			if slot != none {
				cursors[i] = t.state.tokens.at(slot).value.next
				more = true
			}
		}
		if !more {
			return
		}
	}
}

// scan reads the next wallet and its tokens, or as many of them as are allowed, and returns how many rows it read.
func (t *serialiser) scan(most int) (rows int) {
	s, w := t.state, t.listed[t.pos]
	there := !t.wallets.has(w.slot)
	if !t.inside {
		t.begin(w, there)
	}
	for rows = 1; t.next != none && rows <= most; rows++ {
		// The list may change between two holds of the lock. A token spent meanwhile was put aside by whoever spent
		// it, and the bit says which were written already: each token of the state at the beginning is written once.
		slot := t.next
		r := s.tokens.at(slot)
		if !t.tokens.has(slot) {
			t.chunk.tokens = append(t.chunk.tokens, chunkToken{r.key, r.value.amount, r.value.asset, r.value.hops})
			t.tokens.set(slot)
		}
		t.next = r.value.next
	}
	// Long lists are left in the midst, so that a wallet of a million tokens does not hold up a block.
	if t.next != none {
		return rows
	}
	spent := t.gone[w.id].spent
	if there {
		spent = t.spentOf[w.slot]
		t.wallets.set(w.slot)
	}
	for spent != 0 {
		was := t.spent.at(spent - 1)
		t.chunk.tokens = append(t.chunk.tokens, chunkToken{was.id, was.amount, was.asset, was.hops})
		spent = was.before
		rows++
	}
	t.chunk.whole = len(t.chunk.tokens)
	t.inside = false
	t.pos++
	return rows
}

// begin reads a wallet's record.
func (t *serialiser) begin(w listedWallet, there bool) {
	s := t.state
	kept := t.gone[w.id].row
	t.next = none
	if there {
		kept = t.rowOf[w.slot]
		t.next = s.wallets.at(w.slot).value.first
	}
	scanned := chunkWallet{id: w.id, from: len(t.chunk.tokens)}
	if kept != 0 {
		scanned.wallet, scanned.detail = s.wallet(t.rows.at(kept-1)), t.details[w.id]
	} else {
		scanned.wallet, scanned.detail = s.wallet(&s.wallets.at(w.slot).value), s.details[w.id]
	}
	t.chunk.wallets = append(t.chunk.wallets, scanned)
	t.inside = true
}

// encode writes what the last chunk holds to the end. A wallet whose tokens are not as many as its row says would make
// a snapshot that is another state: it is refused, and the snapshot with it.
func (t *serialiser) encode(out *snapshotWriter) error {
	wallets := t.chunk.wallets
	if t.inside {
		wallets = wallets[:len(wallets)-1]
	}
	for i, w := range wallets {
		to := t.chunk.whole
		if i+1 < len(t.chunk.wallets) {
			to = t.chunk.wallets[i+1].from
		}
		tokens := t.chunk.tokens[w.from:to]
		if len(tokens) != int(w.wallet.Tokens) {
			return fmt.Errorf("wallet %s held %d tokens and %d were read", w.id, w.wallet.Tokens, len(tokens))
		}
		slices.SortFunc(tokens, func(a, b chunkToken) int { return bytes.Compare(a.id[:], b.id[:]) })
		out.record(func(b []byte) []byte { return appendWallet(b, w.id, w.wallet, w.detail) })
		for _, held := range tokens {
			out.page.add(&held, t.chunk.assets)
			if out.page.count == pageTokens {
				out.page.flush(out)
			}
		}
	}
	// What was not read to its end stays for the next chunk.
	t.chunk.tokens = append(t.chunk.tokens[:0], t.chunk.tokens[t.chunk.whole:]...)
	t.chunk.wallets = append(t.chunk.wallets[:0], t.chunk.wallets[len(wallets):]...)
	for i := range t.chunk.wallets {
		t.chunk.wallets[i].from = 0
	}
	t.chunk.whole = 0
	return nil
}
