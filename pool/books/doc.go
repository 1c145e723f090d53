// Package books keeps double-entry accounts in SQLite. An entry moves satoshi
// between accounts and sums to zero; it has a key, and an entry whose key is there
// already is not booked again, so that replaying a log is harmless. Nothing is
// ever changed: what turns out wrong is reversed by another entry.
//
// It may import money. The pool's accounts:
//
//	immature        outputs of the pool's blocks that cannot be spent yet
//	wallet          spendable coins of the operator
//	paying          payments that the wallet has been asked for
//	operator        what the operator has earned: fees
//	reserve         what pays PPS and FPPS, and gets their blocks
//	user:<number>   what the pool owes a user
//
// Assets have negative credit balances: every account's balance is credits minus debits.
package books
