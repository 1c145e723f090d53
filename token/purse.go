package token

import (
	"slices"

	"github.com/aqsha/aqsha/money"
)

// Bounds of what the ledger takes of offline purses. Links and convictions stand in transactions as the bytes that
// docs/OFFLINE.md gives.
const (
	MaxPurseLinks  = 16
	MaxPurseLink   = 205
	MaxConviction  = 512
	MaxSealed      = 512 // a sealed name
	MaxPurseAmount = 1<<53 - 1
)

// BondPurses sets aside an intermediary's money for what its purses' owners defraud, and says under which key it
// certifies purses. Signed by the intermediary and its treasury. Since rules version 5.
type BondPurses struct {
	Intermediary WalletID   `json:"intermediary"`
	Sequence     uint64     `json:"sequence"`  // of the intermediary
	Certifier    PublicKey  `json:"certifier"` // signs certificates
	Inputs       []ID       `json:"inputs,omitempty"`
	Amount       money.Tiyn `json:"amount"` // added; 0 changes the key alone
	Change       money.Tiyn `json:"change"`
}

func (*BondPurses) Kind() Kind  { return KindBondPurses }
func (*BondPurses) fields() int { return 6 }

func (t *BondPurses) appendFields(b []byte) []byte {
	b = AppendUint(AppendBytes(b, t.Intermediary[:]), t.Sequence)
	b = appendIDs(appendKey(b, t.Certifier), t.Inputs)
	return AppendUint(AppendUint(b, uint64(t.Amount)), uint64(t.Change))
}

func (t *BondPurses) decodeFields(d *Decoder) {
	t.Intermediary = d.wallet("intermediary")
	t.Sequence = d.Uint("sequence", 1<<63-1)
	t.Certifier = d.key("certifier")
	t.Inputs = d.ids("inputs", 0, MaxInputs)
	t.Amount = money.Tiyn(d.Uint("amount", MaxPurseAmount))
	t.Change = money.Tiyn(d.Uint("change", 1<<63-1))
}

func (t *BondPurses) check() *Error {
	if err := t.Certifier.check("certifier"); err != nil {
		return err
	}
	return checkSetAside(t.Inputs, t.Amount, t.Change)
}

// checkSetAside is checkTaking where nothing need be taken.
func checkSetAside(inputs []ID, amount, change money.Tiyn) *Error {
	if amount > MaxPurseAmount {
		return Errorf(OutOfRange, "amount", "%d tiyn, at most %d", amount, int64(MaxPurseAmount))
	}
	if amount == 0 {
		if len(inputs) > 0 || change != 0 {
			return Errorf(Unused, "inputs", "inputs, or change, and nothing is set aside")
		}
		return nil
	}
	return checkTaking(inputs, amount, change)
}

// PurseLimits are what a purse's certificate may say.
type PurseLimits struct {
	Payment  money.Tiyn `json:"payment_most_tiyn"` // of one payment
	Offline  money.Tiyn `json:"offline_most_tiyn"` // of all; the most that the bond pays for the purse
	Hops     uint8      `json:"hops_most"`
	AgeHours uint16     `json:"age_hours"`
}

// OpenPurse opens an offline purse with a deposit. Signed by the intermediary, by the owner's wallet, and by the
// device's key, which proves itself. Since rules version 5.
type OpenPurse struct {
	Intermediary WalletID    `json:"intermediary"`
	Sequence     uint64      `json:"sequence"` // of the intermediary
	Owner        WalletID    `json:"owner"`    // the wallet that pays the deposit and gets back what is left
	Key          PublicKey   `json:"key"`      // the device's
	Class        uint8       `json:"class"`    // 1 software, 2 hardware
	Limits       PurseLimits `json:"limits"`
	ExpiryMillis uint64      `json:"expiry_millis"`
	Sealed       Octets      `json:"sealed,omitempty"` // the owner's name for a court; the ledger keeps its bytes
	Inputs       []ID        `json:"inputs,omitempty"`
	Deposit      money.Tiyn  `json:"deposit"`
	Change       money.Tiyn  `json:"change"`
}

func (*OpenPurse) Kind() Kind  { return KindOpenPurse }
func (*OpenPurse) fields() int { return 11 }

func (t *OpenPurse) appendFields(b []byte) []byte {
	b = AppendUint(AppendBytes(b, t.Intermediary[:]), t.Sequence)
	b = AppendUint(appendKey(AppendBytes(b, t.Owner[:]), t.Key), uint64(t.Class))
	b = AppendUint(AppendUint(AppendArray(b, 4), uint64(t.Limits.Payment)), uint64(t.Limits.Offline))
	b = AppendUint(AppendUint(b, uint64(t.Limits.Hops)), uint64(t.Limits.AgeHours))
	b = AppendBytes(AppendUint(b, t.ExpiryMillis), t.Sealed)
	b = appendIDs(b, t.Inputs)
	return AppendUint(AppendUint(b, uint64(t.Deposit)), uint64(t.Change))
}

