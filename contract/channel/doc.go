// Package channel is what happens of a payment channel off the ledger: vouchers for growing totals,
// hash chains whose words are ticks (PayWord), the receiver's book of what it has accepted, and what
// it brings to the contract (template channel) in the end.
//
// A voucher is a signature over "voucher" ‖ network ‖ contract ‖ total ‖ root; it is worth its total,
// and a tick more for every word of the chain under root. Vouchers do not add up: the greatest counts.
//
// The package is pure: it knows no ledger, clock or randomness. It imports money, token and contract.
//
// Invariants: a Receiver's worth never falls, and is at every moment backed by a claim that the
// contract accepts; nothing that is replayed, reordered, of another channel or above the deposit is
// accepted.
package channel
