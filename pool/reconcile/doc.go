// Package reconcile holds a pool's log against what it cannot have forgotten: the chain and the
// operator's wallet. A pool's directory that was put back from a backup is at one with itself, log,
// books and all, and would pay again what it has paid since; but each payment and each block of the
// pool carries a mark that nobody else can make, and the wallet remembers what it has sent.
//
// It may import bitcoin and bitcoin/wallet.
package reconcile
