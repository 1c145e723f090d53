package contract

import (
	"github.com/aqsha/aqsha/token"
)

// Instance is a contract that exists: a definition with its parties, assets and terms, and the
// state it is in. What it holds is tokens of the ledger.
type Instance struct {
	ID            token.WalletID   `json:"id"`
	Definition    token.Hash       `json:"definition"`
	Parties       []token.WalletID `json:"parties"`
	Assets        []uint32         `json:"assets"` // the purpose of each, 0 for plain tenge
	Terms         []token.Value    `json:"terms"`
	State         []int64          `json:"state"`
	Version       uint64           `json:"version"` // the next action names it
	CreatedMillis uint64           `json:"created_millis"`
	EndsMillis    uint64           `json:"ends_millis"`
	// the variables that are of 32 bytes, in their order; State has a zero for each
	Registers []token.Hash `json:"registers,omitempty"`
	Renewals  uint32       `json:"renewals,omitempty"` // how often its end was put off
}

// MaxLifeMillis bounds how far ahead a contract's end may lie, at its creation and at each renewal: ten years.
const MaxLifeMillis = 10 * 366 * 86_400_000

// MaxRenewals bounds how often a contract's end is put off, whoever does it: money is saved for a life, and what was
// created once, and paid for as one payment of the day, does not come back every day for ever.
const MaxRenewals = 12
