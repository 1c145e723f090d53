// Package purse is money that two phones pay each other without a network on either side.
//
// A purse is a device key with money set aside on the ledger, certified by an intermediary. A payment is a Link: signed
// by the payer, chained to the payer's link before it, made out to the payee and the payee's nonce. Beyond its own
// deposit a purse pays with links that it has received, which travel along. The payee checks a Message by itself
// (Check).
//
// Without secure hardware double spending cannot be prevented; it is always detected, proved by two of the crook's own
// signatures, bounded by limits, and paid for by a rule, never by new money.
//
// Two theorems hold, and theorems_test.go tries them in random worlds:
//
//   - A purse for which more is claimed than it had is convicted by the links known. Let K be what is known and covered
//     (Cover), and no two links of purse X conflict. Then the amounts of X lie side by side below the end of its last link,
//     so their sum is at most that end; and that link is covered: its end is at most the deposit of X and what came to
//     X in K. So the claims are at most what X had.
//   - A purse that followed the rules never is convicted: Device signs each number once, in order, with totals that go on.
//
// The encoding is deterministic CBOR (RFC 8949 §4.2.1), as of transactions; docs/OFFLINE.md gives it byte by byte. The
// package is pure: time and nonces are arguments, files and cables are elsewhere. It may import money and token.
package purse
