package contract

import (
	"crypto/sha256"

	"github.com/aqsha/aqsha/token"
)

// Bounds of a definition.
const (
	MaxDefinition = 16_384 // bytes of its encoding
	MaxAbout      = 1024
	MaxName       = 24 // of a party, a term, an action, …
	MaxParties    = 8
	MaxAssets     = 4
	MaxTerms      = token.MaxValues
	MaxState      = 16
	MaxActions    = 24
	MaxArgs       = 8
	MaxPayouts    = 8
	MaxEndActions = 4
	maxShare      = 1_000_000
)

// Caller, as a payee, is whoever called the action.
const Caller = "caller"

// Definition says what a contract is. Expressions are CEL; an empty one is left out. Its hash is its name on the
// ledger, so it never changes; Assets, Terms and State stand in the order in which an instance has their values.
type Definition struct {
	Name    string   `json:"name"`
	About   string   `json:"about,omitempty"`
	Parties []string `json:"parties"`
	Assets  []string `json:"assets"` // names of what it may hold; the instance says which asset each is
	Terms   []Field  `json:"terms,omitempty"`
	State   []Var    `json:"state,omitempty"`
	Create  Action   `json:"create"` // who may create it, when, and what it takes; it pays and sets nothing
	Actions []Action `json:"actions"`
	End     End      `json:"end"`
}

// Field is a named value that somebody supplies.
type Field struct {
	Name string          `json:"name"`
	Type token.ValueType `json:"type"`
}

// Var is a named integer of the state, or since rules version 3 a register of 32 bytes, and where it starts: an
// expression over the terms, whose type is the variable's.
type Var struct {
	Name  string `json:"name"`
	Start string `json:"start"`
}

// Action is what a caller may do.
type Action struct {
	Name     string   `json:"name"`
	By       []string `json:"by,omitempty"` // parties; empty for anyone
	Args     []Field  `json:"args,omitempty"`
	From     string   `json:"from,omitempty"`     // int, ms: not before
	Until    string   `json:"until,omitempty"`    // int, ms: not after
	When     string   `json:"when,omitempty"`     // bool: the guard
	Document string   `json:"document,omitempty"` // bytes: what the attached document's hash must be; Any for any
	Takes    []Take   `json:"takes,omitempty"`
	Pay      []Payout `json:"pay,omitempty"`
	Set      []Assign `json:"set,omitempty"`
	Ends     bool     `json:"ends,omitempty"`    // afterwards the rest is paid as at the end, and the contract is gone
	Extends  string   `json:"extends,omitempty"` // int, ms: when the contract ends from then on, later than before
}

// Any stands for a document or an amount that the caller chooses.
const Any = "any"

// Rest as an amount is all that is left of the asset.
const Rest = "rest"

// Take is what the caller brings in.
type Take struct {
	Asset  string `json:"asset"`
	Amount string `json:"amount"` // int, or Any
}

// Payout gives a party some of what is held.
type Payout struct {
	To     string `json:"to"` // a party, or Caller
	Asset  string `json:"asset"`
	Amount string `json:"amount"`       // int, or Rest
	As     string `json:"as,omitempty"` // mark it: it is paid as this asset
}

// Assign gives a variable of the state a new value. All are computed before any is set.
type Assign struct {
	Name  string `json:"name"`
	Value string `json:"value"` // int
}

// End is what happens at the deadline, without anybody. The first action of Do that is possible then is done, if one
// is; what is left after it goes to fixed parties by shares. The shares have no guard, so the end cannot fail.
type End struct {
	At  string   `json:"at"` // int, ms: an expression over the terms, computed when the contract is created
	Do  []string `json:"do,omitempty"`
	Pay []Share  `json:"pay"`
}

// Share is a party's part of what is left: a number, or what a variable of the state says.
type Share struct {
	To    string `json:"to"`
	Share uint64 `json:"share,omitempty"`
	Of    string `json:"of,omitempty"` // the variable
}

// ID is the SHA-256 of a definition's encoding.
func (d *Definition) ID() token.Hash { return sha256.Sum256(d.Encode()) }

// Action finds an action by name.
func (d *Definition) Action(name string) (int, bool) {
	for i := range d.Actions {
		if d.Actions[i].Name == name {
			return i, true
		}
	}
	return 0, false
}

func (d *Definition) party(name string) (int, bool) { return find(d.Parties, name) }
func (d *Definition) asset(name string) (int, bool) { return find(d.Assets, name) }

// variable is the place of a state's variable.
func (d *Definition) variable(name string) (int, bool) {
	for i := range d.State {
		if d.State[i].Name == name {
			return i, true
		}
	}
	return 0, false
}

// find is the first place of a name.
func find(names []string, name string) (int, bool) {
	for i := range names {
		if names[i] == name {
			return i, true
		}
	}
	return 0, false
}
