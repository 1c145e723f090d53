package notes

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/aqsha/aqsha/cash"
	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/txlog/vfs"
)

const (
	stateName = "cash.json"
	maxState  = 64 << 20
)

// state is the folder's file.
type state struct {
	Words    string            `json:"words"` // BIP 39: whoever has them has the notes
	Mint     string            `json:"mint"`
	Network  string            `json:"network,omitempty"`     // of the ledger on which the mint's keysets are announced
	Reserve  string            `json:"reserve,omitempty"`     // the wallet there that backs the notes
	NoLedger bool              `json:"unannounced,omitempty"` // the mint is believed without a ledger
	Counters map[string]uint64 `json:"counters"`              // next number of the seed, by keyset
	Notes    []Held            `json:"notes"`
	Begun    []*Operation      `json:"begun,omitempty"`
	Sent     []Sent            `json:"sent,omitempty"`
	Sets     []Set             `json:"keysets,omitempty"` // as last seen
}

// Held is a note that the wallet has.
type Held struct {
	cash.Proof
	// Unsettled notes were received offline: genuine, and not known to be unspent until they are changed.
	Unsettled bool `json:"unsettled,omitempty"`
}

// UnmarshalJSON reads a note with its mark: what Proof reads by itself leaves out what it does not know.
func (h *Held) UnmarshalJSON(raw []byte) error {
	var mark struct {
		Unsettled bool `json:"unsettled"`
	}
	if err := json.Unmarshal(raw, &mark); err != nil {
		return err
	}
	h.Unsettled = mark.Unsettled
	return h.Proof.UnmarshalJSON(raw)
}

// Sent is a token that was given away and may be taken back while nobody has taken it.
type Sent struct {
	Amount money.Tiyn   `json:"amount"`
	At     uint64       `json:"at"`
	Notes  []cash.Proof `json:"notes"`
}

// Set is a keyset as the wallet keeps it.
type Set struct {
	ID           string   `json:"id"`
	Unit         string   `json:"unit"`
	Amounts      []int64  `json:"amounts"`
	Keys         []string `json:"keys"`
	Until        uint64   `json:"until"`
	Expiry       uint64   `json:"expiry"`
	Active       bool     `json:"active"`
	Announcement string   `json:"announcement,omitempty"`
}

// Kinds of operations.
const (
	minting  = "mint"
	swapping = "swap"
	melting  = "melt"
)

// Operation is something that was begun with the office.
type Operation struct {
	Kind    string       `json:"kind"`
	Keyset  string       `json:"keyset"`
	From    uint64       `json:"from"` // first number of the seed
	Amounts []money.Tiyn `json:"amounts"`
	Inputs  []cash.Proof `json:"inputs,omitempty"` // as they are sent
	Quote   string       `json:"quote,omitempty"`
	Request string       `json:"request,omitempty"` // that pays a mint quote, or that a melt pays
	Amount  money.Tiyn   `json:"amount,omitempty"`
	Expiry  uint64       `json:"expiry,omitempty"`
	Paid    bool         `json:"paid,omitempty"`    // of a mint: it is believed to be paid
	Give    []int        `json:"give,omitempty"`    // of a swap: which outputs are to be sent, not kept
	Locked  []string     `json:"locked,omitempty"`  // secrets of outputs that are not of the seed, and
	Blinds  []string     `json:"blinds,omitempty"`  // their blinding factors
	Foreign bool         `json:"foreign,omitempty"` // its inputs were somebody else's: given back, they are unsettled
	Ours    bool         `json:"ours,omitempty"`    // of foreign inputs: the wallet had them before the operation
}

// Wallet is an open folder. One process has it at a time.
type Wallet struct {
	files vfs.FS
	dir   string
	state state
	lock  interface{ Close() error }
	mint  Mint
	now   func() uint64
}

// ErrNoWallet means that there is none in the folder.
var ErrNoWallet = errors.New("there is no cash wallet here: 'aqsha cash withdraw' or 'aqsha cash receive' begin one")

// Exists says whether there is a wallet in a folder.
func Exists(files vfs.FS, dir string) bool {
	_, err := durable.Read(files, filepath.Join(dir, stateName), maxState)
	return err == nil
}

