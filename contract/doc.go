// Package contract is programmable money: what a definition of a contract says, how it is checked
// before it is accepted, and what one action of it does; and the rules of purposes (marked tenge).
//
// A definition is data: parties, terms, integer state and named actions whose guards, payouts and
// updates are expressions of CEL in an environment of our own (environment.go): int, bool, string,
// bytes and lists, no doubles, no dynamic types, no clock, no regular expressions, no maps. Its
// estimated worst-case cost decides whether it is accepted, so that executing it is bounded before
// it has begun. The version of cel-go belongs to the version of the rules; vectors pin results.
//
// The package is pure. It imports money, token and cel-go. It does not know the ledger: an action
// is a function of an instance, its parties, the money held and the call; the ledger applies the
// outcome and enforces, whatever the outcome says, that what leaves is what entered.
//
// Invariants: the same definition has one encoding and one id; a Program never evaluates to
// anything but the types its place demands; an end cannot fail: its shares evaluate nothing, and an action that the end
// does is left out where it is not possible.
package contract
