// Package meter is what happens of pay-per-use off the ledger: a meter's readings, chained by hashes
// and signed, their checks, tariffs by zone of the hour and by step, and the bill, computed as the
// contract (template metered) computes it.
//
// The package is pure. It imports money, token and contract.
//
// Invariants: registers never fall, and never rise faster than the line can carry; whoever has the
// readings computes the same bill to the tiyn.
package meter
