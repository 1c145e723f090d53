// Package money holds amounts: tiyn of tenge and satoshi of bitcoin, as 64-bit
// integers with checked arithmetic. No amount is ever a float.
//
// It belongs to the common ground: it imports only the standard library, and
// is pure (no clock, no randomness, no I/O).
package money