func (t *OpenPurse) decodeFields(d *Decoder) {
	t.Intermediary = d.wallet("intermediary")
	t.Sequence = d.Uint("sequence", 1<<63-1)
	t.Owner = d.wallet("owner")
	t.Key = d.key("key")
	t.Class = uint8(d.Uint("class", 255))
	d.Array("limits", 4, 4)
	t.Limits.Payment = money.Tiyn(d.Uint("limits.payment_most", MaxPurseAmount))
	t.Limits.Offline = money.Tiyn(d.Uint("limits.offline_most", MaxPurseAmount))
	t.Limits.Hops = uint8(d.Uint("limits.hops_most", 255))
	t.Limits.AgeHours = uint16(d.Uint("limits.age_hours", 65535))
	t.ExpiryMillis = d.Uint("expiry", MaxValidUntil)
	if sealed := d.Bytes("sealed", 0, MaxSealed); len(sealed) > 0 {
		t.Sealed = slices.Clone(sealed)
	}
	t.Inputs = d.ids("inputs", 0, MaxInputs)
	t.Deposit = money.Tiyn(d.Uint("deposit", MaxPurseAmount))
	t.Change = money.Tiyn(d.Uint("change", 1<<63-1))
}

func (t *OpenPurse) check() *Error {
	if err := t.Key.check("key"); err != nil {
		return err
	}
	if len(t.Sealed) > MaxSealed {
		return Errorf(OutOfRange, "sealed", "%d bytes, at most %d", len(t.Sealed), MaxSealed)
	}
	return checkSetAside(t.Inputs, t.Deposit, t.Change)
}

// FundPurse adds to a purse's deposit, signed by the wallet that pays: the owner's or another's. Since rules version 5.
type FundPurse struct {
	From   WalletID   `json:"from"`
	Purse  WalletID   `json:"purse"`
	Inputs []ID       `json:"inputs"`
	Amount money.Tiyn `json:"amount"`
	Change money.Tiyn `json:"change"`
}

func (*FundPurse) Kind() Kind  { return KindFundPurse }
func (*FundPurse) fields() int { return 5 }

func (t *FundPurse) appendFields(b []byte) []byte {
	b = appendIDs(AppendBytes(AppendBytes(b, t.From[:]), t.Purse[:]), t.Inputs)
	return AppendUint(AppendUint(b, uint64(t.Amount)), uint64(t.Change))
}

func (t *FundPurse) decodeFields(d *Decoder) {
	t.From, t.Purse = d.wallet("from"), d.wallet("purse")
	t.Inputs = d.ids("inputs", 1, MaxInputs)
	t.Amount = money.Tiyn(d.Uint("amount", MaxPurseAmount))
	t.Change = money.Tiyn(d.Uint("change", 1<<63-1))
}

func (t *FundPurse) check() *Error {
	if t.Amount > MaxPurseAmount {
		return Errorf(OutOfRange, "amount", "%d tiyn, at most %d", t.Amount, int64(MaxPurseAmount))
	}
	return checkTaking(t.Inputs, t.Amount, t.Change)
}

// SettlePurses brings links to the ledger, with what they rest on, in any order. Nobody signs it: the links are signed.
// Since rules version 5.
type SettlePurses struct {
	Links []Octets `json:"links"`
}

func (*SettlePurses) Kind() Kind  { return KindSettlePurses }
func (*SettlePurses) fields() int { return 1 }

func (t *SettlePurses) appendFields(b []byte) []byte {
	b = AppendArray(b, len(t.Links))
	for _, link := range t.Links {
		b = AppendBytes(b, link)
	}
	return b
}

func (t *SettlePurses) decodeFields(d *Decoder) {
	for range d.Array("links", 1, MaxPurseLinks) {
		link := d.Bytes("links", 1, MaxPurseLink)
		if d.err != nil {
			return
		}
		t.Links = append(t.Links, slices.Clone(link))
	}
}

// check: the number and length of links, none twice. What is in them the ledger reads, which knows the purses.
func (t *SettlePurses) check() *Error {
	if err := counts("links", len(t.Links), MaxPurseLinks); err != nil {
		return err
	}
	for i, link := range t.Links {
		if len(link) == 0 || len(link) > MaxPurseLink {
			return Errorf(OutOfRange, "links", "%d bytes, want 1 to %d", len(link), MaxPurseLink)
		}
		for j := range i {
			if slices.Equal(link, t.Links[j]) {
				return Errorf(Repeated, "links", "link %d stands twice", i)
			}
		}
	}
	return nil
}

// ConvictPurse shows two links of one purse that no purse that follows the rules signs both. Nobody signs it: the links
// are signed. Since rules version 5.
type ConvictPurse struct {
	Conviction Octets `json:"conviction"`
}

func (*ConvictPurse) Kind() Kind  { return KindConvictPurse }
func (*ConvictPurse) fields() int { return 1 }

func (t *ConvictPurse) appendFields(b []byte) []byte { return AppendBytes(b, t.Conviction) }

func (t *ConvictPurse) decodeFields(d *Decoder) {
	t.Conviction = slices.Clone(d.Bytes("conviction", 1, MaxConviction))
}

func (t *ConvictPurse) check() *Error {
	if len(t.Conviction) == 0 || len(t.Conviction) > MaxConviction {
		return Errorf(OutOfRange, "conviction", "%d bytes, want 1 to %d", len(t.Conviction), MaxConviction)
	}
	return nil
}

// ClosePurse ends a purse whose claim window is over: what is claimed and unpaid is shared, what is left returns. With
// an intermediary's id it gives back the bond of one that has no purses. Nobody signs it. Since rules version 5.
type ClosePurse struct {
	Purse WalletID `json:"purse"`
}

func (*ClosePurse) Kind() Kind                     { return KindClosePurse }
func (*ClosePurse) fields() int                    { return 1 }
func (t *ClosePurse) appendFields(b []byte) []byte { return AppendBytes(b, t.Purse[:]) }
func (t *ClosePurse) decodeFields(d *Decoder)      { t.Purse = d.wallet("purse") }
func (*ClosePurse) check() *Error                  { return nil }
