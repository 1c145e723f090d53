package livestate

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// none is the slot that no row has.
const none = ^uint32(0)

// tokenRow is 32 bytes; with its id a live token takes 64 and its index entry. Rows refer to each other by slot, and to
// what many share by number: there is no pointer in them, so that the garbage collector does not look at ten million
// tokens.
type tokenRow struct {
	amount     money.Tiyn
	wallet     uint32 // slot of the owner
	asset      uint32 // number in State.assets
	next, prev uint32 // the owner's tokens, a list
	place      uint32 // among the tokens of its purpose
	hops       uint16
}

// walletRow is what each payment needs of a wallet; balance and tokens are the executor's, first is the list's, which
// PutWallet leaves as it is.
type walletRow struct {
	balance   money.Tiyn
	paidToday money.Tiyn
	registrar uint32 // number in State.registrars
	attribute uint32 // number in State.attributes
	version   uint32
	tokens    uint32
	first     uint32 // slot of its newest token
	day       uint32
	payments  uint32
	key       token.PublicKey
	tier      uint8
	flags     uint8
}

const (
	// Bits of walletRow.flags.
	flagTreasury = 1 << 0
	flagRekeying = 1 << 1
	flagFrozen   = 2 // shift of the freeze mode, two bits
	flagContract = 1 << 4
	flagHeld     = 1 << 5
)

// State is the live set. The zero State is not usable; see New.
//
// It has no lock: see Capture for who holds node.stateLock, and package node for the readers'.
//
// Invariants: total is the sum of all rows of tokens; each token is in the list of its wallet, from first along next,
// and in prev backwards; where its asset has a purpose, in that purpose's earmarks, and in apart for its wallet if the
// purpose has limits of its own; rekeys has one item for each detail whose key waits; expiries is in the order of the
// purposes' ends.
type State struct {
	tokens  *table[token.ID, tokenRow]
	wallets *table[token.WalletID, walletRow]
	total   money.Tiyn

	details        map[token.WalletID]ledger.Detail
	intermediaries map[token.WalletID]ledger.Intermediary
	rekeys         []rekey // and closings, by (due, wallet)
	authority      ledger.Authority

	ledger.Programs
	earmarks map[uint32]*earmarks // by purpose
	expiries []uint32             // purposes by their ends
	apart    map[token.WalletID]money.Tiyn

	capture *Capture // under way, or nil
	changes uint64   // tokens made and ended

	assets     interned[token.Asset]
	registrars interned[token.WalletID]
	attributes interned[token.Attributes]
}

type rekey struct {
	due    uint64
	wallet token.WalletID
}

// compare orders by when it is due, then by wallet: the order in which the ledger carries them out.
func (a rekey) compare(b rekey) int {
	switch {
	case a.due < b.due:
		return -1
	case a.due > b.due:
		return 1
	}
	return bytes.Compare(a.wallet[:], b.wallet[:])
}

// interned numbers the few distinct values of something that many rows share. A value keeps its number for the life of
// the state, even when no row has it any more.
type interned[T comparable] struct {
	values  []T
	numbers map[T]uint32
}

// again is number for a value that most likely is the one with the number likely.
func (n *interned[T]) again(value T, likely uint32) uint32 {
	if int(likely) < len(n.values) && n.values[likely] == value {
		return likely
	}
	return n.number(value)
}

// number is a value's number, a new one for a value that is new.
func (n *interned[T]) number(value T) uint32 {
	if i, ok := n.numbers[value]; ok {
		return i
	}
	if n.numbers == nil {
		n.numbers = map[T]uint32{}
	}
	i := uint32(len(n.values))
	n.values = append(n.values, value)
	n.numbers[value] = i
	return i
}

// plainAsset is the number of plain tenge among the assets.
const plainAsset = 0

// New makes an empty state. The seed of its tables is random and secret, per process. It decides nothing but where rows
// lie: two states with other seeds have the same snapshots. Whoever knew it could make ids that fall on one place of
// the index.
func New(seed [32]byte) *State {
	words := [4]uint64{}
	for i := range words {
		words[i] = binary.LittleEndian.Uint64(seed[8*i:])
	}
	forTokens, forWallets := [2]uint64{words[0], words[1]}, [2]uint64{words[2], words[3]}
	s := &State{
		tokens: newTable[token.ID, tokenRow](func(id token.ID) uint64 {
			return mix(binary.LittleEndian.Uint64(id[:]), binary.LittleEndian.Uint64(id[8:]), &forTokens)
		}),
		wallets: newTable[token.WalletID, walletRow](func(id token.WalletID) uint64 {
			return mix(binary.LittleEndian.Uint64(id[:]), binary.LittleEndian.Uint64(id[8:]), &forWallets)
		}),
		details:        map[token.WalletID]ledger.Detail{},
		earmarks:       map[uint32]*earmarks{},
		intermediaries: map[token.WalletID]ledger.Intermediary{},
		Programs:       ledger.NewPrograms(),
		apart:          map[token.WalletID]money.Tiyn{},
	}
	s.assets.number(token.PlainTenge)
	return s
}

