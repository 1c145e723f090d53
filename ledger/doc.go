// Package ledger holds the rules of the digital tenge: given a state and a
// transaction it says what changes, or which rule refuses it.
//
// It is pure. Time is the block's, randomness does not occur, and the state is
// an interface that package livestate implements (Model is the plain reference).
// Executing a transaction first checks every rule and only then changes the
// state, so a refusal changes nothing.
//
// Invariants, asserted at the end of every block: the sum of live tokens is
// what was issued less what was redeemed; no wallet's balance is negative; the
// state after block h is a function of the log's entries up to h alone.
package ledger
