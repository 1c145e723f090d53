// Package coin is the wallet's side of banknotes: secrets from twelve words (NUT-13), making them blind and seeing
// again, choosing which notes to pay with, locking notes to keys (NUT-11, NUT-28), and the texts in which notes travel:
// tokens V3 (read) and V4, payment requests creqA and creqB (NUT-18, NUT-26), frames of animated codes (NUT-16).
//
// It imports cash, cash/curve and money; randomness, where there is any, is an argument. What it decodes comes from
// outside and is bounded.
//
// Invariants:
//   - A signature is taken only with a proof that the announced key made it (NUT-12), one by one: a note without a proof is
//     no reason to skip the others'.
//   - The blinding factor r never leaves for the office: Strip takes it away from what is sent there.
package coin
