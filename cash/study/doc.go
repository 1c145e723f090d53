// Package study says how many could have paid: it plays a population of cash wallets against observers that keep all
// that they see, and counts for each deposit the withdrawals from which its notes can have come. It is arithmetic on
// what the protocol shows, not on what an office of ours keeps: an observer here forgets nothing.
//
// Each person of a population withdraws once, waits, and pays once; a shop deposits what it was paid at once.
// Everything follows from a seed. Counts are exact; shares are in parts per million, as the room computes without
// floats.
package study