// Token returns a live token.
func (s *State) Token(id token.ID) (ledger.Token, bool) {
	r := s.tokens.get(id)
	if r == nil {
		return ledger.Token{}, false
	}
	return s.token(r), true
}

func (s *State) token(r *tokenRow) ledger.Token {
	return ledger.Token{Wallet: s.wallets.at(r.wallet).key, Asset: s.assets.values[r.asset], Amount: r.amount,
		Hops: r.hops}
}

// AddToken makes a token live. Its id must not be live, and its wallet must exist.
func (s *State) AddToken(id token.ID, t ledger.Token) {
	owner, ok := s.wallets.find(t.Wallet)
	if !ok {
		panic(fmt.Sprintf("token %s for the unknown wallet %s", id, t.Wallet))
	}
	if !s.addToken(id, owner, t) {
		panic(fmt.Sprintf("token %s is live already", id))
	}
}

// addToken makes a token of the wallet in a slot live, unless it is. It goes to the front of the owner's list; a
// capture under way is told first, as it is to see what was there before.
func (s *State) addToken(id token.ID, owner uint32, t ledger.Token) (added bool) {
	w := &s.wallets.at(owner).value
	slot, r, isNew := s.tokens.put(id)
	if !isNew {
		return false
	}
	if s.capture != nil {
		s.capture.tokenAdded(slot)
	}
	*r = tokenRow{amount: t.Amount, wallet: owner, asset: s.assets.again(t.Asset, plainAsset), next: w.first,
		prev: none, hops: t.Hops}
	if w.first != none {
		s.tokens.at(w.first).value.prev = slot
	}
	w.first = slot
	s.total += t.Amount
	s.changes++
	if t.Asset.Purpose != 0 {
		s.earmark(id, slot, r, t.Asset.Purpose, t.Wallet)
	}
	return true
}

// RemoveToken ends a live token. It panics for one that is not live: the executor asks before, and a state that has
// lost a token must not go on. The row's neighbours in the owner's list are joined.
func (s *State) RemoveToken(id token.ID) {
	slot, r, ok := s.tokens.remove(id)
	if !ok {
		panic(fmt.Sprintf("token %s is not live", id))
	}
	if s.capture != nil {
		s.capture.tokenRemoved(slot, id, &r)
	}
	if r.prev == none {
		s.wallets.at(r.wallet).value.first = r.next
	} else {
		s.tokens.at(r.prev).value.next = r.next
	}
	if r.next != none {
		s.tokens.at(r.next).value.prev = r.prev
	}
	s.total -= r.amount
	s.changes++
	if r.asset != plainAsset {
		s.unmark(id, r)
	}
}

// LiveToken is a token with its id.
type LiveToken struct {
	ID token.ID `json:"id"`
	ledger.Token
}

// TokensOf returns up to most of a wallet's live tokens, the newest first. The result is the caller's own and stays as
// it is.
func (s *State) TokensOf(id token.WalletID, most int) []LiveToken {
	w := s.wallets.get(id)
	if w == nil {
		return nil
	}
	tokens := make([]LiveToken, 0, min(most, int(w.tokens)))
	for slot := w.first; slot != none && len(tokens) < most; {
		r := s.tokens.at(slot)
		tokens = append(tokens, LiveToken{r.key, s.token(&r.value)})
		slot = r.value.next
	}
	return tokens
}

// Wallet returns a wallet.
func (s *State) Wallet(id token.WalletID) (ledger.Wallet, bool) {
	r := s.wallets.get(id)
	if r == nil {
		return ledger.Wallet{}, false
	}
	return s.wallet(r), true
}

// wallet unpacks a row.
func (s *State) wallet(r *walletRow) ledger.Wallet {
	return ledger.Wallet{
		Registrar: s.registrars.values[r.registrar], Key: r.key, Version: r.version, Tier: r.tier,
		Treasury: r.flags&flagTreasury != 0, Rekeying: r.flags&flagRekeying != 0,
		Frozen: token.FreezeMode(r.flags >> flagFrozen & 3), Contract: r.flags&flagContract != 0,
		Held:       r.flags&flagHeld != 0,
		Attributes: s.attributes.values[r.attribute],
		Balance:    r.balance, Tokens: r.tokens, Day: r.day, PaidToday: r.paidToday, PaymentsToday: r.payments,
	}
}

