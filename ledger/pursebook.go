package ledger

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"slices"

	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/token/sealed"
)

// Of offline purses the ledger keeps what each has set aside and received, every link that came to it, and the bonds of
// the intermediaries that certify them. Since rules version 5. All of that money is one token of one wallet without a
// key: whose it is, the records say, so that a payment from purse to purse moves no token.

// PurseFund is the wallet that holds the money of all purses and bonds.
var PurseFund = token.WalletID(purseFundHash[:16])

var purseFundHash = sha256.Sum256([]byte("aqsha purses v1\x00"))

// ClaimWindowMillis is how long after a purse's expiry links of it are still taken.
const ClaimWindowMillis = 30 * 86_400_000

// PurseState says how far a purse has come: from open to ending to ended, and never back. The step to ending fixes
// every open claim's share; ended is reached when all are paid, in as many entries as that takes.
type PurseState uint8

const (
	PurseOpen   PurseState = 0
	PurseEnding PurseState = 1 // its claim window is over, its claims are shared and being paid
	PurseEnded  PurseState = 2 // nothing is left in it
)

// Purse is an offline purse.
//
// Amounts are in tiyn. While it is open, Lock = Deposit + what links to it have paid − what links of it have paid +
// Bonded, and is never below 0; Known and KnownIn also count links that wait. Links are what settle learnt, without
// gaps filled: an offline payment that never reached the ledger is not among them.
type Purse struct {
	ID           token.WalletID    `json:"purse"`
	Intermediary token.WalletID    `json:"intermediary"`
	Owner        token.WalletID    `json:"owner"`
	Key          token.PublicKey   `json:"key"`
	Class        uint8             `json:"class"`
	Limits       token.PurseLimits `json:"limits"`
	ExpiryMillis uint64            `json:"expiry_millis"`
	Serial       uint32            `json:"serial"`           // of the certificate that the deposit calls for
	Sealed       token.Octets      `json:"sealed,omitempty"` // the owner's name, as package sealed has it

	Deposit   money.Tiyn `json:"deposit_tiyn"`
	Lock      money.Tiyn `json:"lock_tiyn"`     // what is in it now
	KnownIn   money.Tiyn `json:"known_in_tiyn"` // links to it that are known, paid or not
	Known     money.Tiyn `json:"known_tiyn"`    // links of it that are known
	Bonded    money.Tiyn `json:"bonded_tiyn"`   // what the bond paid in its place and did not get back
	Convicted bool       `json:"convicted,omitempty"`
	State     PurseState `json:"state"`
	Openings  []Opening  `json:"openings,omitempty"` // of the name, in order

	Links []PurseLink `json:"links"` // by (number, id)
}

// PurseLink is a link that is known, without its nonce, time and signature.
type PurseLink struct {
	ID             token.Hash     `json:"link"`
	Number         uint32         `json:"number"`
	Previous       token.Hash     `json:"previous"`
	PaidBefore     money.Tiyn     `json:"paid_before_tiyn"`
	ReceivedBefore money.Tiyn     `json:"received_before_tiyn"`
	Amount         money.Tiyn     `json:"amount_tiyn"`
	Payee          token.WalletID `json:"payee"`
	Paid           bool           `json:"paid"`
	// of a purse that ends: what is paid instead of the amount
	Share money.Tiyn `json:"share_tiyn,omitempty"`
}

func (l *PurseLink) compare(other *PurseLink) int {
	return cmp.Or(cmp.Compare(l.Number, other.Number), bytes.Compare(l.ID[:], other.ID[:]))
}

// Fraud is how much more is claimed of a purse than it had by the links known.
func (p *Purse) Fraud() money.Tiyn { return max(0, p.Known-p.Deposit-p.KnownIn) }

// Guaranteed is how much of that the bond pays.
func (p *Purse) Guaranteed() money.Tiyn { return min(p.Limits.Offline, p.Fraud()) }

// EndsMillis is when the claim window is over.
func (p *Purse) EndsMillis() uint64 { return p.ExpiryMillis + ClaimWindowMillis }

