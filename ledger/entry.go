package ledger

import (
	"encoding/hex"

	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// EntryType is the first item of every log entry.
type EntryType uint8

const (
	EntryLeaf        EntryType = 0 // begins a block
	EntryTransaction EntryType = 1 // [1, transaction, effects]
	EntrySystem      EntryType = 2 // what happens by the rules alone, without anybody's signature
)

// Leaf begins every block. Amounts are in tiyn, times in Unix milliseconds. Its bytes are a canonical CBOR array [0,
// height, time, count, rules, previous, issued, redeemed, circulating], in block 0 with the genesis behind them, and
// where wallets back banknotes with reserve and circulating less reserve.
type Leaf struct {
	Height      uint64     `json:"height"`
	TimeMillis  uint64     `json:"time_millis"`
	Count       uint32     `json:"count"`       // entries of the block after the leaf
	Rules       uint32     `json:"rules"`       // version of the rules its entries follow
	Previous    token.Hash `json:"previous"`    // the log's root (RFC 6962) before this leaf
	Issued      money.Tiyn `json:"issued"`      // since genesis, after this block
	Redeemed    money.Tiyn `json:"redeemed"`    // likewise
	Circulating money.Tiyn `json:"circulating"` // issued less redeemed
	// that wallets hold which back banknotes; since rules version 5
	Reserve money.Tiyn `json:"cash_reserve,omitzero"`
	Genesis *Genesis   `json:"genesis,omitempty"` // in block 0 alone
}

// A leaf has 9 items; the genesis has one more, and a block has two more where wallets back banknotes.
const (
	leafItems    = 9
	genesisItems = 10
	reserveItems = 11
)

// Encode returns the leaf's entry bytes.
func (l Leaf) Encode() []byte {
	items := leafItems
	switch {
	case l.Genesis != nil:
		items = genesisItems
	case l.Reserve != 0:
		items = reserveItems
	}
	b := token.AppendArray(nil, items)
	b = token.AppendUint(b, uint64(EntryLeaf))
	b = token.AppendUint(b, l.Height)
	b = token.AppendUint(b, l.TimeMillis)
	b = token.AppendUint(b, uint64(l.Count))
	b = token.AppendUint(b, uint64(l.Rules))
	b = token.AppendBytes(b, l.Previous[:])
	b = token.AppendUint(b, uint64(l.Issued))
	b = token.AppendUint(b, uint64(l.Redeemed))
	b = token.AppendUint(b, uint64(l.Circulating))
	switch items {
	case genesisItems:
		b = appendGenesis(b, *l.Genesis)
	case reserveItems:
		b = token.AppendUint(token.AppendUint(b, uint64(l.Reserve)), uint64(l.Circulating-l.Reserve))
	}
	return b
}

// decodeLeaf reads a leaf behind its type. It checks form alone; what a leaf claims is checked by Replay. A leaf with
// what backs banknotes states what circulates beside it too, so that a reader of the leaf need not subtract; both must
// add up, or one leaf could be written in two ways.
func decodeLeaf(d *token.Decoder, items int) *Leaf {
	l := &Leaf{
		Height:     d.Uint("height", 1<<53),
		TimeMillis: d.Uint("time", token.MaxValidUntil),
		Count:      uint32(d.Uint("count", 1<<32-1)),
		Rules:      uint32(d.Uint("rules", 1<<32-1)),
	}
	d.Fixed("previous", l.Previous[:])
	l.Issued = money.Tiyn(d.Uint("issued", 1<<63-1))
	l.Redeemed = money.Tiyn(d.Uint("redeemed", 1<<63-1))
	l.Circulating = money.Tiyn(d.Uint("circulating", 1<<63-1))
	if items == reserveItems {
		l.Reserve = money.Tiyn(d.Uint("cash_reserve", 1<<63-1))
		beside := money.Tiyn(d.Uint("circulating_beside", 1<<63-1))
		if d.Err() == nil && (l.Reserve == 0 || l.Reserve > l.Circulating || beside != l.Circulating-l.Reserve) {
			d.Fail(refuse(token.NotCanonical, "cash_reserve", "what backs banknotes and what circulates beside it "+
				"are what circulates"))
		}
	}
	if items == genesisItems {
		g := decodeGenesis(d)
		g.TimeMillis, g.Rules = l.TimeMillis, l.Rules
		l.Genesis = &g
	}
	return l
}

// SystemKind numbers what happens by the rules alone. The numbers stand in logs and are never given again.
type SystemKind uint8

const (
	SystemRekey        SystemKind = 1 // a waiting key of a wallet takes effect
	SystemProposal     SystemKind = 2 // a proposal of the authority takes effect
	SystemRekeyDropped SystemKind = 3 // a waiting key or closing lapses: when it falls due it may not be
	SystemEnd          SystemKind = 4 // a contract's end pays what it holds
	SystemExpiry       SystemKind = 5 // money whose purpose has ended returns
	SystemClose        SystemKind = 6 // a wallet closes that its intermediary closes; from rules version 2 on
	SystemRenewal      SystemKind = 7 // a contract goes on at its end, as its definition says; from rules version 3 on
)

var systemNames = map[SystemKind]string{
	SystemRekey: "new key in effect", SystemProposal: "proposal in effect", SystemRekeyDropped: "new key lapsed",
	SystemEnd: "contract ended", SystemExpiry: "purpose ended", SystemClose: "wallet closed",
	SystemRenewal: "contract goes on",
}

// String is the kind in English words, for operators; empty for a kind that is not known.
func (k SystemKind) String() string { return systemNames[k] }

// System is an entry that nobody signs and everybody can re-derive.
type System struct {
	Kind SystemKind `json:"kind"`
	// of a re-key, done or dropped, or that closes; the contract that ends; who held what returns
	Wallet   token.WalletID      `json:"wallet,omitzero"`
	Proposal token.TransactionID `json:"proposal,omitzero"` // of a proposal
	Version  uint64              `json:"version,omitzero"`  // of the contract that goes on, from then on
	Effects  Effects             `json:"effects,omitzero"`  // of an end, a renewal or a return
	Salt     *Salt               `json:"salt,omitempty"`    // from rules version 4 on; nobody derives it
}

// SaltBytes is the length of a salt.
const SaltBytes = 16

// Salt is what whoever makes a block draws at random for each entry that nobody signs. Everybody sees entries' hashes:
// of an entry without it, whoever guesses what falls due (a wallet's new key, a contract's end) would see that he is
// right. What a transaction is, its signatures keep from being guessed.
type Salt [SaltBytes]byte

// MarshalText and UnmarshalText have a salt in 32 hexadecimal digits.
func (s Salt) MarshalText() ([]byte, error) { return []byte(hex.EncodeToString(s[:])), nil }

func (s *Salt) UnmarshalText(text []byte) error {
	if hex.DecodedLen(len(text)) != SaltBytes {
		return refuse(token.OutOfRange, "salt", "%d bytes, want %d", hex.DecodedLen(len(text)), SaltBytes)
	}
	_, err := hex.Decode(s[:], text)
	return err
}

// salted is the first version of the rules under which system entries bear a salt.
const salted = 4

// Equal says whether two entries are the same but for their salts, which verifiers take as they stand.
func (s *System) Equal(other *System) bool {
	return s.Kind == other.Kind && s.Wallet == other.Wallet && s.Proposal == other.Proposal &&
		s.Version == other.Version && s.Effects.Equal(&other.Effects)
}

// Makes is what stands for the transaction in the ids of the tokens that the entry's effects make.
func (s *System) Makes() token.TransactionID {
	switch s.Kind {
	case SystemExpiry:
		return token.TransactionID(s.Effects.Spent[0])
	case SystemRenewal:
		return RenewalID(s.Wallet, s.Version)
	}
	return EndID(s.Wallet)
}

// items is how many an entry of a kind has without a salt, which is one more.
func (k SystemKind) items() int {
	switch k {
	case SystemEnd, SystemExpiry:
		return 4
	case SystemRenewal:
		return 5
	}
	return 3
}

// Encode returns the entry's bytes.
func (s System) Encode() []byte {
	if s.Salt == nil {
		return s.appendItems(token.AppendArray(nil, s.Kind.items()))
	}
	return token.AppendBytes(s.appendItems(token.AppendArray(nil, s.Kind.items()+1)), s.Salt[:])
}

// appendItems appends all items but the salt.
func (s *System) appendItems(b []byte) []byte {
	b = token.AppendUint(b, uint64(EntrySystem))
	b = token.AppendUint(b, uint64(s.Kind))
	switch s.Kind {
	case SystemProposal:
		return token.AppendBytes(b, s.Proposal[:])
	case SystemRenewal:
		return appendEffects(token.AppendUint(token.AppendBytes(b, s.Wallet[:]), s.Version), &s.Effects)
	case SystemEnd, SystemExpiry:
		return appendEffects(token.AppendBytes(b, s.Wallet[:]), &s.Effects)
	}
	return token.AppendBytes(b, s.Wallet[:])
}

// decodeSystem reads a system entry; only the forms that a block may have are read.
func decodeSystem(d *token.Decoder, items int) *System {
	s := &System{Kind: SystemKind(d.Uint("kind", uint64(SystemRenewal)))}
	// Both counts are taken here: whether a salt must stand is a rule of the block's version, which an entry alone
	// does not know (R-DUE-SALT).
	if d.Err() == nil && items != s.Kind.items() && items != s.Kind.items()+1 {
		d.Fail(refuse(token.NotCanonical, "entry", "%d items for a system entry of kind %d", items, s.Kind))
		return s
	}
	switch s.Kind {
	case SystemRekey, SystemRekeyDropped, SystemClose:
		d.Fixed("wallet", s.Wallet[:])
	case SystemProposal:
		d.Fixed("proposal", s.Proposal[:])
	case SystemRenewal:
		d.Fixed("wallet", s.Wallet[:])
		s.Version = d.Uint("version", 1<<63-1)
		s.Effects = decodeEffects(d)
	case SystemEnd, SystemExpiry:
		d.Fixed("wallet", s.Wallet[:])
		s.Effects = decodeEffects(d)
		// Money whose purpose has ended goes back whole, token by token (R-DUE): no rule makes an expiry of another
		// shape, so readers may rely on this one without asking.
		if d.Err() == nil && s.Kind == SystemExpiry && (len(s.Effects.Spent) != 1 || len(s.Effects.Made) != 1) {
			d.Fail(refuse(token.NotCanonical, "effects", "one token returns, as one"))
		}
	default:
		d.Fail(refuse(token.UnknownKind, "kind", "system entry of kind %d", s.Kind))
	}
	if items == s.Kind.items()+1 {
		s.Salt = new(Salt)
		d.Fixed("salt", s.Salt[:])
	}
	return s
}

// AppendTransactionEntry encodes the entry of a transaction without effects.
func AppendTransactionEntry(b, transaction []byte) []byte {
	return AppendEntry(b, transaction, &Effects{})
}

// AppendEntry encodes a transaction's entry. Its effects are the tokens that the rules spend and make
// beyond those it names: what a contract pays and keeps. Only creating and acting have any.
func AppendEntry(b, transaction []byte, effects *Effects) []byte {
	b = token.AppendArray(b, 3)
	b = token.AppendUint(b, uint64(EntryTransaction))
	b = append(b, transaction...)
	return appendEffects(b, effects)
}

// Entry is a decoded log entry: a leaf, a transaction with its effects, or a system entry.
type Entry struct {
	Leaf        *Leaf              `json:"leaf,omitempty"`
	Transaction *token.Transaction `json:"transaction,omitempty"`
	Effects     Effects            `json:"effects,omitzero"` // of the transaction
	System      *System            `json:"system,omitempty"`
}

// DecodeEntry reads the bytes of one log entry. The result shares data's memory. An error is a *token.Error; bytes
// after the entry, or another than the canonical form, are refused.
func DecodeEntry(data []byte) (Entry, error) {
	return decodeEntry(token.NewDecoder(data))
}

// DecodeBelieved is DecodeEntry for an entry that the reader, or whom it trusts with its signatures, decoded and
// checked before it was written: whether registered keys are usable is not computed again.
func DecodeBelieved(data []byte) (Entry, error) {
	d := token.NewDecoder(data)
	d.Believe()
	return decodeEntry(d)
}

// decodeEntry reads one entry that fills its bytes.
func decodeEntry(d *token.Decoder) (Entry, error) {
	var e Entry
	items := d.Array("entry", 3, reserveItems)
	kind := EntryType(d.Uint("entry", uint64(EntrySystem)))
	switch {
	case d.Err() != nil:
	case kind == EntryLeaf && items >= leafItems:
		e.Leaf = decodeLeaf(d, items)
	case kind == EntryTransaction && items == 3:
		e.Transaction = d.Transaction()
		e.Effects = decodeEffects(d)
	case kind == EntrySystem && items <= 6:
		e.System = decodeSystem(d, items)
	default:
		d.Fail(refuse(token.NotCanonical, "entry", "%d items for type %d", items, kind))
	}
	if err := d.Finish(); err != nil {
		return Entry{}, err
	}
	return e, nil
}
