// Package outbox keeps a pool's signed payments, with their replacements and the children that raise
// their fees, from before they are sent until the chain has decided: what a crash must not lose, and
// nobody else may read.
//
// It may import bitcoin/wallet.
package outbox