// Place is where a wallet's notes come from.
type Place struct {
	Mint string // URL
	// Network is the ledger's on which keysets must be announced, in hexadecimal digits; empty takes the mint's word,
	// once.
	Network string
	// Unannounced takes a mint that has no such ledger: another kind of mint.
	Unannounced bool
}

// Create makes a wallet of words for a mint.
func Create(files vfs.FS, dir, words string, place Place) error {
	if err := durable.Folder(files, dir); err != nil {
		return err
	}
	raw, err := json.MarshalIndent(state{Words: words, Mint: place.Mint, Network: place.Network,
		NoLedger: place.Unannounced, Counters: map[string]uint64{}}, "", "  ")
	if err != nil {
		return err
	}
	return durable.Create(files, filepath.Join(dir, stateName), raw)
}

// Open opens a wallet. dial makes the client of its mint; now is the time in Unix seconds.
func Open(files vfs.FS, dir string, dial func(url string) (Mint, error), now func() uint64) (*Wallet, error) {
	if _, err := durable.Read(files, filepath.Join(dir, stateName), maxState); errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNoWallet
	} else if err != nil {
		return nil, err
	}
	lock, err := durable.Lock(files, filepath.Join(dir, "LOCK"))
	if err != nil {
		return nil, err
	}
	w := &Wallet{files: files, dir: dir, lock: lock, now: now}
	raw, err := durable.Read(files, filepath.Join(dir, stateName), maxState)
	if err == nil { // what another left meanwhile
		err = json.Unmarshal(raw, &w.state)
	}
	if err == nil {
		w.mint, err = dial(w.state.Mint)
	}
	if err != nil {
		lock.Close()
		return nil, fmt.Errorf("%s: %w", filepath.Join(dir, stateName), err)
	}
	return w, nil
}

// Close lets go of the folder.
func (w *Wallet) Close() error { return w.lock.Close() }

// save makes the state durable.
func (w *Wallet) save() error {
	raw, err := json.MarshalIndent(w.state, "", "  ")
	if err != nil {
		return err
	}
	return durable.Replace(w.files, filepath.Join(w.dir, stateName), raw)
}

// Words are the wallet's.
func (w *Wallet) Words() string { return w.state.Words }

// URL is its mint's.
func (w *Wallet) URL() string { return w.state.Mint }

// Balance is what the wallet has: what is settled, what is not, and what operations have in hand.
type Balance struct {
	Settled   money.Tiyn `json:"settled"`
	Unsettled money.Tiyn `json:"unsettled"`
	// Begun is what operations that have not ended have in hand: their notes, and what was paid for some that have not
	// come.
	Begun money.Tiyn         `json:"begun"`
	Notes map[money.Tiyn]int `json:"notes"`
}

// Balance counts the notes.
func (w *Wallet) Balance() Balance {
	b := Balance{Notes: map[money.Tiyn]int{}}
	for _, n := range w.state.Notes {
		if n.Unsettled {
			b.Unsettled += money.Tiyn(n.Amount)
		} else {
			b.Settled += money.Tiyn(n.Amount)
		}
		b.Notes[money.Tiyn(n.Amount)]++
	}
	for _, op := range w.state.Begun {
		for _, n := range op.Inputs {
			b.Begun += money.Tiyn(n.Amount)
		}
		if op.Kind == minting && op.Paid {
			b.Begun += op.Amount
		}
	}
	return b
}

// notes are those that can be paid with.
func (w *Wallet) notes() (list []cash.Proof) {
	for _, n := range w.state.Notes {
		if !n.Unsettled {
			list = append(list, n.Proof)
		}
	}
	return list
}

// take removes notes from what the wallet has.
func (w *Wallet) take(notes []cash.Proof) {
	gone := map[string]bool{}
	for _, n := range notes {
		gone[n.Secret] = true
	}
	var kept []Held
	for _, n := range w.state.Notes {
		if !gone[n.Secret] {
			kept = append(kept, n)
		}
	}
	w.state.Notes = kept
}
