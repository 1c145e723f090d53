// Package payout says what a share earns: PPS, FPPS, PPLNS, TIDES, PROP and SOLO
// over one history of shares, and how a block's reward is laid into a coinbase
// that has room for some payees only.
//
// It is pure: no I/O, no clock, no floats in anything that is paid. Work is
// counted in units of difficulty 2^−40, exactly; the constant that turns
// difficulty into hashes cancels out of every quotient of works, so it is never
// applied to money. It may import money, bitcoin, pool/stratum and pool/sharelog.
//
// Invariants: PROP, PPLNS, TIDES and SOLO pay exactly the reward (largest
// remainder); what a user earns never falls when the user's work rises and nobody
// else's does, to the satoshi (Divide says why);
// everything follows from the log alone.
package payout
