// Package cash is the rules of banknotes: blind-signed notes that a cash office sells for tenge of the ledger, changes
// and buys back, in the open Cashu protocol (NUT-00 to 14, 20 and 29).
//
// A note is a secret x with C = k·H(x), where k is the key of one keyset and one denomination. Its holder made H(x)
// blind before it was signed, so that the office does not know it again. Conditions inside a secret (a key, a hash, a
// time) are checked when it is spent.
//
// Rules are functions of a state and a request: Check* looks at a request alone, Books.Decide* holds it against what
// was issued and spent and returns an Event or a Refusal, and Books.Apply books the event. Whoever runs an office makes
// events durable in the order in which they were applied, and answers only then; the state after a crash is the events
// applied again.
//
// Invariants:
//   - A refusal changes nothing.
//   - A note is spent once: Y is in the spent set, or pending for one melt, or neither.
//   - An output is signed once; what was signed is signed again, the same bit for bit, only for restoring.
//   - Issued less redeemed is what circulates, per keyset and denomination; with what was paid in and not yet issued, or
//     redeemed and not yet paid out, it is the reserve (Reserve.Holds).
//
// It imports money and cash/curve, no clock, no randomness, no I/O.
package cash
