// Package record is the public log of a cash office: what it holds, how it is written, and how anybody checks it.
//
// A block is one header and the lists that it names, as entries of a txlog. Per keyset and denomination it has the
// pairs (B_, C_) that were issued and (Y, C) that were redeemed since the last block, each list sorted, with one proof
// that all of it was made with the announced key (curve.BlockProof), and the counts since the beginning. Which inputs
// and outputs came in one request is not in it. A block is closed by time.
//
// A Checker goes through the blocks in order and holds in memory which notes were redeemed. It believes the office
// nothing: numbers follow from lists, lists from proofs, and what circulates from numbers. What it cannot see is in its
// comment.
//
// It imports cash, cash/curve and money.
package record
