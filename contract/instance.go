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
}

// MaxLifeMillis bounds how long a contract may live: ten years.
const MaxLifeMillis = 10 * 366 * 86_400_000