// link finds a known link.
func (p *Purse) link(number uint32, id token.Hash) *PurseLink {
	want := PurseLink{Number: number, ID: id}
	at, found := slices.BinarySearchFunc(p.Links, want, func(a, b PurseLink) int { return a.compare(&b) })
	if !found {
		return nil
	}
	return &p.Links[at]
}

// open lists the links that are not paid, in order of what the purse has paid with them, then of number and id: what
// comes earlier is covered earlier.
func (p *Purse) open() (open []*PurseLink) {
	for i := range p.Links {
		if !p.Links[i].Paid {
			open = append(open, &p.Links[i])
		}
	}
	slices.SortFunc(open, func(a, b *PurseLink) int {
		return cmp.Or(cmp.Compare(a.PaidBefore+a.Amount, b.PaidBefore+b.Amount), a.compare(b))
	})
	return open
}

// Bond is an intermediary's money for what the owners of its purses defraud. Amount is what is in it now: what it paid
// in a purse's place stands in that purse's Bonded until it comes back.
type Bond struct {
	Intermediary token.WalletID  `json:"intermediary"`
	Certifier    token.PublicKey `json:"certifier"` // signs certificates
	Amount       money.Tiyn      `json:"amount_tiyn"`
	Purses       uint32          `json:"purses"` // that have not ended
}

// PurseBook counts the money of all purses and bonds. Set aside less paid is what is locked, and is the fund's token.
type PurseBook struct {
	Token    token.ID     `json:"token,omitzero"`
	SetAside money.Tiyn   `json:"set_aside_tiyn"`    // ever: deposits and bonds
	Paid     money.Tiyn   `json:"paid_tiyn"`         // ever, to wallets that links pay
	Returned money.Tiyn   `json:"returned_tiyn"`     // ever, to owners and intermediaries
	Locked   money.Tiyn   `json:"locked_tiyn"`       // in all purses and bonds
	Bonds    []Bond       `json:"bonds,omitempty"`   // by intermediary
	Openers  []sealed.Key `json:"openers,omitempty"` // keys for names; a seal says which, from 1
	Openings uint64       `json:"openings"`          // of names, ever
}

// Bond finds an intermediary's bond, or nil.
func (b *PurseBook) Bond(intermediary token.WalletID) *Bond {
	at, found := b.find(intermediary)
	if !found {
		return nil
	}
	return &b.Bonds[at]
}

func (b *PurseBook) find(intermediary token.WalletID) (at int, found bool) {
	return slices.BinarySearchFunc(b.Bonds, intermediary,
		func(bond Bond, id token.WalletID) int { return bytes.Compare(bond.Intermediary[:], id[:]) })
}

// Used says whether there is anything to remember: until then a state has no record of purses, and the bytes that it
// always had.
func (b *PurseBook) Used() bool { return b.SetAside != 0 || len(b.Bonds) > 0 || len(b.Openers) > 0 }

// Purse is a purse's record, or nil. The executor changes it in place, after saying so to ChangePurse.
func (p *Programs) Purse(id token.WalletID) *Purse { return p.purses[id] }

// AddPurse opens a purse. Its record stays for ever: what is paid to it late still finds its owner.
func (p *Programs) AddPurse(purse *Purse) { p.purses[purse.ID] = purse }

// ChangePurse is for a state that must know.
func (p *Programs) ChangePurse(*Purse) {}

// Purses lists the ids of all purses in order.
func (p *Programs) Purses() []token.WalletID { return sortedIDs(p.purses) }

// ConvictedPurses lists those that are convicted, in order.
func (p *Programs) ConvictedPurses() (ids []token.WalletID) {
	for id, purse := range p.purses { // any order: sorted below
		if purse.Convicted {
			ids = append(ids, id)
		}
	}
	slices.SortFunc(ids, func(a, b token.WalletID) int { return bytes.Compare(a[:], b[:]) })
	return ids
}

// PurseBook is the book of purses, which the executor changes in place.
func (p *Programs) PurseBook() *PurseBook { return &p.purseBook }
