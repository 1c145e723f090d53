package livestate

import (
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// Capture is the state as it stood at one moment, written piece by piece while the state goes on. Whatever is about to
// change and was not read yet is put aside first, so a capture takes as much memory as changes while it is written,
// not as much as there is.
//
// Invariant: each row of the moment (a wallet, a token) is in exactly one of three places: live and unread (its bit in
// wallets or tokens is clear), put aside (rows, spent, gone: as it was at the moment), or read (its bit is set). A row
// that is not of the moment has its bit set from the start, or lies beyond the bitmaps: it is never written.
//
// Two sides touch it, never at once. Who changes the state calls the hooks below (tokenAdded, walletPut, …) before or
// after the change, as each says; who writes reads with the same lock held (node.stateLock) and lets it go between
// chunks. So everything here is guarded by that lock but what is said to be the writer's.
type Capture struct {
	state *State
	at    Position
	rare  [][]byte // records of the small tables, encoded whole at the moment

	// By slot, a set bit: read already, or not there at the moment. What lies beyond came later.
	wallets, tokens bitmap

	// Put aside: as they were before they changed for the first time since the moment.
	rows    arena[walletRow]                 // of wallets that have changed
	rowOf   []uint32                         // by wallet slot: number in rows plus one
	details map[token.WalletID]ledger.Detail // of the same wallets, where they have one
	spent   arena[spentToken]
	spentOf []uint32 // by wallet slot: number of the last in spent plus one; the others hang on it
	gone    map[token.WalletID]goneWallet

	newDefinitions map[token.Hash]bool
	definitions    map[token.Hash][]byte // the records of those that were dropped since
	newClosed      map[token.WalletID]bool
	contracts      map[token.WalletID][]byte // as they were, of those that have changed; nil for new ones
	purseBook      []byte                    // the record of the moment, or nil
	purses         map[token.WalletID][][]byte

	// The writer's place. It reads a wallet's tokens along their list, which changes under it between chunks: next is
	// moved on by tokenRemoved when its token goes, so it is guarded by the lock, too.
	listed []listedWallet // wallets of the moment in order; the writer's own
	pos    int            // of the next wallet in listed; the writer's own
	inside bool           // some of its tokens are read, the rest is not
	next   uint32         // the first of those that are not
	chunk  chunk          // the writer's own, encoded without the lock
	pace   pace
}

// spentToken is a token that was spent before it was read.
type spentToken struct {
	id     token.ID
	amount money.Tiyn
	asset  uint32
	before uint32 // the one before it of the same wallet, plus one
	hops   uint16
}

// goneWallet is a wallet that was removed before it was read: numbers in rows and spent, plus one.
type goneWallet struct{ row, spent uint32 }

// Capture begins one: the state as it stands now, at a position. Nobody may use the state meanwhile. One capture can be
// under way at a time; it ends with End. The small tables are encoded here; of wallets and tokens only the bitmaps and
// the lists by slot are made, so that payments wait for no more than that.
func (s *State) Capture(at Position) *Capture {
	if s.capture != nil {
		panic("another capture of the state is under way")
	}
	c := &Capture{
		state: s, at: at, rare: s.rareRecords(at),
		wallets: newBitmap(s.wallets.used), tokens: newBitmap(s.tokens.used),
		rowOf: make([]uint32, s.wallets.used), spentOf: make([]uint32, s.wallets.used),
		details: map[token.WalletID]ledger.Detail{}, gone: map[token.WalletID]goneWallet{},
		newDefinitions: map[token.Hash]bool{}, definitions: map[token.Hash][]byte{},
		newClosed: map[token.WalletID]bool{}, contracts: map[token.WalletID][]byte{},
		purseBook: s.purseBookRecord(), purses: map[token.WalletID][][]byte{},
		next: none, pace: paceFor(s.tokens.live),
	}
	for _, slot := range s.wallets.free {
		c.wallets.set(slot)
	}
	s.capture = c
	return c
}

// End lets the state go on without the capture. Nobody may use the state meanwhile. A capture that failed in the midst
// is ended like one that was written; the state keeps nothing of it.
func (c *Capture) End() {
	if c.state.capture == c {
		c.state.capture = nil
	}
}

// The state calls what follows when it changes, before or after as stated.

// tokenAdded: a slot has become a token's that is not of the moment.
func (c *Capture) tokenAdded(slot uint32) { c.tokens.set(slot) }

// tokenRemoved: a slot has lost its token. One that the writer stands on hands its place to the next of the list. One
// that was read, or whose wallet was read to its end, is not put aside: it is in the snapshot already. The slot may be
// given to another token at once: tokenAdded sets its bit then, so that what the capture sees in the slot is never
// taken for what was there.
func (c *Capture) tokenRemoved(slot uint32, id token.ID, r *tokenRow) {
	if slot == c.next {
		c.next = r.next
	}
	if c.tokens.has(slot) || c.wallets.has(r.wallet) {
		return
	}
	last := &c.spentOf[r.wallet]
	*last = c.spent.add(spentToken{id: id, amount: r.amount, asset: r.asset, hops: r.hops, before: *last}) + 1
}

// walletPut: the wallet in a slot is about to be written, perhaps for the first time.
func (c *Capture) walletPut(slot uint32, isNew bool) {
	switch {
	case c.wallets.has(slot):
	case isNew:
		c.wallets.set(slot)
	default:
		c.keepRow(slot)
	}
}

// keepRow puts a wallet aside as it is, once.
func (c *Capture) keepRow(slot uint32) {
	if c.rowOf[slot] != 0 {
		return
	}
	kept := c.state.wallets.at(slot)
	c.rowOf[slot] = c.rows.add(kept.value) + 1
	if d, ok := c.state.details[kept.key]; ok {
		c.details[kept.key] = d
	}
}

// detailChanges: what few wallets have is about to change.
func (c *Capture) detailChanges(id token.WalletID) {
	if slot, ok := c.state.wallets.find(id); ok && !c.wallets.has(slot) {
		c.keepRow(slot)
	}
}

// walletRemoved: a slot has lost its wallet, whose detail was put aside with it. Its slot is given to others, so from
// here on it is found by its id, in gone.
func (c *Capture) walletRemoved(slot uint32, id token.WalletID, r *walletRow) {
	if c.wallets.has(slot) {
		return
	}
	if c.rowOf[slot] == 0 {
		c.rowOf[slot] = c.rows.add(*r) + 1
	}
	c.gone[id] = goneWallet{row: c.rowOf[slot], spent: c.spentOf[slot]}
	c.wallets.set(slot)
}

// AddDefinition registers a definition.
func (s *State) AddDefinition(id token.Hash, encoded []byte, by ledger.Registered) {
	s.Programs.AddDefinition(id, encoded, by)
	if s.capture != nil {
		s.capture.newDefinitions[id] = true
	}
}

// RemoveDefinition drops a definition. One that is new since the moment was never of the capture. One that is
// registered again afterwards counts as new, and its record as dropped is the one that is written.
func (s *State) RemoveDefinition(id token.Hash) {
	if c := s.capture; c != nil && !c.newDefinitions[id] {
		c.definitions[id] = s.definitionRecord(id)
	}
	s.Programs.RemoveDefinition(id)
}

// PutClosed notes whose a closed wallet was.
func (s *State) PutClosed(id token.WalletID, closed ledger.Closed) {
	if _, known := s.Programs.Closed(id); !known && s.capture != nil {
		s.capture.newClosed[id] = true
	}
	s.Programs.PutClosed(id, closed)
}

// AddContract makes a contract live.
func (s *State) AddContract(contract *ledger.Contract) {
	s.Programs.AddContract(contract)
	if s.capture != nil {
		s.capture.contracts[contract.ID] = nil
	}
}

// ChangeContract says that a contract's record is about to change. It must come before the change: what is put aside is
// the record as it still is.
func (s *State) ChangeContract(contract *ledger.Contract) {
	if s.capture == nil {
		return
	}
	if _, kept := s.capture.contracts[contract.ID]; !kept {
		s.capture.contracts[contract.ID] = appendContract(nil, contract)
	}
}

// RemoveContract ends a contract.
func (s *State) RemoveContract(id token.WalletID) {
	s.ChangeContract(s.Contract(id))
	s.Programs.RemoveContract(id)
}

// AddPurse opens a purse.
func (s *State) AddPurse(p *ledger.Purse) {
	s.Programs.AddPurse(p)
	if s.capture != nil {
		s.capture.purses[p.ID] = nil
	}
}

// ChangePurse says that a purse's record is about to change.
func (s *State) ChangePurse(p *ledger.Purse) {
	if s.capture == nil {
		return
	}
	if _, kept := s.capture.purses[p.ID]; !kept {
		s.capture.purses[p.ID] = purseRecords(p)
	}
}

// bitmap is a set of slots that contains all that lie beyond it. Its last word may reach beyond the slots of the
// moment: those are not set, and whoever fills such a slot sets its bit (tokenAdded, walletPut) before anybody asks.
type bitmap []uint64

func newBitmap(slots uint32) bitmap { return make(bitmap, (slots+63)/64) }

func (b bitmap) has(slot uint32) bool {
	word := int(slot >> 6)
	return word >= len(b) || b[word]>>(slot&63)&1 != 0
}

func (b bitmap) set(slot uint32) {
	if word := int(slot >> 6); word < len(b) {
		b[word] |= 1 << (slot & 63)
	}
}

// arena is a list that grows without copying what it holds. A list that grew by copying would hold payments up for as
// long as a copy of all of it takes.
type arena[T any] struct {
	pieces [][]T
	count  uint32
}

const arenaPiece = 1 << 12

func (a *arena[T]) add(value T) (number uint32) {
	if a.count%arenaPiece == 0 {
		a.pieces = append(a.pieces, make([]T, 0, arenaPiece))
	}
	last := &a.pieces[len(a.pieces)-1]
	*last = append(*last, value)
	a.count++
	return a.count - 1
}

func (a *arena[T]) at(number uint32) *T { return &a.pieces[number/arenaPiece][number%arenaPiece] }