// PutWallet stores a wallet, new or known. The pointer into the row is taken before the capture is asked and written
// after: keeping a row moves none.
func (s *State) PutWallet(id token.WalletID, w ledger.Wallet) {
	slot, r, isNew := s.wallets.put(id)
	if isNew {
		r.first = none
	}
	if s.capture != nil {
		s.capture.walletPut(slot, isNew)
	}
	flags := uint8(w.Frozen) << flagFrozen
	if w.Treasury {
		flags |= flagTreasury
	}
	if w.Rekeying {
		flags |= flagRekeying
	}
	if w.Contract {
		flags |= flagContract
	}
	if w.Held {
		flags |= flagHeld
	}
	*r = walletRow{
		balance: w.Balance, paidToday: w.PaidToday, registrar: s.registrars.again(w.Registrar, r.registrar),
		attribute: s.attributes.again(w.Attributes, r.attribute),
		version:   w.Version, tokens: w.Tokens, first: r.first, day: w.Day, payments: w.PaymentsToday, key: w.Key,
		tier: w.Tier, flags: flags,
	}
}

// RemoveWallet ends a wallet, which must hold no tokens, and its detail.
func (s *State) RemoveWallet(id token.WalletID) {
	s.PutDetail(id, ledger.Detail{})
	slot, r, ok := s.wallets.remove(id)
	if ok && r.first != none {
		panic(fmt.Sprintf("wallet %s removed with tokens", id))
	}
	if ok && s.capture != nil {
		s.capture.walletRemoved(slot, id, &r)
	}
}

// Detail returns what few wallets have; zero for the rest.
func (s *State) Detail(id token.WalletID) ledger.Detail { return s.details[id] }

// PutDetail stores a wallet's detail, keeping the order of waiting keys and closings. The zero Detail removes it.
func (s *State) PutDetail(id token.WalletID, d ledger.Detail) {
	if s.capture != nil {
		s.capture.detailChanges(id)
	}
	if old := s.details[id].Rekey; old.DueMillis != 0 {
		at, _ := slices.BinarySearchFunc(s.rekeys, rekey{old.DueMillis, id}, rekey.compare)
		s.rekeys = slices.Delete(s.rekeys, at, at+1)
	}
	if d.Rekey.DueMillis != 0 {
		next := rekey{d.Rekey.DueMillis, id}
		at, _ := slices.BinarySearchFunc(s.rekeys, next, rekey.compare)
		s.rekeys = slices.Insert(s.rekeys, at, next)
	}
	if d == (ledger.Detail{}) {
		delete(s.details, id)
		return
	}
	s.details[id] = d
}

// NextRekey is the waiting key or closing with the least (due, wallet).
func (s *State) NextRekey() (wallet token.WalletID, dueMillis uint64, found bool) {
	if len(s.rekeys) == 0 {
		return wallet, 0, false
	}
	return s.rekeys[0].wallet, s.rekeys[0].due, true
}

// Intermediary returns an intermediary.
func (s *State) Intermediary(id token.WalletID) (ledger.Intermediary, bool) {
	i, ok := s.intermediaries[id]
	return i, ok
}

// PutIntermediary stores an intermediary.
func (s *State) PutIntermediary(id token.WalletID, i ledger.Intermediary) { s.intermediaries[id] = i }

// Intermediaries lists all ids in order.
func (s *State) Intermediaries() []token.WalletID {
	ids := make([]token.WalletID, 0, len(s.intermediaries))
	for id := range s.intermediaries {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, func(a, b token.WalletID) int { return bytes.Compare(a[:], b[:]) })
	return ids
}

// Authority is the central bank's record, for the executor to change in place.
func (s *State) Authority() *ledger.Authority { return &s.authority }

// Changes is how many tokens were made or ended since the state was made or loaded, and for loading it.
func (s *State) Changes() uint64 { return s.changes }

// LiveTotal is the sum of all live tokens.
func (s *State) LiveTotal() money.Tiyn { return s.total }

// Counts are how many tokens and wallets are live.
func (s *State) Counts() (tokens, wallets int) { return s.tokens.live, s.wallets.live }

// Bytes is the memory that the tables of tokens and wallets take.
func (s *State) Bytes() (tokens, wallets int) { return s.tokens.bytes(), s.wallets.bytes() }

var _ ledger.State = (*State)(nil)
